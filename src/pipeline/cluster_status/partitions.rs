//! Which partitions are led, by what an admin node reports and by what the nodes themselves do.

use std::collections::BTreeSet;

use super::facts::{ClusterFacts, NodeFacts};
use crate::model::{NodeState, PartitionProcessor, PartitionsReport, ProcessorMode};
use crate::outcome::PartitionsStatus;
use crate::wording::{format_ranges, plural};

/// Counts the partitions by their leaders.
///
/// A leader counts only as the node that responds now: an admin node takes seconds to hear that a node has gone or
/// was started again.
pub(super) fn count_partitions(
    report: &PartitionsReport,
    cluster: &ClusterFacts,
) -> PartitionsStatus {
    let running: BTreeSet<_> = cluster.counted().filter_map(running_node).collect();
    let is_led = |processor: &&PartitionProcessor| {
        processor.mode == ProcessorMode::ActiveLeader && running.contains(&processor.node)
    };
    let led: BTreeSet<u16> =
        report.processors.iter().filter(is_led).map(|processor| processor.partition).collect();
    let ids: BTreeSet<u16> = report.ids.iter().copied().collect();
    let without: BTreeSet<u16> = ids.difference(&led).copied().collect();
    PartitionsStatus {
        total: ids.len(),
        led: ids.intersection(&led).count(),
        not_led: without.difference(&cluster.frozen).copied().collect(),
        frozen: without.intersection(&cluster.frozen).copied().collect(),
    }
}

/// Counts the partitions that a node leads, and those that it follows.
pub(super) fn count_on_node(report: &PartitionsReport, facts: &NodeFacts) -> (usize, usize) {
    let own = running_node(facts);
    let count = |mode| {
        let is_counted =
            |processor: &&PartitionProcessor| Some(processor.node) == own && processor.mode == mode;
        report.processors.iter().filter(is_counted).count()
    };
    (count(ProcessorMode::ActiveLeader), count(ProcessorMode::Follower))
}

/// Returns id and generation of a node that runs; for one that was not asked, those that `nodes_config` has.
fn running_node(facts: &NodeFacts) -> Option<(u32, u32)> {
    let generation = match (&facts.report, &facts.state) {
        (Some(report), _) => report.generation?,
        (None, NodeState::NotAsked(_)) => facts.node.generation,
        (None, _) => return None,
    };
    Some((facts.node.id, generation))
}

/// Describes the partitions without a leader, if there are any.
pub(super) fn describe_not_led(status: &PartitionsStatus) -> Option<String> {
    let count = status.not_led.len();
    let verb = if count == 1 { "has" } else { "have" };
    let ids = format_ranges(&status.not_led);
    (count > 0).then(|| format!("{} {verb} no active leader: {ids}", plural(count, "partition")))
}
