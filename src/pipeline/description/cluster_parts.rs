//! Nodes, partitions and logs.

use serde_json::Value as Json;

use super::fields::{elements, number, numbers, pairs, text};
use crate::outcome::{DescribedLog, DescribedNode, DescribedPartition, DescribedSegment};

pub(super) fn describe_nodes(nodes_config: &Json) -> Vec<DescribedNode> {
    pairs(nodes_config, "/nodes").into_iter().map(|(id, state)| describe_node(id, state)).collect()
}

fn describe_node(id: u64, state: &Json) -> DescribedNode {
    let Some(node) = state.get("Node") else {
        return DescribedNode { id, state: "removed", ..DescribedNode::default() };
    };
    let roles = elements(node, "/roles").iter().filter_map(Json::as_str);
    DescribedNode {
        id,
        state: "present",
        generation: number(node, "/current_generation/1"),
        name: text(node, "/name"),
        roles: roles.map(ToOwned::to_owned).collect(),
        address: text(node, "/address"),
        metadata_server: text(node, "/metadata_server_config/metadata_server_state"),
        log_server: text(node, "/log_server_config/storage_state"),
        worker: text(node, "/worker_config/worker_state"),
        location: text(node, "/location").filter(|location| !location.is_empty()),
        version: text(node, "/binary_version"),
    }
}

/// Describes the partitions of the table, also of one that has only their number.
pub(super) fn describe_partitions(
    table: &Json,
    mut epoch_of: impl FnMut(u16) -> Option<Json>,
) -> Vec<DescribedPartition> {
    let listed = pairs(table, "/partitions");
    let listed = match listed.is_empty() {
        true => {
            let count = number(table, "/num_partitions").unwrap_or_default();
            (0..count.min(1 << 16)).map(|id| (id, &Json::Null)).collect()
        }
        false => listed,
    };
    let described = listed.into_iter().map(|(id, partition)| {
        let epoch = u16::try_from(id).ok().and_then(&mut epoch_of);
        describe_partition(id, partition, epoch.as_ref())
    });
    described.collect()
}

fn describe_partition(id: u64, partition: &Json, epoch: Option<&Json>) -> DescribedPartition {
    let of_table = DescribedPartition {
        id,
        start: number(partition, "/key_range/start"),
        end: number(partition, "/key_range/end"),
        log: number(partition, "/log_id"),
        ..DescribedPartition::default()
    };
    let Some(epoch) = epoch else { return of_table };
    let leader = numbers(epoch, "/leader_metadata/node_id");
    let frozen = |policy: &str| {
        let freeze = epoch.pointer(policy).filter(|freeze| !freeze.is_null())?;
        Some(text(freeze, "/reason").unwrap_or_default())
    };
    DescribedPartition {
        has_epoch: true,
        leader_epoch: number(epoch, "/epoch"),
        leader: match leader.as_slice() {
            [id, generation] => Some(format!("N{id}:{generation}")),
            _ => None,
        },
        replicas: numbers(epoch, "/current/replica_set"),
        next_replicas: numbers(epoch, "/next/replica_set"),
        replication: text(epoch, "/current/replication"),
        frozen_leadership: frozen("/leadership_policy/freeze"),
        frozen_placement: frozen("/placement_policy/freeze"),
        ..of_table
    }
}

pub(super) fn describe_logs(logs: &Json) -> Vec<DescribedLog> {
    let describe = |(id, log): (u64, &Json)| {
        let segments = pairs(log, "/chain").into_iter();
        DescribedLog { id, segments: segments.map(describe_segment).collect() }
    };
    pairs(logs, "/logs").into_iter().map(describe).collect()
}

fn describe_segment((base_lsn, segment): (u64, &Json)) -> DescribedSegment {
    let params = text(segment, "/params").unwrap_or_default();
    let params: Json = serde_json::from_str(&params).unwrap_or_default();
    DescribedSegment {
        base_lsn: Some(base_lsn),
        kind: text(segment, "/kind").unwrap_or_default(),
        sequencer: text(&params, "/sequencer"),
        replication: params.get("replication").map(describe_replication),
        nodeset: numbers(&params, "/nodeset"),
    }
}

/// Describes a replication as the default of the cluster is written.
fn describe_replication(replication: &Json) -> String {
    match replication {
        Json::Object(scopes) => {
            let scopes: Vec<_> =
                scopes.iter().map(|(scope, count)| format!("{scope}: {count}")).collect();
            format!("{{{}}}", scopes.join(", "))
        }
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
