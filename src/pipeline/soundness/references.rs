//! References between values that a server needs: the nodes of a segment, the log of a partition, the nodes for a
//! replication. Seen with 1.7.12: where one of these is broken, a partition is led nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::documents::{Documents, elements, ids_of, living_nodes};
use crate::model::{FindingClass, Key, MetadataFinding};

const REPLICATION: &str = "/config/default_provider/replicated/replication_property";

/// Returns the keys that values of this key refer to, or are referred to by, as far as a server needs that.
pub fn referenced_keys(key: &Key) -> &'static [Key] {
    match key {
        Key::NodesConfig => &[Key::Logs],
        Key::Logs => &[Key::NodesConfig, Key::PartitionTable],
        Key::PartitionTable => &[Key::Logs],
        _ => &[],
    }
}

/// Returns the errors between values that were not there before.
///
/// A place may have moved, as the elements of a list do: only what an error says counts.
pub fn find_added_reference_errors(before: &Documents, after: &Documents) -> Vec<MetadataFinding> {
    let content = |finding: &MetadataFinding| (finding.key.clone(), finding.message.clone());
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for finding in find_broken_references(before) {
        *counts.entry(content(&finding)).or_default() += 1;
    }
    let mut added = find_broken_references(after);
    added.retain(|finding| match counts.get_mut(&content(finding)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => finding.is_error(),
    });
    added
}

/// Returns the errors between values, as far as both sides of a reference are known.
pub(super) fn find_broken_references(documents: &Documents) -> Vec<MetadataFinding> {
    let [nodes, logs, table] =
        [Key::NodesConfig, Key::Logs, Key::PartitionTable].map(|key| documents.get(&key));
    let mut findings = Vec::new();
    if let (Some(nodes), Some(logs)) = (nodes, logs) {
        findings.extend(find_absent_nodes(logs, nodes));
        findings.extend(find_unmet_replication(logs, nodes));
    }
    if let (Some(logs), Some(table)) = (logs, table) {
        findings.extend(find_absent_logs(table, logs));
    }
    findings
}

fn of_logs(class: FindingClass, path: String, message: String) -> MetadataFinding {
    MetadataFinding { key: Key::Logs, class, path, message }
}

/// Finds segments on nodes that `nodes_config` never had. A node that was removed may have served an old segment.
fn find_absent_nodes(logs: &Json, nodes: &Json) -> Vec<MetadataFinding> {
    let known = ids_of(nodes, "/nodes");
    let mut findings = Vec::new();
    for (index, log) in elements(logs, "/logs").iter().enumerate() {
        for (position, segment) in elements(log, "/1/chain").iter().enumerate() {
            let nodeset = nodeset_of(segment);
            let absent: Vec<_> = nodeset.difference(&known).map(|id| format!("N{id}")).collect();
            if !absent.is_empty() {
                let path = format!("/logs/{index}/1/chain/{position}/1/params");
                let names = absent.join(", ");
                let message = format!("names {names}, which nodes_config does not have");
                findings.push(of_logs(FindingClass::NodesetMissing, path, message));
            }
        }
    }
    findings
}

/// Returns the nodes of a replicated segment.
fn nodeset_of(segment: &Json) -> BTreeSet<u64> {
    let params = segment.pointer("/1/params").and_then(Json::as_str);
    let params = params.and_then(|text| serde_json::from_str::<Json>(text).ok());
    params.iter().flat_map(|params| elements(params, "/nodeset")).filter_map(Json::as_u64).collect()
}

/// Finds a replication for new segments that the nodes can't meet.
fn find_unmet_replication(logs: &Json, nodes: &Json) -> Option<MetadataFinding> {
    let living = living_nodes(nodes).len();
    let copies = logs.pointer(REPLICATION).and_then(Json::as_str).and_then(parse_node_copies)?;
    (copies > living).then(|| {
        let message = format!("requires {copies} nodes, and nodes_config has {living}");
        of_logs(FindingClass::ReplicationUnmet, REPLICATION.to_owned(), message)
    })
}

/// Reads the number of nodes from a replication such as `{node: 2}`.
fn parse_node_copies(replication: &str) -> Option<usize> {
    let inside = replication.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut scopes = inside.split(',').filter_map(|scope| scope.split_once(':'));
    scopes.find(|(name, _)| name.trim() == "node")?.1.trim().parse().ok()
}

/// Finds partitions that name a log that does not exist. One that names none gets its log from the servers.
fn find_absent_logs(table: &Json, logs: &Json) -> Vec<MetadataFinding> {
    let known = ids_of(logs, "/logs");
    let partitions = elements(table, "/partitions").iter().enumerate();
    let absent = partitions.filter_map(|(index, partition)| {
        let log = partition.pointer("/1/log_id")?.as_u64()?;
        (!known.contains(&log)).then(|| MetadataFinding {
            key: Key::PartitionTable,
            class: FindingClass::LogMissing,
            path: format!("/partitions/{index}/1/log_id"),
            message: format!("is {log}, which bifrost_config does not have"),
        })
    });
    absent.collect()
}
