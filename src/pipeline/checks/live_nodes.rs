//! Servers that are at work on a store which is read or written.

use super::{Check, Finding};
use crate::codec::Node;
use crate::outcome::Code;

/// What was seen of a node that a store which is read or written has in its `nodes_config`.
#[derive(Clone, Debug)]
pub struct NodeObservation {
    /// As the store knows it.
    pub node: Node,
    /// What the store is to this run.
    pub side: &'static str,
    /// What was seen.
    pub seen: NodeState,
}

/// What is worth to be told; a node that is not there, or runs elsewhere, is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It runs on the store with these roles, which it would not have in migration mode.
    Running(Vec<String>),
    /// It did not answer in time.
    NoResponse,
}

const STOP: &str =
    "stop these nodes first: what they write meanwhile would be lost, or break the copy";

/// Whether nodes are at work on a store that is read or written; `finding` says what is known without
/// them. For a dry run it stops nothing.
pub fn check_at_work(sightings: &[NodeObservation], finding: Finding, dry_run: bool) -> Finding {
    if sightings.is_empty() {
        return finding;
    }
    let items = finding.items.iter().cloned().chain(sightings.iter().map(told)).collect();
    let none_at_work = sightings.iter().all(|sighting| sighting.seen == NodeState::NoResponse);
    match (none_at_work, finding.code) {
        // Failed already, or a warning only since this is a dry run.
        (true, Some(_)) => finding.items(items),
        (false, Some(_)) => finding.items(items).hint(STOP),
        (true, None) => finding.items(items).into_warning(),
        (false, None) => {
            let detail = "nodes are at work on what is to be copied or written";
            let failed = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail);
            let failed = failed.items(items).hint(STOP);
            if dry_run { failed.into_warning() } else { failed }
        }
    }
}

fn told(NodeObservation { node, side, seen }: &NodeObservation) -> String {
    match seen {
        NodeState::Running(roles) => {
            format!("{node} runs on the {side} with its normal roles {}", roles.join(", "))
        }
        NodeState::NoResponse => {
            format!("{node} did not answer in time: make sure that it does not run on the {side}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus;
    use super::*;

    #[test]
    fn one_at_work_refuses_and_only_warns_a_dry_run() {
        let unseen = || Finding::skipped(Check::MigrationMode, "none was seen");
        assert_eq!(check_at_work(&[], unseen(), false).detail, "none was seen");
        let node =
            Node { id: 1, name: "a".into(), address: "http://a:1".into(), ..Node::default() };
        let seen = NodeState::Running(vec!["worker".into(), "log-server".into()]);
        let at_work = [NodeObservation { node: node.clone(), side: "source", seen }];
        let finding = check_at_work(&at_work, unseen(), false);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        let told = "N1 (a, http://a:1) runs on the source with its normal roles worker, log-server";
        assert_eq!(finding.items, [told]);
        assert_eq!(check_at_work(&at_work, unseen(), true).status, CheckStatus::Warning);
        // One that hangs proves nothing, and is told.
        let silent = [NodeObservation { node, side: "source", seen: NodeState::NoResponse }];
        let finding = check_at_work(&silent, unseen(), false);
        assert_eq!((finding.status, finding.code), (CheckStatus::Warning, None));
        assert!(finding.text().ends_with("make sure that it does not run on the source"));
        // It does not make less of another that is at work.
        let both = check_at_work(&at_work, finding, false);
        assert_eq!((both.status, both.items.len()), (CheckStatus::Failed, 2));
        // Beside what is wrong already.
        let wrong = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, "1 of 1 nodes")
            .items(vec!["N7".to_owned()]);
        assert_eq!(check_at_work(&at_work, wrong, false).items, ["N7", told]);
    }
}
