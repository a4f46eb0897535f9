//! The shapes of Restate's own keys, and what has to hold between their fields.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::facts;
use super::form::{Shape, may_have, needs};
use crate::model::Key;

pub(super) fn shape_of(key: &Key) -> Option<&'static Shape> {
    match key {
        Key::NodesConfig => Some(&NODES_CONFIGURATION),
        Key::Logs => Some(&LOGS),
        Key::PartitionTable => Some(&PARTITION_TABLE),
        Key::Schema => Some(&SCHEMA),
        Key::RuleBook => Some(&RULE_BOOK),
        Key::PartitionEpoch(_) => Some(&PARTITION_EPOCH),
        Key::Unknown(_) => None,
    }
}

/// Checks what has to hold between the fields of a document that decodes.
///
/// # Errors
/// In words, with the place.
pub(super) fn check_consistency(key: &Key, document: &Json) -> Result<(), String> {
    match key {
        Key::NodesConfig => check_nodes(document),
        Key::PartitionTable => check_partitions(document),
        Key::Logs => check_logs(document),
        _ => Ok(()),
    }
}

/// Nodes are found by name through a table of its own.
fn check_nodes(document: &Json) -> Result<(), String> {
    let nodes = facts::nodes_configuration(document)?;
    let mut ids = BTreeSet::new();
    for node in &nodes.nodes {
        let found = document.get("name_lookup").and_then(|names| names.get(&node.name));
        if found.and_then(Json::as_u64) != Some(u64::from(node.id)) {
            return Err(format!("/name_lookup does not lead from {} to {}", node.name, node.id));
        }
        if !ids.insert(node.id) {
            return Err(format!("/nodes has the node {} twice", node.id));
        }
    }
    let pairs = document.get("nodes").and_then(Json::as_array);
    for (index, pair) in pairs.into_iter().flatten().enumerate() {
        let own = pair.pointer("/1/Node/current_generation/0");
        if own.is_some_and(|own| Some(own) != pair.get(0)) {
            let place = format!("/nodes/{index}/1/Node/current_generation");
            return Err(format!("{place} is of another node"));
        }
    }
    Ok(())
}

fn check_partitions(document: &Json) -> Result<(), String> {
    let ids = facts::partition_ids(document)?;
    let count = document.get("num_partitions").and_then(Json::as_u64);
    if count != Some(ids.len() as u64) {
        return Err(format!("/num_partitions is not {}, the number of partitions", ids.len()));
    }
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        return Err("/partitions has a partition twice".to_owned());
    }
    match document.pointer("/replication/limit").and_then(Json::as_u64) {
        Some(0) => Err("/replication/limit is 0".to_owned()),
        _ => Ok(()),
    }
}

/// Checks the parameters of replicated segments, which are JSON in a text.
fn check_logs(document: &Json) -> Result<(), String> {
    let logs = document.get("logs").and_then(Json::as_array);
    for (index, log) in logs.into_iter().flatten().enumerate() {
        let chain = log.pointer("/1/chain").and_then(Json::as_array);
        for (place, segment) in chain.into_iter().flatten().enumerate() {
            let text = |field: &str| segment.pointer(field).and_then(Json::as_str);
            let params = text("/1/params").unwrap_or_default();
            if text("/1/kind") == Some("replicated")
                && serde_json::from_str::<Json>(params).is_err()
            {
                return Err(format!("/logs/{index}/1/chain/{place}/1/params is not valid JSON"));
            }
        }
    }
    Ok(())
}

const U16: Shape = Shape::Unsigned(u16::MAX as u64);
const U32: Shape = Shape::Unsigned(u32::MAX as u64);
const U64: Shape = Shape::Unsigned(u64::MAX);

/// Id and generation.
const NODE_ID: Shape = Shape::Pair(&U32, &U32);

const NODES_CONFIGURATION: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("cluster_name", &Shape::Text),
    // Without it a server starts and leads nothing.
    needs("cluster_fingerprint", &Shape::Positive),
    needs("nodes", &Shape::List(&Shape::Pair(&U32, &NODE_STATE))),
    needs("name_lookup", &Shape::Map(&U32)),
    may_have("features", &Shape::List(&FEATURE)),
    may_have("modified_at", &Shape::Nullable(&Shape::Positive)),
]);

const NODE_STATE: Shape = Shape::Variant(&[("Node", Some(&NODE)), ("Tombstone", None)]);

const NODE: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("address", &Shape::Text),
    needs("current_generation", &NODE_ID),
    needs("roles", &Shape::List(&ROLE)),
    // Without it a server takes the node for one that is no member of the metadata store.
    needs("metadata_server_config", &METADATA_SERVER),
    may_have("location", &Shape::Text),
    may_have("binary_version", &Shape::Nullable(&Shape::Text)),
    may_have("log_server_config", &Shape::Object(&[needs("storage_state", &STORAGE_STATE)])),
    may_have("worker_config", &Shape::Object(&[needs("worker_state", &WORKER_STATE)])),
]);

const ROLE: Shape = Shape::Variant(&[
    ("http-ingress", None),
    ("admin", None),
    ("worker", None),
    ("log-server", None),
    ("metadata-server", None),
    ("metadata-store", None),
]);

const FEATURE: Shape =
    Shape::Variant(&[("unknown", None), ("controlled-idempotent-sharding", None)]);

const STORAGE_STATE: Shape = Shape::Variant(&[
    ("provisioning", None),
    ("disabled", None),
    ("read-only", None),
    ("gone", None),
    ("read-write", None),
    ("data-loss", None),
]);

const WORKER_STATE: Shape = Shape::Variant(&[
    ("provisioning", None),
    ("active", None),
    ("draining", None),
    ("disabled", None),
]);

const METADATA_SERVER: Shape = Shape::Object(&[needs(
    "metadata_server_state",
    &Shape::Variant(&[("standby", None), ("member", None), ("provisioning", None)]),
)]);

const PARTITION_TABLE: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("num_partitions", &U16),
    needs("partitions", &Shape::List(&Shape::Pair(&U16, &PARTITION))),
    may_have("replication", &Shape::Variant(&[("everywhere", None), ("limit", Some(&Shape::Any))])),
]);

const PARTITION: Shape = Shape::Object(&[
    needs("key_range", &Shape::Object(&[needs("start", &U64), needs("end", &U64)])),
    may_have("log_id", &Shape::Nullable(&U32)),
    may_have("cf_name", &Shape::Nullable(&Shape::Text)),
    may_have("db_name", &Shape::Nullable(&Shape::Text)),
]);

const LOGS: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("logs", &Shape::List(&Shape::Pair(&U32, &Shape::Object(&[needs("chain", &CHAIN)])))),
    // Without it the servers fall back to a provider that this cluster may not have nodes for.
    needs("config", &Shape::Object(&[needs("default_provider", &PROVIDER)])),
    may_have("modified_at", &Shape::Any),
]);

const PROVIDER: Shape =
    Shape::Variant(&[("in-memory", None), ("local", None), ("replicated", Some(&REPLICATED))]);

const REPLICATED: Shape = Shape::Object(&[
    needs("replication_property", &Shape::Replication),
    needs("target_nodeset_size", &U16),
]);

const CHAIN: Shape = Shape::NonEmptyList(&Shape::Pair(&U64, &SEGMENT));

const SEGMENT: Shape = Shape::Object(&[
    needs(
        "kind",
        &Shape::Variant(&[
            ("local", None),
            ("in-memory", None),
            ("replicated", None),
            ("sealed", None),
        ]),
    ),
    needs("params", &Shape::Text),
    may_have("index", &U32),
    may_have("created_at", &Shape::Any),
]);

const SCHEMA: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("deployments_v2", &Shape::List(&DEPLOYMENT)),
    needs("subscriptions", &Shape::List(&Shape::Object(&[]))),
]);

const DEPLOYMENT: Shape = Shape::Object(&[
    needs("id", &Shape::Text),
    needs("created_at", &Shape::Any),
    needs("ty", &Shape::Variant(&[("Http", Some(&HTTP)), ("Lambda", Some(&LAMBDA))])),
    needs(
        "delivery_options",
        &Shape::Object(&[needs("additional_headers", &Shape::Map(&Shape::Any))]),
    ),
    needs(
        "supported_protocol_versions",
        &Shape::Object(&[needs("start", &Shape::Integer), needs("end", &Shape::Integer)]),
    ),
    needs("services", &Shape::List(&SERVICE)),
    may_have("sdk_version", &Shape::Nullable(&Shape::Text)),
]);

const HTTP: Shape = Shape::Object(&[needs("address", &Shape::Text)]);
const LAMBDA: Shape = Shape::Object(&[needs("arn", &Shape::Text)]);

const SERVICE: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("ty", &Shape::Variant(&[("Service", None), ("VirtualObject", None), ("Workflow", None)])),
    needs("public", &Shape::Bool),
    needs("revision", &U32),
    needs("handlers", &Shape::List(&HANDLER)),
]);

const HANDLER: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("target_ty", &Shape::Any),
    needs("input_rules", &Shape::Object(&[])),
    needs("output_rules", &Shape::Object(&[])),
]);

const PARTITION_EPOCH: Shape = Shape::Object(&[
    needs("version", &U32),
    may_have("epoch", &U64),
    may_have("current", &Shape::Nullable(&REPLICAS)),
    may_have("next", &Shape::Nullable(&REPLICAS)),
    may_have("leader_metadata", &Shape::Nullable(&LEADER)),
]);

const LEADER: Shape = Shape::Object(&[needs("node_id", &NODE_ID), needs("partition_id", &U16)]);

const REPLICAS: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("replica_set", &Shape::NonEmptyList(&U32)),
    needs("replication", &Shape::Replication),
    needs("modified_at", &Shape::Any),
    needs("context", &Shape::Map(&Shape::Any)),
]);

const RULE_BOOK: Shape =
    Shape::Object(&[needs("version", &U32), needs("rules", &Shape::Map(&RULE))]);

const RULE: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("limits", &Shape::Object(&[may_have("concurrency", &Shape::Nullable(&U32))])),
    may_have("description", &Shape::Nullable(&Shape::Text)),
    may_have("disabled", &Shape::Bool),
    needs("last_modified_millis_since_epoch", &U64),
]);
