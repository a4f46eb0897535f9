//! References between values: the nodes and logs that a value names, which other keys have to hold.
//!
//! What is absent or can't be decoded is not judged: an edit of a store that is damaged elsewhere must stay
//! possible. Seen with 1.7.12: each of these leads a partition nowhere.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::codec::{self, ShapeError};
use crate::model::{Entry, Key, Snapshot};

/// Returns the keys that a value of this key refers to.
pub fn referenced_keys(key: &Key) -> &'static [Key] {
    match key {
        Key::Logs => &[Key::NodesConfig],
        Key::PartitionTable => &[Key::Logs],
        _ => &[],
    }
}

/// Returns the references of `document` that no value in `beside` answers, without those that the stored
/// document already has.
pub fn find_added_broken_references(
    key: &Key,
    document: &Json,
    stored: Option<&Json>,
    beside: &Snapshot,
) -> Vec<ShapeError> {
    let before = stored.map(|stored| find_broken_references(key, stored, beside));
    let before = before.unwrap_or_default();
    let mut errors = find_broken_references(key, document, beside);
    errors.retain(|error| !before.contains(error));
    errors
}

fn find_broken_references(key: &Key, document: &Json, beside: &Snapshot) -> Vec<ShapeError> {
    let decoded = |key: &Key| {
        let value = beside.get(key).and_then(Entry::value)?;
        codec::decode(key, &value.bytes).ok()
    };
    match key {
        Key::Logs => decoded(&Key::NodesConfig)
            .map(|nodes| find_absent_nodes(document, &nodes))
            .unwrap_or_default(),
        Key::PartitionTable => {
            decoded(&Key::Logs).map(|logs| find_absent_logs(document, &logs)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Finds segments on nodes that `nodes_config` never had, and a replication that its nodes can't meet.
fn find_absent_nodes(logs: &Json, nodes: &Json) -> Vec<ShapeError> {
    let known = ids_of(nodes, "/nodes");
    let is_tombstone = |pair: &&Json| pair.get(1).and_then(Json::as_str) == Some("Tombstone");
    let living = elements(nodes, "/nodes").iter().filter(|pair| !is_tombstone(pair)).count();
    let mut errors = Vec::new();
    for (index, log) in elements(logs, "/logs").iter().enumerate() {
        for (position, segment) in elements(log, "/1/chain").iter().enumerate() {
            let params = segment.pointer("/1/params").and_then(Json::as_str);
            let params = params.and_then(|text| serde_json::from_str::<Json>(text).ok());
            let nodeset = params.iter().flat_map(|params| elements(params, "/nodeset"));
            let is_absent = |id: &&Json| id.as_u64().is_some_and(|id| !known.contains(&id));
            errors.extend(nodeset.filter(is_absent).map(|id| ShapeError {
                path: format!("/logs/{index}/1/chain/{position}/1/params"),
                message: format!("names node {id}, which nodes_config does not have"),
            }));
        }
    }
    const REPLICATION: &str = "/config/default_provider/replicated/replication_property";
    let copies = logs.pointer(REPLICATION).and_then(Json::as_str).and_then(parse_node_copies);
    errors.extend(copies.filter(|copies| *copies > living).map(|copies| ShapeError {
        path: REPLICATION.to_owned(),
        message: format!("requires {copies} nodes, and nodes_config has {living}"),
    }));
    errors
}

/// Reads the number of nodes from a replication such as `{node: 2}`.
fn parse_node_copies(replication: &str) -> Option<usize> {
    let inside = replication.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut scopes = inside.split(',').filter_map(|scope| scope.split_once(':'));
    scopes.find(|(name, _)| name.trim() == "node")?.1.trim().parse().ok()
}

/// Finds partitions whose log does not exist.
fn find_absent_logs(table: &Json, logs: &Json) -> Vec<ShapeError> {
    let known = ids_of(logs, "/logs");
    let partitions = elements(table, "/partitions").iter().enumerate();
    let absent = partitions.filter_map(|(index, partition)| {
        let log = partition.pointer("/1/log_id")?.as_u64()?;
        (!known.contains(&log)).then(|| ShapeError {
            path: format!("/partitions/{index}/1/log_id"),
            message: format!("is {log}, which bifrost_config does not have"),
        })
    });
    absent.collect()
}

/// Maps whose keys are numbers are stored as lists of pairs.
fn ids_of(document: &Json, list: &str) -> BTreeSet<u64> {
    elements(document, list).iter().filter_map(|pair| pair.get(0)?.as_u64()).collect()
}

fn elements<'a>(document: &'a Json, pointer: &str) -> &'a [Json] {
    document.pointer(pointer).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::model::{CasToken, Value, Version};

    fn snapshot(key: Key, document: &Json) -> Snapshot {
        let value = Value { version: Version(1), bytes: Bytes::from(format!("\x05{document}")) };
        Snapshot::from([(key, Entry::Intact(value, CasToken::Version(Version(1))))])
    }

    #[test]
    fn only_references_that_an_edit_breaks_are_returned() {
        let nodes = json!({"nodes": [[1, {"Node": {}}], [2, "Tombstone"]]});
        let beside = snapshot(Key::NodesConfig, &nodes);
        let logs = |nodeset: &[u64], replication: &str| {
            let params = json!({"nodeset": nodeset}).to_string();
            json!({"logs": [[0, {"chain": [[1, {"kind": "replicated", "params": params}]]}]],
                "config": {"default_provider": {"replicated": {"replication_property": replication}}}})
        };
        let added = |document: &Json, stored: Option<&Json>| {
            find_added_broken_references(&Key::Logs, document, stored, &beside).len()
        };
        assert_eq!(added(&logs(&[1, 2], "{node: 1}"), None), 0);
        let broken = logs(&[1, 9], "{node: 2}");
        assert_eq!(added(&broken, None), 2);
        assert_eq!(added(&broken, Some(&broken)), 0);
        assert_eq!(find_broken_references(&Key::Logs, &broken, &Snapshot::new()), []);
    }

    #[test]
    fn partition_needs_its_log() {
        let beside = snapshot(Key::Logs, &json!({"logs": [[0, {}]]}));
        let table = json!({"partitions": [[0, {"log_id": 0}], [1, {"log_id": 7}], [2, {}]]});
        let errors = find_broken_references(&Key::PartitionTable, &table, &beside);
        let described: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(described, ["/partitions/1/1/log_id is 7, which bifrost_config does not have"]);
    }
}
