//! The check of servers still running on a store that is read or written.

use crate::codec::Node;
use crate::outcome::{Check, Code, Finding, Readiness};

/// A node that the `nodes_config` of a store names, as it was observed.
#[derive(Clone, Debug)]
pub struct NodeObservation {
    /// The node, as the store knows it.
    pub node: Node,
    /// The role of the store in this run: "source", "target" or "store".
    pub side: &'static str,
    /// The use that was observed.
    pub usage: StoreUse,
}

/// The use of a store by a node, as far as it matters to a run; a node that has stopped, or runs elsewhere,
/// does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUse {
    /// The node runs on the store with these roles, which it would not have in migration mode.
    Running(Vec<String>),
    /// The node runs as a metadata server of the replicated store that is read from the folders of others.
    MetadataServer,
    /// The node did not respond in time, or was not asked, for this reason.
    NoResponse(String),
    /// There is no way to the node from here, for this reason.
    OutOfReach(String),
    /// Something listens at its address, and it is not known whether that is the node and runs on the store, for
    /// this reason.
    Unclear(String),
}

const STOP_NODES_HINT: &str =
    "stop these nodes first: their writes would be lost or make the copy inconsistent";

/// Checks that no node is still running on a store that is read or written.
///
/// `finding` is what is known without these nodes. In a dry run it stops nothing.
pub fn check_live_nodes(
    observations: &[NodeObservation],
    finding: Finding,
    dry_run: bool,
) -> Finding {
    if observations.is_empty() {
        return finding;
    }
    let described = observations.iter().map(describe_observation);
    let items = finding.items.iter().cloned().chain(described).collect();
    let runs = |usage: &StoreUse| matches!(usage, StoreUse::Running(_) | StoreUse::MetadataServer);
    let none_runs = !observations.iter().any(|one| runs(&one.usage));
    match (none_runs, finding.code) {
        // Failed already, or a warning only since this is a dry run.
        (true, Some(_)) => finding.items(items),
        (false, Some(_)) => finding.items(items).hint(STOP_NODES_HINT),
        (true, None) => finding.items(items).into_warning(),
        (false, None) => {
            let detail = "nodes are still running on the source or target store";
            let failed = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail);
            let failed = failed.items(items).hint(STOP_NODES_HINT);
            // A metadata server writes to its folder in either mode: it has to stop.
            if observations.iter().any(|one| one.usage == StoreUse::MetadataServer) {
                return failed;
            }
            let failed = failed.readiness(Readiness::AfterRestart);
            if dry_run { failed.into_warning() } else { failed }
        }
    }
}

fn describe_observation(NodeObservation { node, side, usage }: &NodeObservation) -> String {
    match usage {
        StoreUse::Running(roles) => {
            format!("{node} runs on the {side} in its normal roles: {}", roles.join(", "))
        }
        StoreUse::MetadataServer => format!(
            "{node} runs as a metadata server: the folders lack what it has written since they were left"
        ),
        StoreUse::NoResponse(reason) | StoreUse::OutOfReach(reason) => {
            format!(
                "{node} did not respond ({reason}): make sure that it does not run on the {side}"
            )
        }
        StoreUse::Unclear(reason) => {
            format!("{node} may run on the {side}: something listens at its address ({reason})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::CheckStatus;

    #[test]
    fn running_node_refuses_and_only_warns_in_a_dry_run() {
        let unseen = || Finding::skipped(Check::MigrationMode, "no node responded");
        assert_eq!(check_live_nodes(&[], unseen(), false).detail, "no node responded");
        let node =
            Node { id: 1, name: "a".into(), address: "http://a:1".into(), ..Node::default() };
        let usage = StoreUse::Running(vec!["worker".into(), "log-server".into()]);
        let running = [NodeObservation { node: node.clone(), side: "source", usage }];
        let finding = check_live_nodes(&running, unseen(), false);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        let described =
            "N1 (a, http://a:1) runs on the source in its normal roles: worker, log-server";
        assert_eq!(finding.items, [described]);
        assert_eq!(check_live_nodes(&running, unseen(), true).status, CheckStatus::Warning);
        // A node that hangs proves nothing, and is reported.
        let silent = [NodeObservation {
            node,
            side: "source",
            usage: StoreUse::NoResponse("no answer".into()),
        }];
        let finding = check_live_nodes(&silent, unseen(), false);
        assert_eq!((finding.status, finding.code), (CheckStatus::Warning, None));
        assert!(finding.text().ends_with("make sure that it does not run on the source"));
        // It does not hide another that is running.
        let both = check_live_nodes(&running, finding, false);
        assert_eq!((both.status, both.items.len()), (CheckStatus::Failed, 2));
        // A metadata server is in the way of folders in either mode.
        let usage = StoreUse::MetadataServer;
        let server = [NodeObservation { node: running[0].node.clone(), side: "source", usage }];
        let finding = check_live_nodes(&server, unseen(), true);
        assert_eq!((finding.status, finding.readiness), (CheckStatus::Failed, Readiness::ByStatus));
        // Items of an earlier finding stay.
        let wrong = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, "1 of 1 nodes")
            .items(vec!["N7".to_owned()]);
        assert_eq!(check_live_nodes(&running, wrong, false).items, ["N7", described]);
    }
}
