//! Single merges by hand, and what holds for all.

use proptest::prelude::*;

use super::*;
use crate::codec::Encoding;

fn node(name: &str, generation: u32, side: &str) -> Json {
    json!({"name": name, "address": format!("http://{side}"), "current_generation": [0, generation],
        "roles": [side], "binary_version": side, "metadata_server_config": {"state": side},
        "location": side, "worker_config": {"state": side}, "of_a_newer_server": side})
}

fn document(version: u32, nodes: &[(u32, Json)], side: &str) -> Json {
    let nodes: Vec<_> = nodes
        .iter()
        .map(|(id, node)| {
            let mut node = node.clone();
            if let Some(generation) = node.pointer_mut("/current_generation/0") {
                *generation = json!(id);
            }
            let state = if node.is_string() { node } else { json!({"Node": node}) };
            json!([id, state])
        })
        .collect();
    json!({"version": version, "cluster_name": "demo", "cluster_fingerprint": u64::MAX,
        "name_lookup": {"stale": 9}, "features": [side], "modified_at": version, "nodes": nodes})
}

fn value(document: &Json) -> Value {
    let version = Version(u32::try_from(document["version"].as_u64().unwrap()).unwrap());
    let bytes = codec::encode(&Key::NodesConfig, Encoding::Flexbuffers, document, version).unwrap();
    Value { version, bytes }
}

fn merged(source: &Json, target: &Json) -> Json {
    let merged = merge(&value(source), &value(target)).unwrap();
    codec::decode(&Key::NodesConfig, &merged.value.bytes).unwrap()
}

#[test]
fn each_field_comes_from_its_side() {
    let tombstone = || json!(TOMBSTONE);
    let source = document(
        7,
        &[(1, node("a", 9, "source")), (2, node("b", 1, "source")), (3, tombstone())],
        "source",
    );
    let target = document(
        5,
        &[(2, node("b", 4, "target")), (1, node("a", 3, "target")), (4, tombstone())],
        "target",
    );
    let expected = |name: &str, id: u32, generation: u32| {
        json!([id, {"Node": {"name": name, "address": "http://target",
            "current_generation": [id, generation], "roles": ["target"],
            "binary_version": "target", "metadata_server_config": {"state": "target"},
            "location": "source", "worker_config": {"state": "source"},
            "of_a_newer_server": "source"}}])
    };
    assert_eq!(
        merged(&source, &target),
        json!({"version": 8, "cluster_name": "demo", "cluster_fingerprint": u64::MAX,
            "name_lookup": {"a": 1, "b": 2}, "features": ["source"], "modified_at": 7,
            "nodes": [expected("a", 1, 9), expected("b", 2, 4), [3, TOMBSTONE], [4, TOMBSTONE]]})
    );
    // What was removed on either side stays so.
    let removed = document(6, &[(1, tombstone()), (2, node("b", 1, "target"))], "target");
    let both = merged(&source, &removed);
    assert_eq!(both["nodes"][0], json!([1, TOMBSTONE]));
    assert_eq!(both["name_lookup"], json!({"b": 2}));
    // What a target's node does not say, the merged one does not either.
    let mut silent = node("a", 3, "target");
    silent.as_object_mut().unwrap().shift_remove("binary_version");
    let one = document(1, &[(1, node("a", 1, "source"))], "source");
    let both = merged(&one, &document(1, &[(1, silent)], "target"));
    assert_eq!(both.pointer("/nodes/0/1/Node/binary_version"), None);
}

#[test]
fn merge_is_refused_with_every_reason() {
    let source =
        document(7, &[(1, node("a", 1, "s")), (2, node("b", 1, "s")), (3, node("c", 1, "s"))], "s");
    let mut target =
        document(7, &[(1, node("x", 1, "t")), (4, node("c", 1, "t")), (5, node("e", 1, "t"))], "t");
    target["cluster_fingerprint"] = json!(7);
    let told = merge(&value(&source), &value(&target)).unwrap_err().join("\n");
    insta::assert_snapshot!(told, @r"
    the cluster's fingerprint is 7 in the target, 18446744073709551615 in the source
    N1 is x in the target, a in the source
    N2 (b) is known to the source, and not to the target
    c is N4 in the target, N3 in the source
    N5 (e) is known to the target, and not to the source
    ");
    let damaged = Value { version: Version(3), ..value(&source) };
    let told = merge(&value(&source), &damaged).unwrap_err();
    assert_eq!(told, ["nodes_config of the target is stored at version 3, but embeds version 7"]);
}

#[test]
fn absent_fingerprint_is_no_fault_and_an_absent_name_is_one() {
    let whole = document(7, &[(1, node("a", 1, "s"))], "s");
    for absent in [None, Some(Json::Null)] {
        let without = |field: &str| {
            let mut document = whole.clone();
            let fields = document.as_object_mut().unwrap();
            let _ = fields.shift_remove(field);
            fields.extend(absent.clone().map(|null| (field.to_owned(), null)));
            document
        };
        let (nameless, older) = (without("cluster_name"), without(FINGERPRINT));
        for (source, target, merges) in [
            (&older, &whole, true),
            (&whole, &older, true),
            (&older, &older, true),
            (&nameless, &whole, false),
            (&whole, &nameless, false),
            (&nameless, &nameless, false),
        ] {
            assert_eq!(merge_documents(source, target).is_ok(), merges, "{source} {target}");
        }
    }
}

#[test]
fn rollback_is_done_only_if_the_target_has_the_merge_and_all_other_keys() {
    let entry = |value: Value| {
        let tag = crate::model::CasToken::Version(value.version);
        Entry::Intact(value, tag)
    };
    let side = |generation: u32, epoch: u32| {
        let mut nodes = document(7, &[(1, node("a", generation, "s"))], "s");
        nodes["name_lookup"] = json!({"a": 1});
        let epoch = Value { version: Version(epoch), bytes: prost::bytes::Bytes::from("x") };
        Snapshot::from([
            (Key::NodesConfig, entry(value(&nodes))),
            (Key::PartitionEpoch(0), entry(epoch)),
        ])
    };
    let state = |source: &Snapshot, target: &Snapshot| desired_snapshot(source, target).unwrap().1;
    let source = side(4, 3);
    assert_eq!(state(&source, &side(4, 3)), RollbackState::Done);
    // A node that was started since is kept.
    assert_eq!(state(&source, &side(5, 3)), RollbackState::Done);
    assert_eq!(state(&source, &side(5, 4)), RollbackState::Newer);
    // The merge, another key, or all is still to be written.
    assert_eq!(state(&source, &side(3, 3)), RollbackState::Open);
    assert_eq!(state(&source, &side(4, 2)), RollbackState::Open);
    assert_eq!(state(&source, &side(3, 4)), RollbackState::Open);
    let mut extra = side(4, 3);
    extra.insert(Key::RuleBook, extra[&Key::PartitionEpoch(0)].clone());
    assert_eq!(state(&source, &extra), RollbackState::Open);
    let desired = desired_snapshot(&source, &side(5, 3)).unwrap().0;
    assert_eq!(desired, side(5, 3));
}

fn any_side(side: &'static str) -> impl Strategy<Value = Json> {
    let states = prop::collection::vec((1_u32..50, any::<bool>()), 5);
    (1_u32..1_000, states).prop_map(move |(version, states)| {
        let nodes = (1..).zip(states).map(|(id, (generation, removed))| {
            let live = node(&format!("node-{id}"), generation, side);
            (id, if removed { json!(TOMBSTONE) } else { live })
        });
        document(version, &nodes.collect::<Vec<_>>(), side)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..Default::default() })]

    #[test]
    fn no_generation_is_lost_and_no_node_comes_back(
        source in any_side("source"), target in any_side("target")
    ) {
        let result = merged(&source, &target);
        let version = |document: &Json| document["version"].as_u64();
        prop_assert!(version(&result) > version(&source) && version(&result) > version(&target));
        let mut names = Map::new();
        for place in 0..5 {
            let at = |document: &Json, rest: &str| {
                document.pointer(&format!("/nodes/{place}/1{rest}")).cloned()
            };
            let sides = [&source, &target];
            if sides.iter().any(|side| at(side, "") == Some(json!(TOMBSTONE))) {
                prop_assert_eq!(at(&result, ""), Some(json!(TOMBSTONE)));
                continue;
            }
            let generation = |document: &Json| {
                at(document, "/Node/current_generation/1").and_then(|number| number.as_u64())
            };
            prop_assert_eq!(generation(&result), generation(&source).max(generation(&target)));
            for (field, side) in [("roles", &target), ("location", &source)] {
                let path = format!("/Node/{field}");
                prop_assert_eq!(at(&result, &path), at(side, &path));
            }
            names.insert(format!("node-{}", place + 1), json!(place + 1));
        }
        prop_assert_eq!(&result["name_lookup"], &Json::Object(names));
        // The same merge again has nothing left to do, and a node that has started since is kept.
        prop_assert!(merge(&value(&source), &value(&result)).unwrap().is_there);
        prop_assert_eq!(codec::find_shape_errors(&Key::Unknown(String::new()), &codec::Tree::borrow(&result)), vec![]);
    }
}
