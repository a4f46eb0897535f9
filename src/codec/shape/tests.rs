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

#[test]
fn fault_is_reported_with_its_json_pointer() {
    let nodes_fault = |document: Json| check_shape(&Key::NodesConfig, &document, Some(&nodes()));
    let table_fault =
        |document: Json| check_shape(&Key::PartitionTable, &document, Some(&partitions()));
    for (key, sound) in [(Key::NodesConfig, nodes()), (Key::PartitionTable, partitions())] {
        assert_eq!(check_shape(&key, &sound, None), Ok(()));
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
        nodes_fault(edited(nodes(), &format!("{node}/roles"), json!("admin"))),
        nodes_fault(edited(nodes(), &format!("{node}/roles/0"), json!("boss"))),
        nodes_fault(edited(nodes(), &format!("{node}/current_generation/1"), json!(-1))),
        nodes_fault(edited(nodes(), "/cluster_fingerprint", json!(1.5))),
        nodes_fault(edited(nodes(), "/cluster_name", json!(null))),
        nodes_fault(edited(nodes(), &format!("{node}/name"), json!("other"))),
        table_fault(without(partitions(), "", "num_partitions")),
        table_fault(without(partitions(), "/partitions/1/1", "key_range")),
        table_fault(edited(partitions(), "/num_partitions", json!(3))),
        table_fault(edited(partitions(), "/num_partitions", json!(65536))),
        table_fault(edited(partitions(), "/partitions/1/0", json!(0))),
    ];
    let told: Vec<_> = faults.into_iter().map(|fault| fault.unwrap_err()).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    the document is a list of 0 instead of an object
    /cluster_name is missing
    /name_lookup is missing
    /nodes/0/1/Node/roles is missing
    /nodes/0/1/Node/current_generation is missing
    /nodes is an object instead of a list
    /nodes/1/1 is a text instead of one of {"Node": …}, "Tombstone"
    /nodes/1 is a list of 1 instead of a list of 2
    /nodes/0/1/Node/roles is a text instead of a list
    /nodes/0/1/Node/roles/0 is a text instead of one of "http-ingress", "admin", "worker", "log-server", "metadata-server", "metadata-store"
    /nodes/0/1/Node/current_generation/1 is a negative number instead of a whole number from 0 to 4294967295
    /cluster_fingerprint is a number with a fraction instead of a whole number of at least 1
    /cluster_name is null instead of a text
    /name_lookup does not lead from other to 1
    /num_partitions is missing
    /partitions/1/1/key_range is missing
    /num_partitions is not 2, the number of partitions
    /num_partitions is 65536 instead of a whole number from 0 to 65535
    /partitions has a partition twice
    "#);
}

#[test]
fn optional_and_unknown_fields_are_accepted() {
    for field in ["features", "modified_at"] {
        assert_eq!(check_shape(&Key::NodesConfig, &without(nodes(), "", field), None), Ok(()));
    }
    let mut newer = nodes();
    newer["new_field"] = json!({"a": 1});
    assert_eq!(check_shape(&Key::NodesConfig, &newer, None), Ok(()));
    assert_eq!(check_shape(&Key::Unknown("new_key".to_owned()), &json!({}), None), Ok(()));
}

#[test]
fn unchanged_part_of_a_newer_server_is_accepted() {
    let role = "/nodes/0/1/Node/roles/0";
    let stored = edited(nodes(), role, json!("role-of-1.8"));
    let mut document = stored.clone();
    document["cluster_name"] = json!("renamed");
    assert!(check_shape(&Key::NodesConfig, &document, None).is_err());
    assert_eq!(check_shape(&Key::NodesConfig, &document, Some(&stored)), Ok(()));
    // Also where it has moved.
    let roles = document.pointer_mut("/nodes/0/1/Node/roles").unwrap().as_array_mut().unwrap();
    roles.reverse();
    assert_eq!(check_shape(&Key::NodesConfig, &document, Some(&stored)), Ok(()));
}
