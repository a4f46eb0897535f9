//! The shapes of Restate's own keys.

use super::form::{POSITIVE, Shape, U16, U32, U64, expects, may_have, needs};
use super::schema::SCHEMA;
use super::text::{
    ADDRESS, ANY_TEXT, LOCATION, MOST_NODES, NODE_NAME, PATTERN, REPLICATION, SCOPE,
};
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

/// Id and generation.
const NODE_ID: Shape = Shape::Pair(&U32, &U32);

const NODES_CONFIGURATION: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("cluster_name", &Shape::Text),
    // Clusters that were begun before there were fingerprints have none.
    may_have("cluster_fingerprint", &Shape::Nullable(&POSITIVE)),
    needs("nodes", &Shape::List(&Shape::Pair(&U32, &NODE_STATE))),
    needs("name_lookup", &Shape::Map(&ANY_TEXT, &U32)),
    may_have("features", &Shape::List(&FEATURE)),
    may_have("modified_at", &Shape::Nullable(&POSITIVE)),
]);

const NODE_STATE: Shape = Shape::Variant(&[("Node", Some(&NODE)), ("Tombstone", None)]);

const NODE: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("address", &Shape::Parsed(&ADDRESS)),
    may_have("ctrl_address", &Shape::Nullable(&Shape::Parsed(&ADDRESS))),
    needs("current_generation", &NODE_ID),
    needs("roles", &Shape::List(&ROLE)),
    // Without it a server takes the node for one that is no member of the metadata store.
    expects("metadata_server_config", &METADATA_SERVER),
    may_have("location", &Shape::Parsed(&LOCATION)),
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
    // Clusters that were begun with 1.0 have none: the servers divide the keys by the number.
    may_have("partitions", &Shape::Nullable(&Shape::List(&Shape::Pair(&U16, &PARTITION)))),
    may_have("replication", &Shape::Nullable(&REPLICAS_OF_PARTITION)),
]);

const REPLICAS_OF_PARTITION: Shape =
    Shape::Variant(&[("everywhere", None), ("limit", Some(&REPLICATION_IN_ANY_FORM))]);

/// A count, a text such as `{node: 2}`, or an object such as `{"node": 2}`.
const REPLICATION_IN_ANY_FORM: Shape = Shape::AnyOf(&[
    &Shape::Number(1, u8::MAX as u64),
    &Shape::Parsed(&REPLICATION),
    &COPIES_BY_SCOPE,
]);

const COPIES_BY_SCOPE: Shape = Shape::Map(&SCOPE, &Shape::Number(1, u8::MAX as u64));

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
    may_have("modified_at", &Shape::Nullable(&U64)),
]);

const PROVIDER: Shape =
    Shape::Variant(&[("in-memory", None), ("local", None), ("replicated", Some(&REPLICATED))]);

const REPLICATED: Shape = Shape::Object(&[
    needs("replication_property", &Shape::Parsed(&REPLICATION)),
    needs("target_nodeset_size", &Shape::Number(0, MOST_NODES)),
]);

const CHAIN: Shape = Shape::NonEmptyList(&Shape::Pair(&POSITIVE, &SEGMENT));

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
    may_have("created_at", &Shape::Nullable(&U64)),
]);

/// The content of a replicated segment's `params`, which is JSON in a text.
pub(super) const REPLICATED_PARAMS: Shape = Shape::Object(&[
    needs("loglet_id", &U64),
    needs("sequencer", &Shape::Parsed(&NODE_NAME)),
    needs("replication", &COPIES_BY_SCOPE),
    needs("nodeset", &Shape::NonEmptyList(&U32)),
]);

const PARTITION_EPOCH: Shape = Shape::Object(&[
    needs("version", &U32),
    // The next leader takes the next one.
    may_have("epoch", &Shape::Nullable(&Shape::Number(0, u64::MAX - 1))),
    may_have("current", &Shape::Nullable(&REPLICAS)),
    may_have("next", &Shape::Nullable(&REPLICAS)),
    may_have("leader_metadata", &Shape::Nullable(&LEADER)),
    may_have("leadership_policy", &Shape::Nullable(&LEADERSHIP_POLICY)),
    may_have("placement_policy", &Shape::Nullable(&PLACEMENT_POLICY)),
]);

const LEADERSHIP_POLICY: Shape = Shape::Object(&[
    may_have("freeze", &Shape::Nullable(&FREEZE)),
    may_have("affinity", &Shape::Nullable(&AFFINITY)),
]);

const PLACEMENT_POLICY: Shape = Shape::Object(&[may_have("freeze", &Shape::Nullable(&FREEZE))]);

const FREEZE: Shape = Shape::Object(&[needs("reason", &Shape::Text)]);

const AFFINITY: Shape =
    Shape::Variant(&[("Node", Some(&U32)), ("Location", Some(&Shape::Parsed(&LOCATION)))]);

const LEADER: Shape = Shape::Object(&[needs("node_id", &NODE_ID), needs("partition_id", &U16)]);

const REPLICAS: Shape = Shape::Object(&[
    needs("version", &U32),
    // Empty where the placement is frozen before there was one.
    needs("replica_set", &Shape::List(&U32)),
    needs("replication", &Shape::Parsed(&REPLICATION)),
    needs("modified_at", &U64),
    needs("context", &Shape::Map(&ANY_TEXT, &Shape::Text)),
]);

const RULE_BOOK: Shape =
    Shape::Object(&[needs("version", &U32), needs("rules", &Shape::Map(&PATTERN, &RULE))]);

const RULE: Shape = Shape::Object(&[
    needs("version", &U32),
    needs(
        "limits",
        &Shape::Object(&[may_have(
            "concurrency",
            &Shape::Nullable(&Shape::Number(1, u32::MAX as u64)),
        )]),
    ),
    may_have("description", &Shape::Nullable(&Shape::Text)),
    may_have("disabled", &Shape::Bool),
    needs("last_modified_millis_since_epoch", &U64),
]);
