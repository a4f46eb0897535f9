//! One unsound store for each class of findings that a real server can judge.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

/// A change of a sound store.
#[derive(Clone, Debug)]
pub enum Change {
    /// A patch of a decoded value, whose version stays. `@log0` stands for the place of log 0.
    Patch(&'static str, Json),
    /// The bytes of an etcd key.
    Bytes(String, Vec<u8>),
    /// An etcd key with the bytes of another.
    Copy(&'static str, &'static str),
    /// Both etcd keys of a value are gone.
    Remove(&'static str),
    /// One of the bytes of a value, found by those before it.
    Byte(&'static str, &'static [u8], u8),
}

/// An unsound store.
pub struct ClassCase {
    /// The class that `check` must name.
    pub code: &'static str,
    pub changes: Vec<Change>,
    /// The partitions that a server that runs on it leads.
    pub partitions: BTreeSet<u64>,
}

impl ClassCase {
    fn leading(self, partitions: &[u64]) -> ClassCase {
        ClassCase { partitions: partitions.iter().copied().collect(), ..self }
    }
}

fn case(code: &'static str, changes: Vec<Change>) -> ClassCase {
    ClassCase { code, changes, partitions: [0, 1].into() }
}

fn patch(key: &'static str, operations: Json) -> Change {
    Change::Patch(key, operations)
}

fn replace(key: &'static str, path: &str, value: Json) -> Change {
    patch(key, json!([{"op": "replace", "path": path, "value": value}]))
}

fn add(key: &'static str, path: &str, value: Json) -> Change {
    patch(key, json!([{"op": "add", "path": path, "value": value}]))
}

/// Returns the cases of errors, on each of which a server must end or lead less than all.
pub fn errors() -> Vec<ClassCase> {
    let (nodes, logs, table) = ("nodes_config", "bifrost_config", "partition_table");
    let params = |nodeset: Json| {
        let params = json!({"loglet_id": 0, "sequencer": "N1:2", "replication": {"node": 1},
            "nodeset": nodeset});
        json!(params.to_string())
    };
    let half = 1_u64 << 63;
    vec![
        case("entry-damaged", vec![Change::Bytes(format!("{table}::version"), vec![1, 0, 0])]),
        case(
            "codec-not-allowed",
            vec![Change::Bytes(
                "rule_book".to_owned(),
                b"\x05{\"version\":1,\"rules\":{}}".to_vec(),
            )],
        ),
        case("value-undecodable", vec![Change::Bytes(logs.to_owned(), vec![2, 9, 0, 0, 0, 1])]),
        case("value-undecodable", vec![Change::Bytes("schema_registry".to_owned(), vec![8, 1])]),
        case(
            "version-misaligned",
            vec![Change::Bytes(format!("{table}::version"), vec![99, 0, 0, 0])],
        ),
        case("key-missing", vec![Change::Remove(logs)]),
        case("key-missing", vec![Change::Remove(table)]),
        case(
            "value-malformed",
            vec![replace(nodes, "/nodes/0/1/Node/address", json!("not a uri"))],
        ),
        case("value-malformed", vec![Change::Byte("rule_book", &[4], 0)]),
        case(
            "node-identity",
            vec![replace(nodes, "/nodes/0/1/Node/current_generation", json!([2, 3]))],
        ),
        case("node-identity", vec![replace(nodes, "/name_lookup/node-1", json!(2))]),
        case(
            "key-range-invalid",
            vec![replace(table, "/partitions/1/1/key_range", json!({"start": 5, "end": u64::MAX}))],
        ),
        case(
            "key-range-invalid",
            vec![replace(table, "/partitions/1/1/key_range", json!({"start": half, "end": 1}))],
        ),
        case("log-missing", vec![replace(table, "/partitions/1/1/log_id", json!(7))]),
        case(
            "nodeset-missing",
            vec![replace(logs, "/logs/@log0/1/chain/0/1/params", params(json!([9])))],
        ),
        case(
            "replication-unmet",
            vec![replace(
                logs,
                "/config/default_provider/replicated/replication_property",
                json!("{node: 2}"),
            )],
        ),
        case("log-missing", vec![patch(logs, json!([{"op": "remove", "path": "/logs/@log0"}]))]),
        case(
            "nodeset-missing",
            vec![
                add(nodes, "/nodes/-", json!([2, "Tombstone"])),
                replace(logs, "/logs/@log0/1/chain/0/1/params", params(json!([2]))),
            ],
        ),
        case(
            "partitions-missing",
            vec![
                replace(table, "/partitions", json!([])),
                replace(table, "/num_partitions", json!(0)),
            ],
        ),
        case(
            "placement-lost",
            vec![patch(
                "pp_epoch_0",
                json!([
            {"op": "add", "path": "/placement_policy", "value": {"freeze": {"reason": "R"}}},
            {"op": "replace", "path": "/current/replica_set", "value": [9]}]),
            )],
        ),
    ]
}

/// Returns the cases of warnings, on each of which a server runs.
pub fn warnings() -> Vec<ClassCase> {
    let (nodes, logs) = ("nodes_config", "bifrost_config");
    let (table, epoch) = ("partition_table", "pp_epoch_0");
    let freeze = json!({"freeze": {"reason": "R"}});
    let half = 1_u64 << 63;
    vec![
        case(
            "field-missing",
            vec![patch(
                nodes,
                json!([{"op": "remove", "path": "/nodes/0/1/Node/metadata_server_config"}]),
            )],
        ),
        case("lookup-stray", vec![add(nodes, "/name_lookup/ghost", json!(9))]),
        case(
            "entry-duplicate",
            vec![patch(
                "schema_registry",
                json!([{"op": "copy", "from": "/deployments_v2/0", "path": "/deployments_v2/-"}]),
            )],
        ),
        case(
            "entry-duplicate",
            vec![patch(logs, json!([{"op": "copy", "from": "/logs/@log0", "path": "/logs/-"}]))],
        ),
        case("partition-count", vec![replace(table, "/num_partitions", json!(3))]),
        case(
            "key-range-gap",
            vec![replace(
                table,
                "/partitions/1/1/key_range",
                json!({"start": half + 5, "end": u64::MAX}),
            )],
        ),
        case("replica-missing", vec![replace(epoch, "/current/replica_set", json!([9]))]),
        case(
            "affinity-missing",
            vec![add(epoch, "/leadership_policy", json!({"affinity": {"Node": 9}}))],
        ),
        case("leadership-frozen", vec![add(epoch, "/leadership_policy", freeze.clone())])
            .leading(&[1]),
        case("placement-frozen", vec![add(epoch, "/placement_policy", freeze)]),
        // The partition had a leader, and gets none without its epoch. Metadata alone does not show that it had.
        case("epoch-absent", vec![Change::Remove("pp_epoch_1")]).leading(&[0]),
        case(
            "epoch-stray",
            vec![
                Change::Copy(epoch, "pp_epoch_7"),
                Change::Copy("pp_epoch_0::version", "pp_epoch_7::version"),
            ],
        ),
    ]
}
