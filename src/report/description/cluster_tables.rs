//! Nodes, partitions and logs as tables. Partitions and logs that are alike but for what differs everywhere share a
//! row.

use std::collections::BTreeMap;

use super::part_table::PartTable;
use super::ranges::{describe_ids, describe_nodes, describe_span};
use crate::outcome::{DescribedLog, DescribedNode, DescribedPartition, DescribedSegment};
use crate::report::table::EMPTY_CELL;
use crate::wording::plural;

fn or_empty(text: Option<impl ToString>) -> String {
    text.map_or_else(|| EMPTY_CELL.to_owned(), |text| text.to_string())
}

pub(super) fn node_table(nodes: &[DescribedNode]) -> PartTable {
    let header = &["NODE", "NAME", "ADDRESS", "ROLES", "METADATA SERVER", "STATE"];
    let row = |node: &DescribedNode| {
        let generation = node.generation.map(|number| format!(":{number}")).unwrap_or_default();
        vec![
            format!("N{}{generation}", node.id),
            or_empty(node.name.as_ref()),
            or_empty(node.address.as_ref()),
            if node.roles.is_empty() { EMPTY_CELL.to_owned() } else { node.roles.join(", ") },
            or_empty(node.metadata_server.as_ref()),
            describe_state(node),
        ]
    };
    let title = format!("{}:", plural(nodes.len(), "node"));
    PartTable::new(title, header, nodes.iter().map(row).collect())
}

/// Describes what is not as on most nodes.
fn describe_state(node: &DescribedNode) -> String {
    let unusual = |what: &str, state: &Option<String>, usual: &[&str]| {
        let state = state.as_deref().filter(|state| !usual.contains(state))?;
        Some(format!("{what} {state}"))
    };
    let states = [
        unusual("log server", &node.log_server, &["read-write", "provisioning", "disabled"]),
        unusual("worker", &node.worker, &["active", "provisioning"]),
    ];
    let states: Vec<_> = states.into_iter().flatten().collect();
    if states.is_empty() { node.state.to_owned() } else { states.join(", ") }
}

pub(super) fn partition_table(partitions: &[DescribedPartition], every: bool) -> PartTable {
    let title = format!("{}:", plural(partitions.len(), "partition"));
    if every {
        let header =
            &["PARTITION", "FROM KEY", "TO KEY", "LOG", "EPOCH", "LED BY", "REPLICAS", "FROZEN"];
        return PartTable::new(title, header, partitions.iter().map(partition_row).collect());
    }
    let header = &["PARTITIONS", "COUNT", "EPOCHS", "LED BY", "REPLICATION", "REPLICAS", "FROZEN"];
    let mut groups: BTreeMap<[String; 4], Vec<&DescribedPartition>> = BTreeMap::new();
    for partition in partitions {
        let replication = or_empty(partition.replication.as_ref());
        let (replicas, frozen) = (describe_replicas(partition), describe_frozen(partition));
        let leader = leader_node(partition);
        groups.entry([leader, replication, replicas, frozen]).or_default().push(partition);
    }
    let rows = groups.into_iter().map(|(alike, group)| {
        let ids: Vec<u64> = group.iter().map(|partition| partition.id).collect();
        let epochs = describe_span(group.iter().filter_map(|partition| partition.leader_epoch));
        [vec![describe_ids(&ids), ids.len().to_string(), epochs], alike.into()].concat()
    });
    PartTable::new(title, header, rows.collect())
}

fn partition_row(partition: &DescribedPartition) -> Vec<String> {
    let in_hex = |key: Option<u64>| or_empty(key.map(|key| format!("{key:016x}")));
    vec![
        partition.id.to_string(),
        in_hex(partition.start),
        in_hex(partition.end),
        or_empty(partition.log),
        or_empty(partition.leader_epoch),
        or_empty(partition.leader.as_ref()),
        describe_replicas(partition),
        describe_frozen(partition),
    ]
}

/// Returns the node that last led the partition, without its generation.
fn leader_node(partition: &DescribedPartition) -> String {
    let node = |leader: &String| leader.split(':').next().unwrap_or_default().to_owned();
    match (&partition.leader, partition.has_epoch) {
        (Some(leader), _) => node(leader),
        (None, true) => EMPTY_CELL.to_owned(),
        (None, false) => "no epoch".to_owned(),
    }
}

fn describe_replicas(partition: &DescribedPartition) -> String {
    let replicas = describe_nodes(&partition.replicas);
    match partition.next_replicas.is_empty() {
        true => replicas,
        false => format!("{replicas} → {}", describe_nodes(&partition.next_replicas)),
    }
}

fn describe_frozen(partition: &DescribedPartition) -> String {
    let leadership = partition.frozen_leadership.as_ref();
    let placement = partition.frozen_placement.as_ref();
    let frozen = [
        leadership.map(|reason| format!("leadership: {reason}")),
        placement.map(|reason| format!("placement: {reason}")),
    ];
    let frozen: Vec<_> = frozen.into_iter().flatten().collect();
    if frozen.is_empty() { EMPTY_CELL.to_owned() } else { frozen.join(", ") }
}

pub(super) fn log_table(logs: &[DescribedLog], every: bool) -> PartTable {
    let title = format!("{}:", plural(logs.len(), "log"));
    let last = |log: &DescribedLog| log.segments.last().cloned().unwrap_or_default();
    if every {
        let header = &["LOG", "SEGMENTS", "FROM", "KIND", "SEQUENCER", "REPLICATION", "NODESET"];
        let row = |log: &DescribedLog| {
            let segment = last(log);
            let (id, count) = (log.id.to_string(), log.segments.len().to_string());
            let from = or_empty(segment.base_lsn);
            let sequencer = or_empty(segment.sequencer.as_ref());
            [vec![id, count, from, segment.kind.clone(), sequencer], copies(&segment)].concat()
        };
        return PartTable::new(title, header, logs.iter().map(row).collect());
    }
    let header = &["LOGS", "COUNT", "SEGMENTS", "KIND", "REPLICATION", "NODESET"];
    let mut groups: BTreeMap<Vec<String>, Vec<&DescribedLog>> = BTreeMap::new();
    for log in logs {
        let segment = last(log);
        let alike = [vec![segment.kind.clone()], copies(&segment)].concat();
        groups.entry(alike).or_default().push(log);
    }
    let rows = groups.into_iter().map(|(alike, group)| {
        let ids: Vec<u64> = group.iter().map(|log| log.id).collect();
        let segments = describe_span(group.iter().map(|log| log.segments.len() as u64));
        [vec![describe_ids(&ids), ids.len().to_string(), segments], alike].concat()
    });
    PartTable::new(title, header, rows.collect())
}

fn copies(segment: &DescribedSegment) -> Vec<String> {
    vec![or_empty(segment.replication.as_ref()), describe_nodes(&segment.nodeset)]
}
