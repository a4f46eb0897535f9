//! The check of the nodes of a live cluster as the target: that every node of the source runs there proves that none
//! runs on the source any more.

use super::rollback_quorum::{FINISHED_ROLLBACK_HINT, RESTART_ON_REPLICATED_HINT};
use super::source::{REACH_NODES_HINT, not_of_migration};
use crate::codec::Node;
use crate::model::{Entry, Key, NodeProbe, UsesReplicatedStore, Value};
use crate::outcome::{Check, Code, Finding, Readiness};
use crate::pipeline::verify::are_same;
use crate::wording::plural;

/// The responses of the source's nodes, which the target has to know by the same ids.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Each node as the target knows it, and the response at its address there.
    pub at_home: Vec<(Node, Result<NodeProbe, String>)>,
    /// The responses at addresses that only the source has.
    pub elsewhere: Vec<(Node, NodeProbe)>,
    /// Nodes of the source that the target does not know.
    pub unknown: Vec<Node>,
    /// `true` if nodes of the target that run can't be reached from here.
    pub is_partly_reached: bool,
}

const REMOVE_NODE_HINT: &str =
    "start the cluster on the source again to remove a node there that is permanently gone";

/// Checks that each node of the source runs in migration mode on the target, whose `nodes_config` is
/// `stored`. In a dry run a node in its normal roles stops nothing.
pub fn check_running_nodes(
    answers: &Answers,
    stored: Option<&Entry>,
    uses_replicated_store: UsesReplicatedStore,
    dry_run: bool,
) -> Finding {
    let faults = find_faults(answers, stored);
    if let Some(finding) = check_store_in_use(uses_replicated_store) {
        return finding.items(faults.into_iter().map(|fault| fault.text).collect());
    }
    let all = plural(answers.at_home.len() + answers.unknown.len(), "node");
    if faults.is_empty() {
        let detail = format!(
            "every node of the source ({all}) runs in migration mode on the target; nothing can prove that \
             no other server runs on the source"
        );
        return Finding::ok(Check::MigrationMode, detail);
    }
    let detail =
        format!("not every node of the source ({all}) runs in migration mode on the target");
    let is_permanent = faults.iter().any(|fault| fault.kind != FaultKind::OtherMode);
    let items = faults.iter().map(|fault| fault.text.clone()).collect();
    let failed =
        Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail).items(items);
    let hints = FAULT_HINTS.iter().filter(|(kind, _)| faults.iter().any(|one| one.kind == *kind));
    let finding = hints.fold(failed, |finding, (_, hint)| finding.hint(*hint));
    match (is_permanent, dry_run) {
        (true, _) => finding,
        (false, true) => finding.readiness(Readiness::AfterRestart).into_warning(),
        (false, false) => finding.readiness(Readiness::AfterRestart),
    }
}

/// Why a node of the source keeps a roll-back from being made.
struct RollbackFault {
    text: String,
    kind: FaultKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    /// Restarting the node in migration mode is all that is to be done.
    OtherMode,
    NoResponse,
    /// The node does not respond here, where others that run do not either.
    OutOfReach,
    /// The node, or another one, runs elsewhere than on the target.
    Elsewhere,
    /// The target does not know the node.
    Unknown,
}

/// The hint of each kind, in the order of doing.
const FAULT_HINTS: [(FaultKind, &str); 5] = [
    (FaultKind::Elsewhere, RESTART_ON_REPLICATED_HINT),
    (
        FaultKind::OtherMode,
        "restart each node that is not in migration mode on its replicated store, with \
         --metadata-migration-mode",
    ),
    (
        FaultKind::NoResponse,
        "start each node that does not respond on its replicated store, with --metadata-migration-mode",
    ),
    (FaultKind::OutOfReach, REACH_NODES_HINT),
    (FaultKind::Unknown, REMOVE_NODE_HINT),
];

/// Returns the failed check where the nodes do not run on their replicated store, or that is unknown.
fn check_store_in_use(uses_replicated_store: UsesReplicatedStore) -> Option<Finding> {
    match uses_replicated_store {
        UsesReplicatedStore::Yes => None,
        UsesReplicatedStore::No => {
            let detail = "the nodes of the target do not run on their replicated store";
            let code = Code::NotInMigrationMode;
            let failed = Finding::failed(Check::MigrationMode, code, detail);
            Some(failed.hint(RESTART_ON_REPLICATED_HINT))
        }
        UsesReplicatedStore::Unknown => {
            let detail = "it is not known whether the nodes of the target run on their replicated store: \
                          neither its leader nor they can tell";
            let failed = Finding::failed(Check::MigrationMode, Code::TargetUnavailable, detail);
            Some(failed.hint(FINISHED_ROLLBACK_HINT).hint(
                "run this again once the metadata servers have a leader; an election takes seconds",
            ))
        }
    }
}

fn find_faults(answers: &Answers, stored: Option<&Entry>) -> Vec<RollbackFault> {
    let fault = |kind, text| RollbackFault { text, kind };
    let at_home = answers.at_home.iter().filter_map(|(node, probe)| match probe {
        Ok(probe) => find_fault(node, probe, stored).map(|(kind, text)| fault(kind, text)),
        Err(reason) if answers.is_partly_reached => {
            let text = format!("{node} cannot be reached from here: {reason}");
            Some(fault(FaultKind::OutOfReach, text))
        }
        Err(reason) => {
            Some(fault(FaultKind::NoResponse, format!("{node} does not respond: {reason}")))
        }
    });
    let elsewhere = answers.elsewhere.iter().map(|(node, probe)| {
        let who = probe.node_id.map_or("a node".to_owned(), |(id, _)| format!("N{id}"));
        let (at, name) = (&node.address, &node.name);
        fault(
            FaultKind::Elsewhere,
            format!("{who} responds at {at}, and is not the source's node {name}"),
        )
    });
    let unknown = answers.unknown.iter().map(|node| {
        fault(FaultKind::Unknown, format!("{node} is in the source, not in the target"))
    });
    at_home.chain(elsewhere).chain(unknown).collect()
}

fn find_fault(
    node: &Node,
    probe: &NodeProbe,
    stored: Option<&Entry>,
) -> Option<(FaultKind, String)> {
    let Some((id, generation)) = probe.node_id else {
        return Some((FaultKind::OtherMode, format!("{node} has not joined the cluster")));
    };
    let roles = not_of_migration(probe.roles.iter().chain(&node.roles));
    let (own, stored) = (probe.nodes_config.as_ref(), stored);
    let (own, stored) = (own.and_then(Entry::value), stored.and_then(Entry::value));
    if id != node.id {
        let cluster = &probe.cluster_name;
        let text =
            format!("{node}: another node responds at this address: N{id} of cluster {cluster}");
        Some((FaultKind::Elsewhere, text))
    } else if !roles.is_empty() {
        let text = format!("{node} runs in its normal roles: {}", roles.join(", "));
        Some((FaultKind::OtherMode, text))
    } else if !are_same(&Key::NodesConfig, own, stored) {
        let (own, stored) = (describe_version(own), describe_version(stored));
        let text =
            format!("{node} runs on another store: nodes_config is {own} there, {stored} here");
        Some((FaultKind::Elsewhere, text))
    } else if generation != node.generation {
        let known = node.generation;
        let text = format!("{node} runs with generation {generation}, the target has {known}");
        Some((FaultKind::Elsewhere, text))
    } else if !probe.is_alive {
        Some((FaultKind::OtherMode, format!("{node} is starting or stopping")))
    } else {
        None
    }
}

fn describe_version(value: Option<&Value>) -> String {
    value.map_or("absent".to_owned(), |value| format!("at version {}", value.version))
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Version};
    use crate::outcome::CheckStatus;

    fn stored(version: u32) -> Option<Entry> {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"x") };
        Some(Entry::Intact(value, CasToken::Version(Version(version))))
    }

    fn node(id: u32) -> Node {
        let (name, address) = (format!("n{id}"), format!("http://n{id}:1"));
        Node {
            id,
            name,
            address,
            generation: 3,
            roles: vec!["admin".to_owned()],
            ..Node::default()
        }
    }

    /// Returns the response of a node that is as it should be.
    fn probe(id: u32) -> NodeProbe {
        NodeProbe {
            node_id: Some((id, 3)),
            is_alive: true,
            cluster_name: "demo".to_owned(),
            roles: vec!["metadata-server".to_owned()],
            nodes_config: stored(7),
        }
    }

    fn check(
        answers: &Answers,
        uses_replicated_store: UsesReplicatedStore,
        dry_run: bool,
    ) -> Finding {
        check_running_nodes(answers, stored(7).as_ref(), uses_replicated_store, dry_run)
    }

    #[test]
    fn node_is_refused_unless_it_runs_on_the_target_in_migration_mode() {
        let wrong = [
            NodeProbe { node_id: None, ..probe(2) },
            NodeProbe { node_id: Some((9, 3)), ..probe(3) },
            NodeProbe { roles: vec!["worker".to_owned(), "admin".to_owned()], ..probe(4) },
            NodeProbe { nodes_config: stored(8), ..probe(5) },
            NodeProbe { nodes_config: None, ..probe(6) },
            NodeProbe { node_id: Some((7, 4)), ..probe(7) },
            NodeProbe { is_alive: false, ..probe(8) },
        ];
        let mut at_home = vec![(node(1), Ok(probe(1)))];
        let sound = Answers { at_home: at_home.clone(), ..Answers::default() };
        assert!(check(&sound, UsesReplicatedStore::Yes, false).code.is_none());
        let refused = Some(Code::NotInMigrationMode);
        assert_eq!(check(&sound, UsesReplicatedStore::No, true).code, refused);
        let unknown_code = Some(Code::TargetUnavailable);
        assert_eq!(check(&sound, UsesReplicatedStore::Unknown, true).code, unknown_code);
        at_home.extend((2..).map(node).zip(wrong.map(Ok)));
        at_home.push((node(9), Err("connection refused".to_owned())));
        let elsewhere = vec![(node(1), probe(1))];
        let answers = Answers { at_home, elsewhere, unknown: vec![node(10)], ..Answers::default() };
        let finding = check(&answers, UsesReplicatedStore::Yes, false);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        insta::assert_snapshot!(finding.items.join("\n"), @r"
        N2 (n2, http://n2:1) has not joined the cluster
        N3 (n3, http://n3:1): another node responds at this address: N9 of cluster demo
        N4 (n4, http://n4:1) runs in its normal roles: worker
        N5 (n5, http://n5:1) runs on another store: nodes_config is at version 8 there, at version 7 here
        N6 (n6, http://n6:1) runs on another store: nodes_config is absent there, at version 7 here
        N7 (n7, http://n7:1) runs with generation 4, the target has 3
        N8 (n8, http://n8:1) is starting or stopping
        N9 (n9, http://n9:1) does not respond: connection refused
        N1 responds at http://n1:1, and is not the source's node n1
        N10 (n10, http://n10:1) is in the source, not in the target
        ");
        assert!(finding.detail.contains("the source (10 nodes)"), "{}", finding.detail);
        assert_eq!(check(&answers, UsesReplicatedStore::Yes, true).status, CheckStatus::Failed);
        let partly = Answers { is_partly_reached: true, ..answers };
        let finding = check(&partly, UsesReplicatedStore::Yes, true);
        assert!(
            finding.items.iter().any(|item| item.starts_with("N9 (n9, http://n9:1) cannot be"))
        );
        let normal = NodeProbe { roles: vec!["worker".to_owned()], ..probe(1) };
        let normal = Answers { at_home: vec![(node(1), Ok(normal))], ..Answers::default() };
        let finding = check(&normal, UsesReplicatedStore::Yes, true);
        assert_eq!(finding.status, CheckStatus::Warning);
        let hints = FAULT_HINTS.iter().filter(|(kind, _)| *kind == FaultKind::OtherMode);
        assert_eq!(finding.hints, hints.map(|(_, hint)| *hint).collect::<Vec<_>>());
    }
}
