//! Checks of a running cluster as the target: its quorum, its nodes, and whether it is the source's
//! cluster. That every node of the source runs there proves that none runs on the source any more.

use super::guards::{Owner, owner};
use super::source::not_of_migration;
use super::{Check, Finding};
use crate::backends::cluster::{Quorum, Seen};
use crate::codec::Node;
use crate::model::{Entry, Snapshot};
use crate::outcome::Code;

/// What the nodes of the source answer, which the target has to know by the same ids.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Each node as the target knows it, and what it answers at its address there.
    pub at_home: Vec<(Node, Result<Seen, String>)>,
    /// What answers at an address that only the source has for a node.
    pub elsewhere: Vec<(Node, Seen)>,
    /// Nodes of the source that the target does not know.
    pub unknown: Vec<Node>,
}

/// Whether the target's replicated store has its majority.
pub fn check_target_quorum(quorum: &Quorum) -> Finding {
    match quorum {
        Quorum::Held(words) => Finding::ok(Check::Quorum, format!("of the target: {words}")),
        Quorum::Unseen => Finding::skipped(Check::Quorum, "only one node of the target is asked"),
        Quorum::NoMembers => {
            let detail = "no node of the target is a metadata server: it runs on another store";
            Finding::failed(Check::Quorum, Code::NotInMigrationMode, detail).hint(RESTART)
        }
        Quorum::Lost(words) | Quorum::NoLeader(words) => {
            let detail = format!("of the target: {words}");
            Finding::failed(Check::Quorum, Code::TargetUnavailable, detail).hint(
                "start the metadata servers that do not answer, until a majority of them runs",
            )
        }
    }
}

const RESTART: &str = "stop all nodes, give them back their [metadata-client] section of type \
                       \"replicated\" and the metadata servers their role, and start all with \
                       --metadata-migration-mode";

/// Whether each node of the source runs in migration mode on the target, whose `nodes_config` is
/// `stored`. For a dry run it stops nothing, as it is meant for a live cluster.
pub fn check_running_nodes(
    answers: &Answers,
    stored: Option<&Entry>,
    on_replicated: bool,
    dry_run: bool,
) -> Finding {
    let at_home = answers.at_home.iter().filter_map(|(node, seen)| fault(node, seen, stored));
    let elsewhere = answers.elsewhere.iter().map(|(node, seen)| {
        let who = seen.node_id.map_or("a node".to_owned(), |(id, _)| format!("N{id}"));
        format!("{who} answers at {}, where the source has {}", node.address, node.name)
    });
    let unknown = answers
        .unknown
        .iter()
        .map(|node| format!("{node} is of the source, and not of the target"));
    let faults: Vec<_> = at_home.chain(elsewhere).chain(unknown).collect();
    let all = answers.at_home.len() + answers.unknown.len();
    if !on_replicated {
        let detail = "the nodes of the target do not run on their replicated store";
        return Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
            .items(faults)
            .hint(RESTART);
    }
    if faults.is_empty() {
        let detail = format!(
            "all {all} nodes of the source run in it on the target; nothing can prove that no other \
             server runs on the source"
        );
        return Finding::ok(Check::MigrationMode, detail);
    }
    let detail = format!(
        "{} of {all} nodes of the source do not run in migration mode on the target",
        faults.len()
    );
    let finding = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
        .items(faults)
        .hint(RESTART)
        .hint(
            "a node that is gone for good has to be removed from the cluster before, while it runs \
             on the source",
        );
    if dry_run { finding.into_warning() } else { finding }
}

fn fault(node: &Node, seen: &Result<Seen, String>, stored: Option<&Entry>) -> Option<String> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(reason) => return Some(format!("{node} does not answer: {reason}")),
    };
    let Some((id, generation)) = seen.node_id else {
        return Some(format!("{node} has not joined the cluster"));
    };
    let roles = not_of_migration(seen.roles.iter().chain(&node.roles));
    let version = |entry: Option<&Entry>| {
        let version = entry.and_then(Entry::value).map(|value| value.version);
        version.map_or("absent".to_owned(), |version| format!("at version {version}"))
    };
    if id != node.id {
        Some(format!("{node} is another node: N{id} of cluster {} answers", seen.cluster_name))
    } else if !roles.is_empty() {
        Some(format!("{node} has the roles {}", roles.join(", ")))
    } else if seen.nodes_config.as_ref().and_then(Entry::value) != stored.and_then(Entry::value) {
        let (own, stored) = (version(seen.nodes_config.as_ref()), version(stored));
        Some(format!("{node} runs on another store: nodes_config is {own} there, {stored} here"))
    } else if generation != node.generation {
        let known = node.generation;
        Some(format!("{node} runs with generation {generation}, the target has {known}"))
    } else if !seen.is_alive {
        Some(format!("{node} is starting or stopping"))
    } else {
        None
    }
}

/// Whether the running cluster is the source's, and its `nodes_config` could be merged with it. No
/// option permits more: the servers know their fingerprint, and would stop at another one.
pub fn check_running_cluster(
    source: &Snapshot,
    target: &Snapshot,
    merged: Result<(), &[String]>,
) -> Finding {
    let failed =
        |detail: String| Finding::failed(Check::TargetCluster, Code::TargetOtherCluster, detail);
    const NEVER: &str = "a running cluster can't become another one, so that --overwrite-cluster does \
                         not hold for it: name the cluster that the source is of";
    match owner(source, target) {
        Owner::SameCluster => {}
        Owner::Other(name, fingerprint) => {
            let print = fingerprint.map_or("none".to_owned(), |print| print.to_string());
            let detail = format!("the target is another cluster: {name}, fingerprint {print}");
            return failed(detail).hint(NEVER);
        }
        Owner::Nobody | Owner::Unknown => {
            let detail = "the target has no nodes_config that says which cluster it is";
            return failed(detail.to_owned()).hint(NEVER);
        }
    }
    match merged {
        Ok(()) => {
            let detail = "it is the same cluster; nodes_config becomes a merge of both";
            Finding::ok(Check::TargetCluster, detail)
        }
        Err(faults) => failed("the nodes of source and target can't be merged".to_owned())
            .items(faults.to_vec())
            .hint(
                "a node that joined on the source has to be removed from the cluster there first, or to \
                 join the target",
            ),
    }
}
