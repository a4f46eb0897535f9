//! Real documents, and what each of their faults is called.

use serde_json::json;

use super::*;

fn nodes() -> Json {
    json!({"version": 4, "cluster_fingerprint": u64::MAX, "cluster_name": "demo",
        "features": ["controlled-idempotent-sharding"], "modified_at": 648_153_523_606_781_953_u64,
        "name_lookup": {"node-1": 1}, "nodes": [[1, {"Node": {
            "address": "http://127.0.0.1:5122/", "binary_version": "1.7.12",
            "current_generation": [1, 2], "location": "",
            "log_server_config": {"storage_state": "read-write"},
            "metadata_server_config": {"metadata_server_state": "member"}, "name": "node-1",
            "roles": ["admin", "metadata-server"], "worker_config": {"worker_state": "active"}}}],
            [2, "Tombstone"]]})
}

fn partitions() -> Json {
    let partition = |start: u64, end: u64| {
        json!({"cf_name": null, "db_name": null, "log_id": null,
            "key_range": {"start": start, "end": end}})
    };
    json!({"version": 1, "num_partitions": 2, "replication": {"limit": 1}, "partitions":
        [[0, partition(0, i64::MAX as u64)], [1, partition(1 << 63, u64::MAX)]]})
}

fn edited(mut document: Json, pointer: &str, value: Json) -> Json {
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

fn without(mut document: Json, parent: &str, field: &str) -> Json {
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    document
}

fn find_shape_errors(key: &Key, document: &Json) -> Vec<ShapeError> {
    super::find_shape_errors(key, &Tree::borrow(document))
}

fn describe(key: &Key, document: &Json) -> String {
    let errors = find_shape_errors(key, document);
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn fault_is_reported_with_its_json_pointer() {
    let nodes_fault = |document: Json| describe(&Key::NodesConfig, &document);
    let table_fault = |document: Json| describe(&Key::PartitionTable, &document);
    for (key, sound) in [(Key::NodesConfig, nodes()), (Key::PartitionTable, partitions())] {
        assert_eq!(find_shape_errors(&key, &sound), []);
    }
    let node = "/nodes/0/1/Node";
    let faults = [
        nodes_fault(json!([])),
        nodes_fault(without(nodes(), "", "cluster_name")),
        nodes_fault(without(nodes(), "", "name_lookup")),
        nodes_fault(without(nodes(), node, "roles")),
        nodes_fault(without(nodes(), node, "current_generation")),
        nodes_fault(edited(nodes(), "/nodes", json!({"1": "Tombstone"}))),
        nodes_fault(edited(nodes(), "/nodes/1/1", json!("Gone"))),
        nodes_fault(edited(nodes(), "/nodes/1", json!([2]))),
        nodes_fault(edited(nodes(), "/nodes/1/0", json!(1))),
        nodes_fault(edited(nodes(), &format!("{node}/roles"), json!("admin"))),
        nodes_fault(edited(nodes(), &format!("{node}/roles/0"), json!("boss"))),
        nodes_fault(edited(nodes(), &format!("{node}/current_generation/1"), json!(-1))),
        nodes_fault(edited(nodes(), &format!("{node}/current_generation/0"), json!(2))),
        nodes_fault(edited(nodes(), "/cluster_fingerprint", json!(1.5))),
        nodes_fault(edited(nodes(), "/cluster_name", json!(null))),
        nodes_fault(edited(nodes(), &format!("{node}/name"), json!("other"))),
        nodes_fault(edited(nodes(), &format!("{node}/location"), json!("zone 1"))),
        table_fault(without(partitions(), "", "num_partitions")),
        table_fault(without(partitions(), "/partitions/1/1", "key_range")),
        table_fault(edited(partitions(), "/num_partitions", json!(3))),
        table_fault(edited(partitions(), "/num_partitions", json!(65536))),
        table_fault(edited(partitions(), "/partitions/1/0", json!(0))),
        table_fault(edited(partitions(), "/partitions/1/1/key_range/start", json!(5))),
        table_fault(edited(partitions(), "/partitions/0/1/key_range/start", json!(u64::MAX))),
        table_fault(edited(partitions(), "/replication/limit", json!({"rack": 1}))),
    ];
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn every_error_of_a_document_is_found() {
    let mut document = nodes();
    let node = document.pointer_mut("/nodes/0/1/Node").unwrap();
    node["address"] = json!("no address");
    node["roles"] = json!(["admin", "boss"]);
    document["name_lookup"]["ghost"] = json!(7);
    let errors = find_shape_errors(&Key::NodesConfig, &document);
    let places: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        places,
        ["/nodes/0/1/Node/address", "/nodes/0/1/Node/roles/1", "/name_lookup/ghost"]
    );
}

#[test]
fn replicated_segment_is_checked_inside_its_text() {
    let logs = |kind: &str, params: &str| {
        json!({"version": 1, "config": {"default_provider": "in-memory"},
            "logs": [[0, {"chain": [[1, {"index": 0, "kind": kind, "params": params}]]}]]})
    };
    let sound =
        "{\"loglet_id\":0,\"sequencer\":\"N1:2\",\"replication\":{\"node\":1},\"nodeset\":[1]}";
    assert_eq!(describe(&Key::Logs, &logs("replicated", sound)), "");
    assert_eq!(describe(&Key::Logs, &logs("local", "17")), "");
    let faults = [
        describe(&Key::Logs, &logs("replicated", "{}")),
        describe(&Key::Logs, &logs("replicated", "x")),
        describe(&Key::Logs, &logs("replicated", &sound.replace("[1]", "[]"))),
        describe(&Key::Logs, &logs("replicated", &sound.replace("{\"node\":1}", "{}"))),
        describe(&Key::Logs, &logs("local", sound)),
    ];
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn legal_forms_have_no_error() {
    for field in ["features", "modified_at", "cluster_fingerprint"] {
        assert_eq!(find_shape_errors(&Key::NodesConfig, &without(nodes(), "", field)), []);
    }
    let mut newer = nodes();
    newer["new_field"] = json!({"a": 1});
    assert_eq!(find_shape_errors(&Key::NodesConfig, &newer), []);
    assert_eq!(find_shape_errors(&Key::Unknown("new_key".to_owned()), &json!({})), []);
    // As clusters have it that were begun with 1.0.
    let old = json!({"version": 1, "num_partitions": 24});
    assert_eq!(find_shape_errors(&Key::PartitionTable, &old), []);
    let frozen = json!({"version": 1, "current": {"version": 1, "replica_set": [],
        "replication": "{node: 1}", "modified_at": 1, "context": {}},
        "placement_policy": {"freeze": {"reason": "R"}}});
    assert_eq!(find_shape_errors(&Key::PartitionEpoch(0), &frozen), []);
}

#[test]
fn replications_and_locations_are_those_of_the_servers() {
    for text in
        ["1", "{node: 2}", "{node:1}", "{NODE: 1}", "{zone: 1, node: 2}", "{node: 1, zone: 1}"]
    {
        assert!((text::REPLICATION.is_valid)(text), "{text}");
    }
    for text in ["", "0", "{node: 0}", "{node: 256}", "{}", "{rack: 1}", "{zone: 2, node: 1}"] {
        assert!(!(text::REPLICATION.is_valid)(text), "{text}");
    }
    for text in ["", "zone", "region.zone", "a.", ".", " a", "A_-9.b", "a/b"] {
        assert!((text::LOCATION.is_valid)(text), "{text}");
    }
    for text in ["a b", "a.b.c", "a..b", ".a", "a:b"] {
        assert!(!(text::LOCATION.is_valid)(text), "{text}");
    }
}

#[test]
fn unchanged_part_of_a_newer_server_is_accepted() {
    let role = "/nodes/0/1/Node/roles/0";
    let stored = edited(nodes(), role, json!("role-of-1.8"));
    let added = |document: &Json, stored| find_added_errors(&Key::NodesConfig, document, stored);
    let mut document = stored.clone();
    document["cluster_name"] = json!("renamed");
    assert_eq!(added(&document, None).len(), 1);
    assert_eq!(added(&document, Some(&stored)), []);
    // Also where it has moved.
    let roles = document.pointer_mut("/nodes/0/1/Node/roles").unwrap().as_array_mut().unwrap();
    roles.reverse();
    assert_eq!(added(&document, Some(&stored)), []);
    // But not a second one.
    let roles = document.pointer_mut("/nodes/0/1/Node/roles").unwrap().as_array_mut().unwrap();
    roles.push(json!("role-of-1.8"));
    assert_eq!(added(&document, Some(&stored)).len(), 1);
}

#[test]
fn document_with_two_errors_is_mended_one_at_a_time() {
    let node = "/nodes/0/1/Node";
    let broken = edited(without(nodes(), node, "roles"), &format!("{node}/address"), json!(""));
    let added = |document: &Json| find_added_errors(&Key::NodesConfig, document, Some(&broken));
    let mut half = broken.clone();
    half.pointer_mut(node).unwrap()["roles"] = json!(["admin"]);
    assert_eq!(find_shape_errors(&Key::NodesConfig, &half).len(), 1);
    assert_eq!(added(&half), []);
    assert_eq!(
        added(&edited(broken.clone(), &format!("{node}/address"), json!("http://a:1/"))),
        []
    );
    let lost = without(broken.clone(), "", "cluster_fingerprint");
    assert_eq!(added(&lost).len(), 1);
    assert_eq!(find_added_errors(&Key::NodesConfig, &lost, Some(&lost)), []);
    let worse = edited(half, &format!("{node}/location"), json!("a b"));
    assert_eq!(added(&worse).len(), 1);
}
