//! The edits that a real server judges.

use serde_json::{Value as Json, json};

/// An edit of one key. In its patch `@log0` stands for the place of log 0.
pub struct Case {
    pub key: &'static str,
    pub patch: Json,
    /// Why our verdict is another than the server's; `None` if it is the same.
    pub difference: Option<&'static str>,
}

impl Case {
    /// Says why our verdict is another than the server's.
    fn differs(self, reason: &'static str) -> Case {
        Case { difference: Some(reason), ..self }
    }
}

const NO_WRITER: &str = "refused: no server writes this form";
const LOOKUP: &str =
    "refused: a node that later starts under the name would take itself for that one";
const ONE_LOST: &str = "refused: the servers keep one of the two, and which one is not defined";
const CHOICE: &str = "accepted: what an operator may choose, and can take back";

fn replace(key: &'static str, path: &str, value: Json) -> Case {
    case(key, json!([{"op": "replace", "path": path, "value": value}]))
}

fn add(key: &'static str, path: &str, value: Json) -> Case {
    case(key, json!([{"op": "add", "path": path, "value": value}]))
}

fn remove(key: &'static str, path: &str) -> Case {
    case(key, json!([{"op": "remove", "path": path}]))
}

fn case(key: &'static str, patch: Json) -> Case {
    Case { key, patch, difference: None }
}

/// Returns the edits of `make test`.
pub fn cases() -> Vec<Case> {
    let all =
        [node_cases(), log_cases(), partition_cases(), epoch_cases(), schema_cases(), rule_cases()];
    all.into_iter().flatten().collect()
}

fn node_cases() -> Vec<Case> {
    let (key, node) = ("nodes_config", "/nodes/0/1/Node");
    let of_node = |field: &str, value: Json| replace(key, &format!("{node}/{field}"), value);
    let second = |id: u32, lookup: u32| {
        let other = json!({"address": "http://127.0.0.1:1/", "current_generation": [id, 3],
            "metadata_server_config": {"metadata_server_state": "standby"}, "name": "node-2",
            "roles": ["http-ingress"]});
        case(
            key,
            json!([{"op": "add", "path": "/nodes/-", "value": [id, {"Node": other}]},
                {"op": "add", "path": "/name_lookup/node-2", "value": lookup}]),
        )
    };
    vec![
        case(key, json!([])),
        of_node("address", json!("not a uri")),
        of_node("address", json!("")),
        of_node("address", json!("http:/x")),
        of_node("address", json!("127.0.0.1:5122")),
        of_node("address", json!("unix:/tmp/x")),
        of_node("location", json!("a b")),
        of_node("location", json!("a.b.c")),
        of_node("location", json!(".zone")),
        of_node("location", json!("region.zone")),
        add(key, &format!("{node}/ctrl_address"), json!(5)),
        add(key, &format!("{node}/ctrl_address"), json!("nonsense x")),
        add(key, &format!("{node}/ctrl_address"), json!("http://127.0.0.1:1/")),
        of_node("roles", json!(["boss"])),
        of_node("current_generation", json!([2, 3])),
        remove(key, &format!("{node}/metadata_server_config"))
            .differs("refused: on its replicated store such a cluster has no member left"),
        of_node("log_server_config/storage_state", json!("gone")).differs(CHOICE),
        replace(key, "/name_lookup/node-1", json!(2)),
        add(key, "/name_lookup/ghost", json!(9)).differs(LOOKUP),
        second(2, 2),
        second(2, 1).differs(LOOKUP),
        add(key, "/nodes/-", json!([1, "Tombstone"])),
        add(key, "/nodes/-", json!([2, "Tombstone"])),
        remove(key, "/cluster_fingerprint")
            .differs("refused: a metadata server that knew it never comes up without it"),
        replace(key, "/features", json!(["x"])),
        replace(key, "/modified_at", json!("x")),
        add(key, "/new_field", json!(1)),
    ]
}

fn log_cases() -> Vec<Case> {
    let key = "bifrost_config";
    let provider = "/config/default_provider/replicated";
    let of_provider =
        |field: &str, value: Json| replace(key, &format!("{provider}/{field}"), value);
    let segment = "/logs/@log0/1/chain/0/1";
    let params = |change: fn(&mut Json)| {
        let mut params = json!({"loglet_id": 0, "sequencer": "N1:2", "replication": {"node": 1},
            "nodeset": [1]});
        change(&mut params);
        replace(key, &format!("{segment}/params"), json!(params.to_string()))
    };
    vec![
        of_provider("target_nodeset_size", json!(128)),
        of_provider("target_nodeset_size", json!(129)),
        of_provider("replication_property", json!("{zone: 2, node: 1}")),
        of_provider("replication_property", json!("{NODE: 1}")),
        of_provider("replication_property", json!("{node: 0}")),
        of_provider("replication_property", json!("{node: 2}")),
        replace(key, "/config/default_provider", json!({"local": {}})).differs(NO_WRITER),
        replace(key, &format!("{segment}/params"), json!("{}")),
        params(|_| {}),
        params(|params| params["new_field"] = json!(1)),
        params(|params| params["sequencer"] = json!("N1")),
        params(|params| params["replication"] = json!({})),
        params(|params| params["nodeset"] = json!([])),
        params(|params| params["nodeset"] = json!([9])),
        replace(key, &format!("{segment}/kind"), json!("local")),
        replace(key, &format!("{segment}/created_at"), json!("x")),
        replace(key, "/logs/@log0/1/chain/0/0", json!(0)),
        replace(key, "/logs/@log0/1/chain", json!([])),
        replace(key, "/logs/@log0/0", json!(1)),
        replace(key, "/modified_at", json!("x")),
    ]
}

fn partition_cases() -> Vec<Case> {
    let key = "partition_table";
    let second = "/partitions/1/1";
    let range = |start: u64, end: u64| {
        replace(key, &format!("{second}/key_range"), json!({"start": start, "end": end}))
    };
    let half = 1_u64 << 63;
    vec![
        range(5, u64::MAX),
        range(half, 1),
        range(u64::MAX, half),
        // A gap.
        range(half + 5, u64::MAX),
        replace(key, &format!("{second}/key_range"), json!([half, u64::MAX])).differs(NO_WRITER),
        replace(key, &format!("{second}/log_id"), json!(7)),
        replace(key, &format!("{second}/log_id"), json!("x")),
        replace(key, "/num_partitions", json!(3))
            .differs("refused: without the list, which may be left out, the number is what counts"),
        remove(key, "/num_partitions"),
        remove(key, "/partitions"),
        replace(key, "/partitions", json!(null)),
        replace(key, "/partitions/1/0", json!(0)).differs(ONE_LOST),
        replace(key, "/replication", json!({"limit": {}})),
        replace(key, "/replication", json!({"limit": "x"})),
        replace(key, "/replication", json!({"limit": {"node": 1}})),
        replace(key, "/replication", json!(null)),
    ]
}

fn epoch_cases() -> Vec<Case> {
    let key = "pp_epoch_0";
    let mut cases = vec![
        replace(key, "/current/replica_set", json!([])),
        replace(key, "/current/replica_set", json!(["N1"])),
        replace(key, "/current/modified_at", json!(null)),
        replace(key, "/current/context", json!({"a": 1})),
        replace(key, "/current/replication", json!("x")),
        replace(key, "/epoch", json!(null)),
        replace(key, "/epoch", json!(u64::MAX)),
        replace(key, "/leader_metadata", json!(null)),
        add(key, "/leadership_policy", json!({"affinity": {"Node": 1}})),
        add(key, "/leadership_policy", json!({"affinity": {"node": 1}})),
        add(key, "/leadership_policy", json!({"freeze": {"reason": "R"}})).differs(CHOICE),
        add(key, "/placement_policy", json!({"freeze": {"reason": "R"}})),
    ];
    for policy in ["/leadership_policy", "/placement_policy"] {
        cases.push(add(key, policy, json!("freeze")));
        cases.push(add(key, policy, json!({"freeze": {}})));
        cases.push(add(key, policy, json!({"new_field": 1})));
    }
    cases
}

fn schema_cases() -> Vec<Case> {
    let (key, deployment) = ("schema_registry", "/deployments_v2/0");
    let at = |field: &str| format!("{deployment}/{field}");
    vec![
        remove(key, "/subscriptions"),
        replace(key, "/subscriptions", json!([{}])),
        replace(key, &at("id"), json!("dp_1")),
        replace(key, &at("created_at"), json!("x")),
        replace(key, &at("ty/Http/address"), json!("not a uri")),
        remove(key, &at("ty/Http/protocol_type")),
        replace(key, &at("ty"), json!({"Lambda": {"arn": "x"}})),
        replace(key, &at("delivery_options/additional_headers"), json!({"a": "b"})),
        replace(key, &at("delivery_options/additional_headers"), json!({"bad header": "b"})),
        replace(key, &at("services/0/handlers/0/target_ty"), json!("x")),
        replace(key, &at("services/0/handlers/0/input_rules"), json!({})),
        add(key, &at("services/0/journal_retention"), json!("1d 2h")),
        add(key, &at("services/0/journal_retention"), json!("1 month")),
        case(key, json!([{"op": "copy", "from": deployment, "path": "/deployments_v2/-"}])),
        replace(key, "/deployments_v2", json!([])),
    ]
}

fn rule_cases() -> Vec<Case> {
    let key = "rule_book";
    let rule =
        json!({"version": 1, "limits": {"concurrency": 5}, "last_modified_millis_since_epoch": 1});
    let pattern = |pointer: &str| add(key, &format!("/rules/{pointer}"), rule.clone());
    vec![
        pattern("a~1*~1b"),
        pattern("a b~1*"),
        pattern("a~1b~1c~1d"),
        pattern(&format!("{}~1*", "x".repeat(36))),
        pattern(&format!("{}~1*", "x".repeat(37))),
        replace(key, "/rules", json!({})),
        replace(key, "/rules/scope1~1*/limits/concurrency", json!(null)),
    ]
}
