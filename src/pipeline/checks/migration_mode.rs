//! The check of migration mode, by what each node of the live cluster responds now: what a node once
//! wrote into `nodes_config` says nothing of how it runs today.

use super::node_states::{describe_state, describe_unskippable};
use super::source::REACH_NODES_HINT;
use crate::model::{NodeState, ObservedNode};
use crate::outcome::{Check, Code, Finding, Readiness};
use crate::wording::plural;

const RESTART_HINT: &str =
    "stop each node that runs in its normal roles, then start it with --metadata-migration-mode";

const NO_RESPONSE_HINT: &str = "start each node that does not respond, in the mode of the others: one that comes back later \
                                without --metadata-migration-mode writes to the old store";

const IGNORE_HINT: &str = "if a node is permanently removed, skip it with --ignore-node";

const OTHER_NODE_HINT: &str =
    "correct the node's advertised address, at which another server listens";

const ONE_ADDRESS_HINT: &str = "to ask only the node that can be reached, name it with --single-address instead of --address: the \
                                mode of the other nodes is then not checked";

const ASK_ALL_HINT: &str = "leave out --single-address, so that every node is asked";

const WAIT_HINT: &str =
    "wait until each node that is starting or stopping is up, then run the same command again";

/// Checks that every node runs in migration mode now.
///
/// In a dry run a node in its normal roles stops nothing: it is meant to be run on a live cluster. A node
/// that does not respond fails it, unless it is in `ignored`: nobody knows in which mode it comes back.
pub fn check_migration_mode(nodes: &[ObservedNode], ignored: &[u32], dry_run: bool) -> Finding {
    let ids: Vec<_> = nodes.iter().map(|node| node.id).collect();
    if let Some(finding) = check_ignored_ids(&ids, ignored) {
        return finding;
    }
    let faults: Vec<_> = nodes.iter().filter_map(|node| find_fault(node, ignored)).collect();
    if faults.is_empty() {
        return describe_ready_nodes(nodes, ignored);
    }
    let detail = describe_fault_counts(&faults, nodes.len());
    let is_permanent = faults.iter().any(|fault| fault.kind != FaultKind::OtherMode);
    let is_partial = nodes.iter().any(|node| matches!(node.state, NodeState::NotAsked(_)));
    let readiness = if is_partial { Readiness::Unknown } else { Readiness::AfterRestart };
    let items = faults.iter().map(|fault| fault.text.clone()).collect();
    let failed =
        Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail).items(items);
    let finding = add_hints(failed, nodes, ignored);
    match (is_permanent, dry_run) {
        (true, _) => finding,
        (false, true) => finding.readiness(readiness).into_warning(),
        (false, false) => finding.readiness(readiness),
    }
}

/// Checks that no node runs in its normal roles, in which it writes: after a copy, and before an edit. A
/// node that does not respond is only named.
pub fn check_normal_roles(nodes: &[ObservedNode]) -> Finding {
    let is_normal = |node: &&ObservedNode| match &node.state {
        NodeState::NormalRoles(_) => true,
        NodeState::NotAsked(roles) => !roles.is_empty(),
        _ => false,
    };
    let (normal, others): (Vec<_>, Vec<_>) = nodes.iter().partition(is_normal);
    if !normal.is_empty() {
        let items = normal.into_iter().filter_map(describe_state).collect();
        let detail = "a node runs in its normal roles";
        return Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
            .items(items)
            .hint(RESTART_HINT);
    }
    let others: Vec<_> = others.into_iter().filter_map(describe_state).collect();
    let finding = Finding::ok(Check::MigrationMode, "no node runs in its normal roles");
    match others.is_empty() {
        true => finding,
        false => finding.items(others).into_warning(),
    }
}

/// Refuses nodes to skip that are none of the cluster's; `None` if each is one.
pub fn check_ignored_ids(nodes: &[u32], ignored: &[u32]) -> Option<Finding> {
    let is_unknown = |id: &&u32| !nodes.contains(id);
    let unknown: Vec<_> = ignored.iter().filter(is_unknown).map(|id| format!("N{id}")).collect();
    let detail =
        format!("--ignore-node names nodes that the cluster does not have: {}", unknown.join(", "));
    (!unknown.is_empty()).then(|| Finding::failed(Check::MigrationMode, Code::Usage, detail))
}

fn describe_ready_nodes(nodes: &[ObservedNode], ignored: &[u32]) -> Finding {
    let is_unasked = |node: &&ObservedNode| matches!(node.state, NodeState::NotAsked(_));
    let unasked: Vec<_> = nodes.iter().filter(is_unasked).map(ToString::to_string).collect();
    if !unasked.is_empty() {
        let detail = "the node at --single-address runs in migration mode; not asked";
        return Finding::ok(Check::MigrationMode, detail)
            .items(unasked)
            .into_warning()
            .readiness(Readiness::Unknown);
    }
    let skipped: Vec<_> = nodes.iter().filter(|node| ignored.contains(&node.id)).collect();
    let (running, all) = (nodes.len() - skipped.len(), nodes.len());
    let detail = match (running, skipped.is_empty()) {
        (1, true) => "the node runs in migration mode".to_owned(),
        (count, true) => format!("all {count} nodes run in migration mode"),
        (count, false) => {
            let skipped: Vec<_> = skipped.iter().map(ToString::to_string).collect();
            format!("{count} of {all} nodes in migration mode; skipped: {}", skipped.join(", "))
        }
    };
    Finding::ok(Check::MigrationMode, detail)
}

/// Why a node keeps a migration from being made.
struct NodeFault {
    text: String,
    kind: FaultKind,
}

/// The kinds of faults, each counted of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    /// Restarting the node in migration mode is all that is to be done.
    OtherMode,
    NoResponse,
    OutOfReach,
    AnotherNode,
    /// `--ignore-node` names a node that responds.
    NotIgnorable,
}

/// Counts the nodes of each kind of fault.
fn describe_fault_counts(faults: &[NodeFault], all: usize) -> String {
    let counts = [
        (FaultKind::OtherMode, "is not in migration mode", "are not in migration mode"),
        (FaultKind::NoResponse, "does not respond", "do not respond"),
        (FaultKind::OutOfReach, "cannot be reached from here", "cannot be reached from here"),
        (
            FaultKind::AnotherNode,
            "has another node at its address",
            "have other nodes at their addresses",
        ),
        (FaultKind::NotIgnorable, "cannot be skipped", "cannot be skipped"),
    ];
    let described = counts.iter().filter_map(|(kind, one, several)| {
        match faults.iter().filter(|fault| fault.kind == *kind).count() {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        }
    });
    format!("of {}, {}", plural(all, "node"), described.collect::<Vec<_>>().join(" and "))
}

fn find_fault(node: &ObservedNode, ignored: &[u32]) -> Option<NodeFault> {
    let responds = match node.state {
        NodeState::MigrationMode
        | NodeState::NormalRoles(_)
        | NodeState::Starting
        | NodeState::Listening => true,
        NodeState::AnotherNode(_)
        | NodeState::NoResponse(_)
        | NodeState::OutOfReach(_)
        | NodeState::NotAsked(_) => false,
    };
    match (ignored.contains(&node.id), responds) {
        (true, true) => {
            Some(NodeFault { text: describe_unskippable(node), kind: FaultKind::NotIgnorable })
        }
        (true, false) => None,
        (false, _) => {
            let kind = match &node.state {
                NodeState::NoResponse(_) => FaultKind::NoResponse,
                NodeState::OutOfReach(_) => FaultKind::OutOfReach,
                NodeState::AnotherNode(_) => FaultKind::AnotherNode,
                // Nothing is known of it, but that it last started in migration mode.
                NodeState::NotAsked(roles) if roles.is_empty() => return None,
                _ => FaultKind::OtherMode,
            };
            Some(NodeFault { text: describe_state(node)?, kind })
        }
    }
}

/// Adds the hints of the states that occur, each once.
fn add_hints(finding: Finding, nodes: &[ObservedNode], ignored: &[u32]) -> Finding {
    let counted: Vec<_> = nodes.iter().filter(|node| !ignored.contains(&node.id)).collect();
    let occurs = |is: fn(&NodeState) -> bool| counted.iter().any(|node| is(&node.state));
    let is_silent = |state: &NodeState| matches!(state, NodeState::NoResponse(_));
    let is_other = |state: &NodeState| matches!(state, NodeState::AnotherNode(_));
    let is_out_of_reach = |state: &NodeState| matches!(state, NodeState::OutOfReach(_));
    let hints = [
        (occurs(|state| matches!(state, NodeState::NormalRoles(_))), RESTART_HINT),
        (occurs(|state| matches!(state, NodeState::NotAsked(_))), ASK_ALL_HINT),
        (occurs(|state| matches!(state, NodeState::Starting)), WAIT_HINT),
        (occurs(is_other), OTHER_NODE_HINT),
        (occurs(is_out_of_reach), REACH_NODES_HINT),
        (occurs(is_out_of_reach), ONE_ADDRESS_HINT),
        (occurs(is_silent), NO_RESPONSE_HINT),
        (occurs(is_silent) || occurs(is_other), IGNORE_HINT),
    ];
    hints.into_iter().filter(|(occurs, _)| *occurs).fold(finding, |one, (_, hint)| one.hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::CheckStatus;

    fn node(id: u32, state: NodeState) -> ObservedNode {
        let (name, address) = (format!("n{id}"), format!("http://n{id}:1"));
        ObservedNode { id, name, address, state }
    }

    fn normal() -> NodeState {
        NodeState::NormalRoles(vec!["worker".to_owned()])
    }

    fn silent() -> NodeState {
        NodeState::NoResponse("connection refused".to_owned())
    }

    fn describe(finding: &Finding) -> String {
        let lines = [format!("{} {}", finding.status.name(), finding.text())];
        lines.into_iter().chain(finding.hints.clone()).collect::<Vec<_>>().join("\n  ")
    }

    #[test]
    fn each_state_has_its_own_description_and_hint() {
        let other = NodeState::AnotherNode("N9 of cluster prod".to_owned());
        let nodes = [
            node(1, NodeState::MigrationMode),
            node(2, normal()),
            node(3, silent()),
            node(4, other),
            node(5, NodeState::Starting),
        ];
        insta::assert_snapshot!(describe(&check_migration_mode(&nodes, &[3, 4], true)));
        insta::assert_snapshot!(describe(&check_migration_mode(&nodes, &[], true)));
        insta::assert_snapshot!(describe(&check_migration_mode(&nodes, &[2, 7], true)));
        insta::assert_snapshot!(describe(&check_migration_mode(&nodes, &[2], true)));
        let alone = [node(1, NodeState::MigrationMode), node(2, NodeState::NotAsked(Vec::new()))];
        insta::assert_snapshot!(describe(&check_migration_mode(&alone, &[], false)));
        insta::assert_snapshot!(describe(&check_migration_mode(&nodes[..1], &[], false)));
    }

    #[test]
    fn silent_node_fails_a_dry_run_and_warns_after_the_writes() {
        let nodes = [node(1, NodeState::MigrationMode), node(2, silent())];
        let finding = check_migration_mode(&nodes, &[], true);
        assert_eq!(finding.status, CheckStatus::Failed);
        assert_eq!(finding.hints, [NO_RESPONSE_HINT, IGNORE_HINT]);
        assert_eq!(check_normal_roles(&nodes).status, CheckStatus::Warning);
        let left = [node(1, normal()), node(2, silent())];
        assert_eq!(check_normal_roles(&left).code, Some(Code::NotInMigrationMode));
    }

    #[test]
    fn node_that_was_not_asked_is_judged_by_the_roles_that_it_is_known_with() {
        let with = |roles: &[&str]| {
            let roles = roles.iter().map(|&role| role.to_owned()).collect();
            check_normal_roles(&[
                node(1, NodeState::MigrationMode),
                node(2, NodeState::NotAsked(roles)),
            ])
        };
        assert_eq!(with(&["worker"]).code, Some(Code::NotInMigrationMode));
        assert_eq!(with(&[]).status, CheckStatus::Warning);
        assert_eq!(with(&[]).code, None);
        let known = NodeState::NotAsked(vec!["worker".to_owned()]);
        let before =
            check_migration_mode(&[node(1, NodeState::MigrationMode), node(2, known)], &[], false);
        assert_eq!(before.code, Some(Code::NotInMigrationMode));
        assert_eq!(before.hints, [ASK_ALL_HINT]);
    }

    #[test]
    fn skipped_nodes_are_counted_apart() {
        let nodes = [node(1, NodeState::MigrationMode), node(2, silent()), node(3, silent())];
        let finding = check_migration_mode(&nodes, &[2, 3], false);
        assert_eq!(finding.status, CheckStatus::Ok);
        let start = "1 of 3 nodes in migration mode; skipped: N2";
        assert!(finding.detail.starts_with(start), "{}", finding.detail);
    }

    #[test]
    fn node_out_of_reach_is_neither_to_be_started_nor_skipped() {
        let state = NodeState::OutOfReach("connection refused".to_owned());
        let nodes = [node(1, NodeState::MigrationMode), node(2, state)];
        let finding = check_migration_mode(&nodes, &[], true);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        assert_eq!(finding.hints, [REACH_NODES_HINT, ONE_ADDRESS_HINT]);
        let reason = "N2 (n2, http://n2:1) cannot be reached from here: connection refused";
        assert_eq!(finding.items, [reason]);
        assert_eq!(finding.detail, "of 2 nodes, 1 cannot be reached from here");
        assert_eq!(check_normal_roles(&nodes).status, CheckStatus::Warning);
    }
}
