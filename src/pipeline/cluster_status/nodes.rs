//! The state of single nodes, and why it is not the one that is asked for.

use super::facts::{ClusterFacts, Condition, NodeFacts, NodeMode};
use crate::model::NodeState;
use crate::pipeline::checks::{describe_state, describe_unskippable};

/// Returns the ids that no node has.
pub fn find_unknown_ids(nodes: &[NodeFacts], ids: &[u32]) -> Vec<u32> {
    let is_unknown = |id: &&u32| nodes.iter().all(|facts| facts.node.id != **id);
    ids.iter().filter(is_unknown).copied().collect()
}

/// Describes each node that is not as the condition wants it.
pub(super) fn describe_node_faults(cluster: &ClusterFacts, condition: Condition) -> Vec<String> {
    let mut faults: Vec<_> = cluster
        .nodes
        .iter()
        .filter_map(|facts| match cluster.ignored.contains(&facts.node.id) {
            true => describe_ignored(facts),
            false => describe_fault(facts, cluster, condition),
        })
        .collect();
    // A server answers before it has read its store, and then knows no node, not even itself.
    if cluster.nodes.is_empty() {
        faults.push("no node that responds knows the nodes of the cluster yet".to_owned());
    }
    if condition == Condition::Running && faults.is_empty() && !cluster.expects_leaders() {
        faults.push("no node runs in its normal roles".to_owned());
    }
    faults
}

/// Describes a node that is to be skipped although it responds.
fn describe_ignored(facts: &NodeFacts) -> Option<String> {
    let responds = facts.report.is_some() || facts.state == NodeState::Listening;
    responds.then(|| describe_unskippable(&facts.observed()))
}

fn describe_fault(
    facts: &NodeFacts,
    cluster: &ClusterFacts,
    condition: Condition,
) -> Option<String> {
    let known = NodeMode::of_node(facts).filter(|_| !facts.is_starting());
    let Some(mode) = known else { return describe_state(&facts.observed()) };
    let node = &facts.node;
    if let Some(fault) = describe_generation(facts) {
        return Some(fault);
    }
    match (condition, mode) {
        (Condition::MigrationMode, NodeMode::Normal) => describe_state(&facts.observed()),
        (Condition::Running, NodeMode::Migration) => Some(format!("{node} runs in migration mode")),
        (Condition::Working, NodeMode::Migration) if cluster.expects_leaders() => {
            Some(format!("{node} runs in migration mode, and others in their normal roles"))
        }
        _ => None,
    }
}

/// Describes a node that runs with another generation than `nodes_config` has: what is known of it is then of
/// another start, or of another store.
fn describe_generation(facts: &NodeFacts) -> Option<String> {
    let (known, running) = (facts.node.generation, facts.report.as_ref()?.generation?);
    let node = &facts.node;
    match running.cmp(&known) {
        _ if known == 0 => None,
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => Some(format!(
            "{node} runs with generation {running}, and nodes_config has {known}: it was started a second time, or \
             is about to stop"
        )),
        std::cmp::Ordering::Greater => Some(format!(
            "{node} runs with generation {running}, and the other nodes know {known}: they have not heard of its \
             start, or it runs on another store"
        )),
    }
}
