//! Judges what the nodes of a cluster report: whether the cluster works, is in migration mode, or runs on a
//! store. Pure: facts in, the reasons why it is not so out.

mod facts;
mod nodes;
mod partitions;
mod store_use;

use crate::model::{Quorum, StoreReading};
use crate::outcome::{PartitionsStatus, StatusNode, StatusResult, StoreVerdict};
use facts::NodeMode;
pub use facts::{ClusterFacts, Condition, NodeFacts};
use nodes::describe_node_faults;
pub use nodes::find_unknown_ids;
pub use partitions::is_leadership_frozen;
pub use store_use::{StoredNodes, judge_store_use};

/// Counts the partitions; `None` where they are not known, or none is to be led.
fn count_partitions(facts: &ClusterFacts) -> Option<PartitionsStatus> {
    let report = facts.partitions.as_ref().ok().filter(|_| facts.expects_leaders())?;
    Some(partitions::count_partitions(report, facts))
}

/// Judges the facts.
pub fn judge_cluster(facts: &ClusterFacts, condition: Condition) -> StatusResult {
    let partitions = count_partitions(facts);
    let mut reasons = describe_node_faults(facts, condition);
    if condition != Condition::Responding {
        reasons.extend(describe_store_faults(facts));
    }
    if matches!(condition, Condition::Working | Condition::Running) {
        reasons.extend(describe_partition_faults(facts, partitions.as_ref()));
    }
    reasons.extend(facts.on.as_ref().and_then(StoreVerdict::describe_fault));
    StatusResult {
        nodes: facts.nodes.iter().map(|node| describe_node(node, facts)).collect(),
        quorum: facts.quorum.members().cloned(),
        is_external: facts.quorum == Quorum::NoMetadataServers,
        partitions,
        on: facts.on.clone(),
        reasons,
        ..StatusResult::default()
    }
}

fn describe_node(facts: &NodeFacts, cluster: &ClusterFacts) -> StatusNode {
    let report = facts.report.as_ref();
    let processors = cluster.partitions.as_ref().ok().filter(|_| cluster.expects_leaders());
    StatusNode {
        observed: facts.observed(),
        mode: NodeMode::of_node(facts).and_then(NodeMode::name),
        roles: report.map(|report| report.ident.roles.clone()).unwrap_or_default(),
        generation: report.and_then(|report| report.generation),
        metadata_server: report.and_then(|report| report.metadata_server),
        uptime: report.map(|report| report.uptime),
        partitions: processors.zip(report).map(|(all, _)| partitions::count_on_node(all, facts)),
    }
}

/// Describes why the metadata can't be relied on. Where the cluster is to run on an external store, what is left
/// of the replicated one does not matter: nodes that are to start there may be named as its members still.
fn describe_store_faults(facts: &ClusterFacts) -> Vec<String> {
    match &facts.quorum {
        Quorum::Held(_) => Vec::new(),
        Quorum::Lost(_) | Quorum::NoLeader(_) if facts.on.is_some() => Vec::new(),
        Quorum::Lost(count) | Quorum::NoLeader(count) => {
            vec![format!("the metadata store has no quorum: {count}")]
        }
        Quorum::Unknown => {
            vec![
                "the quorum of the metadata store is not known: only one node was asked".to_owned(),
            ]
        }
        Quorum::NoMetadataServers => facts.counted().filter_map(describe_unread_store).collect(),
    }
}

fn describe_unread_store(facts: &NodeFacts) -> Option<String> {
    match facts.report.as_ref().map(|report| &report.own_store)? {
        StoreReading::Failed(reason) => {
            Some(format!("{} cannot read its metadata store: {reason}", facts.node))
        }
        StoreReading::Read(None) => {
            Some(format!("{}: its metadata store has no nodes_config", facts.node))
        }
        StoreReading::Read(Some(_)) | StoreReading::NotAsked => None,
    }
}

fn describe_partition_faults(
    facts: &ClusterFacts,
    partitions: Option<&PartitionsStatus>,
) -> Option<String> {
    if !facts.expects_leaders() {
        return None;
    }
    match (&facts.partitions, partitions) {
        (Err(reason), _) => Some(format!("the partitions are not known: {reason}")),
        (Ok(_), Some(status)) if status.total == 0 => {
            Some("the partition table has no partitions".to_owned())
        }
        (Ok(_), Some(status)) => partitions::describe_not_led(status),
        (Ok(_), None) => None,
    }
}

#[cfg(test)]
mod tests;
