//! What an operator should know of replicas that could be read.

use super::comparison::{FoundReplica, find_differences};
use super::messages::RaftSnapshot;
use super::replica::{NODES_CONFIG, Rebuilt};
use crate::visible::escape_line;
use crate::wording::plural;

/// Describes ends of logs that are not complete, changes of members that no server has applied, members that do not agree,
/// and logs that lag behind the longest one, which comes first. `base` and `rebuilt` are what the state is made of.
pub(super) fn find_warnings(
    replicas: &[FoundReplica],
    base: &RaftSnapshot,
    rebuilt: &Rebuilt,
) -> Vec<String> {
    let torn = replicas.iter().flat_map(describe_torn_tails);
    let changes = replicas.first().into_iter().flat_map(|found| {
        describe_changes(found, base).into_iter().chain(describe_uncertain_writes(found, rebuilt))
    });
    let differences = find_differences(replicas, &rebuilt.values).into_iter().map(|key| {
        format!(
            "{}: members with equally long logs have other values: those of the newest snapshot were taken",
            escape_line(&key)
        )
    });
    let lags = replicas.iter().skip(1).filter_map(|found| describe_lag(replicas.first()?, found));
    let outdated = replicas.iter().filter_map(describe_outdated_entries);
    torn.chain(outdated).chain(changes).chain(differences).chain(lags).collect()
}

fn describe_torn_tails(found: &FoundReplica) -> Vec<String> {
    let tails = found.replica.torn_tails.iter();
    tails
        .map(|tail| {
            let end = match tail.is_damaged {
                true => "what it held is lost, and may have been acknowledged",
                false => {
                    "a write that the end of the server interrupted, and nobody acknowledged, unless the folder is a copy \
                     that was cut short"
                }
            };
            let (file, offset, reason) = (&tail.file, tail.offset, &tail.reason);
            format!("{}: {file}: byte {offset}: {reason}: {end}", found.folder)
        })
        .collect()
}

fn describe_outdated_entries(found: &FoundReplica) -> Option<String> {
    let count = found.replica.outdated_entries;
    (count > 0).then(|| {
        let entries = match count {
            1 => "1 log entry".to_owned(),
            count => format!("{count} log entries"),
        };
        format!(
            "{}: {entries} of an older leader after the snapshot of a later one, which nobody committed: skipped",
            found.folder
        )
    })
}

fn describe_changes(found: &FoundReplica, base: &RaftSnapshot) -> Option<String> {
    let count = found.replica.changes_after(base.position.index).count();
    (count > 0).then(|| {
        let changes = plural(count, "change of the members");
        format!(
            "{}: {changes} that no server has applied, of those whose folders were read: skipped",
            found.folder
        )
    })
}

fn describe_uncertain_writes(found: &FoundReplica, rebuilt: &Rebuilt) -> Option<String> {
    let count = rebuilt.uncertain_writes;
    (count > 0).then(|| {
        let writes = plural(count, "write");
        format!(
            "{}: {writes} of {NODES_CONFIG} after a skipped change of the members: the change raises the version that they \
             require, so that {NODES_CONFIG} may not be the current one: name the folder of a member that has applied it as \
             well",
            found.folder
        )
    })
}

fn describe_lag(longest: &FoundReplica, found: &FoundReplica) -> Option<String> {
    let (ahead, behind) = (longest.replica.last_position(), found.replica.last_position());
    (behind < ahead).then(|| {
        format!(
            "N{} ({}) lags behind: its log ends at term {}, index {}; that of N{} ({}) at term {}, index {}",
            found.replica.node_id,
            found.replica.name,
            behind.term,
            behind.index,
            longest.replica.node_id,
            longest.replica.name,
            ahead.term,
            ahead.index
        )
    })
}
