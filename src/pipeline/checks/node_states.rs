//! The state of a node, by what responds at its address.

use super::source::not_of_migration;
use crate::codec::Node;
use crate::model::{NodeIdent, NodeState, ObservedNode};

/// Judges the response at the address of a node that `nodes_config` names.
pub fn judge_response(
    node: &Node,
    cluster_name: &str,
    response: Result<NodeIdent, String>,
) -> NodeState {
    let ident = match response {
        Ok(ident) => ident,
        Err(reason) => return NodeState::NoResponse(reason),
    };
    if !ident.is_node(node.id, cluster_name) {
        return NodeState::AnotherNode(ident.to_string());
    }
    let roles = not_of_migration(&ident.roles);
    if !roles.is_empty() {
        NodeState::NormalRoles(roles.into_iter().map(ToOwned::to_owned).collect())
    } else if ident.id.is_none() || !ident.is_alive {
        NodeState::Starting
    } else {
        NodeState::MigrationMode
    }
}

/// Returns the state of a node that is not asked: only its stored roles are known.
pub fn judge_unasked(node: &Node) -> NodeState {
    let roles = not_of_migration(&node.roles).into_iter().map(ToOwned::to_owned);
    NodeState::NotAsked(roles.collect())
}

/// Describes why a node can't be skipped with `--ignore-node`.
pub fn describe_unskippable(node: &ObservedNode) -> String {
    match node.state {
        NodeState::Listening => format!(
            "{node} accepts connections and does not respond: one that hangs may go on later, so it cannot be skipped \
             with --ignore-node until its process has ended"
        ),
        _ => format!("{node} responds, so it cannot be skipped with --ignore-node"),
    }
}

/// Describes a node that is not seen to run in migration mode; `None` if it is, or nothing else is known.
pub fn describe_state(node: &ObservedNode) -> Option<String> {
    match &node.state {
        NodeState::MigrationMode => None,
        NodeState::NormalRoles(roles) => {
            Some(format!("{node} runs in its normal roles: {}", roles.join(", ")))
        }
        NodeState::Starting => Some(format!("{node} is starting or stopping")),
        NodeState::Listening => Some(format!("{node} accepts connections")),
        NodeState::AnotherNode(other) => {
            Some(format!("{node}: another node responds at this address: {other}"))
        }
        NodeState::NoResponse(reason) => Some(format!("{node} does not respond: {reason}")),
        NodeState::OutOfReach(reason) => {
            Some(format!("{node} cannot be reached from here: {reason}"))
        }
        NodeState::NotAsked(roles) if roles.is_empty() => Some(format!("{node} was not asked")),
        NodeState::NotAsked(roles) => {
            Some(format!("{node} was not asked, and last started with roles: {}", roles.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_is_judged_by_identity_then_roles() {
        let node = Node { id: 2, ..Node::default() };
        let ident = |id, cluster: &str, roles: &[&str]| NodeIdent {
            id,
            is_alive: true,
            cluster_name: cluster.to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
        };
        let judge = |ident| judge_response(&node, "demo", Ok(ident)).name();
        assert_eq!(judge(ident(Some(2), "demo", &["admin", "metadata-server"])), "responding");
        assert_eq!(judge(ident(Some(3), "demo", &[])), "another-node");
        assert_eq!(judge(ident(Some(2), "prod", &[])), "another-node");
        assert_eq!(judge(ident(None, "demo", &[])), "starting");
        let starting = judge_response(&node, "demo", Ok(ident(None, "demo", &["worker"])));
        assert_eq!(starting, NodeState::NormalRoles(vec!["worker".to_owned()]));
    }
    #[test]
    fn descriptions_tell_states_apart() {
        let describe = |state: NodeState| {
            let (name, address) = ("n2".to_owned(), "http://n2:1".to_owned());
            let node = ObservedNode { id: 2, name, address, state };
            [Some(describe_unskippable(&node)), describe_state(&node)].map(Option::unwrap)
        };
        let start = |text: &str| format!("N2 (n2, http://n2:1) {text}");
        let [listening, _] = describe(NodeState::Listening);
        assert!(listening.starts_with(&start("accepts connections and")), "{listening}");
        let [responding, _] = describe(NodeState::Starting);
        assert!(responding.starts_with(&start("responds, so")), "{responding}");
        let [_, unknown] = describe(NodeState::NotAsked(Vec::new()));
        assert_eq!(unknown, start("was not asked"));
        let [_, known] = describe(NodeState::NotAsked(vec!["worker".to_owned()]));
        assert_eq!(known, start("was not asked, and last started with roles: worker"));
    }
}
