//! What an operator should know of replicas that could be read.

use super::comparison::FoundReplica;
use crate::wording::plural;

/// Describes ends of logs that are not complete, changes of members that no server has applied, and logs that lag behind
/// the longest one, which comes first.
pub(super) fn find_warnings(replicas: &[FoundReplica]) -> Vec<String> {
    let torn = replicas.iter().flat_map(describe_torn_tails);
    let changes = replicas.first().into_iter().filter_map(describe_changes);
    let lags = replicas.iter().skip(1).filter_map(|found| describe_lag(replicas.first()?, found));
    torn.chain(changes).chain(lags).collect()
}

fn describe_torn_tails(found: &FoundReplica) -> Vec<String> {
    let tails = found.replica.torn_tails.iter();
    tails
        .map(|tail| {
            let end = match tail.is_damaged {
                true => "what it held is lost, and may have been acknowledged",
                false => {
                    "a write that the end of the server interrupted, or a copy that was cut short"
                }
            };
            let (file, offset, reason) = (&tail.file, tail.offset, &tail.reason);
            format!("{}: {file}: byte {offset}: {reason}: {end}", found.folder)
        })
        .collect()
}

fn describe_changes(found: &FoundReplica) -> Option<String> {
    let count = found.replica.changes_of_members().count();
    (count > 0).then(|| {
        let changes = plural(count, "change of the members");
        format!("{}: {changes} that no server has applied: skipped", found.folder)
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
