//! The patch between two documents, its words, and what it hides.

use prost::bytes::Bytes;
use serde_json::json;

use super::*;
use crate::model::{CasToken, Entry, Key, Version, sha256_hex};
use crate::pipeline::edit::Patch;

fn nodes(second_generation: u64) -> Json {
    let node = |id: u64, generation: u64| {
        json!([id, {"Node": {"name": format!("n{id}"), "current_generation": [id, generation],
            "roles": ["worker"]}}])
    };
    json!({"version": 3, "nodes": [node(1, 3), node(2, second_generation), [3, "Tombstone"]]})
}

fn describe(changes: &[DocumentChange]) -> Vec<String> {
    let describe = |change: &DocumentChange| match change {
        DocumentChange::Add { place, value } => format!("{}: added {value}", place.words),
        DocumentChange::Remove { place, .. } => format!("{}: removed", place.words),
        DocumentChange::Replace { place, before, after } => {
            format!("{}: {before} → {after}", place.words)
        }
    };
    changes.iter().map(describe).collect()
}

/// Carries out the patch, and sorts pairs as maps have no order.
fn patched(before: &Json, changes: &[DocumentChange]) -> Json {
    let operations: Vec<_> = changes.iter().map(DocumentChange::operation).collect();
    Patch::parse(&json!(operations).to_string()).unwrap().apply(before).unwrap()
}

fn sorted(mut document: Json) -> Json {
    for list in ["nodes", "logs"] {
        if let Some(Json::Array(pairs)) = document.get_mut(list) {
            pairs.sort_by_key(|pair| pair[0].as_u64());
        }
    }
    document
}

#[test]
fn change_of_a_node_is_described_in_words_of_the_document() {
    let changes = find_changes(&nodes(3), &nodes(5));
    assert_eq!(describe(&changes), ["nodes[N2].current_generation: 3 → 5"]);
    let operation = changes.first().unwrap().operation();
    let path = "/nodes/1/1/Node/current_generation/1";
    assert_eq!(operation, json!({"op": "replace", "path": path, "value": 5}));
}

#[test]
fn places_of_a_list_are_numbered_but_for_the_generation_of_a_node() {
    for (name, at, words) in [
        ("list", 0, "list[0]: 1 → 7"),
        ("list", 1, "list[1]: 1 → 7"),
        ("current_generation", 0, "current_generation[0]: 1 → 7"),
        ("current_generation", 1, "current_generation: 1 → 7"),
    ] {
        let before = json!({ (name): [1, 1] });
        let mut after = before.clone();
        after[name][at] = 7.into();
        assert_eq!(describe(&find_changes(&before, &after)), [words]);
    }
}

#[test]
fn field_of_the_name_of_a_variant_is_named_where_it_is_none() {
    let changes = find_changes(&json!({"a": {"Node": 1}}), &json!({"a": {"Node": 2}}));
    assert_eq!(describe(&changes), ["a.Node: 1 → 2"]);
}

#[test]
fn patch_makes_the_target_of_the_source() {
    let mut other = nodes(3);
    let pairs = other["nodes"].as_array_mut().unwrap();
    pairs.remove(2);
    pairs.reverse();
    pairs.push(json!([9, "Tombstone"]));
    other["nodes"][1][1]["Node"]["roles"] = json!(["admin", "worker"]);
    other["features"] = json!(["a/b~c"]);
    other["version"] = json!(4);
    for (before, after) in [(nodes(3), other.clone()), (other, nodes(3))] {
        let changes = find_changes(&before, &after);
        assert_eq!(sorted(patched(&before, &changes)), sorted(after), "{changes:#?}");
    }
    assert_eq!(find_changes(&json!({"a": [[1, 2], [3, 4]]}), &json!({"a": [[3, 4], [1, 2]]})), []);
}
/// Compares two values of the registry, each with one header of this value.
fn header_changes(status: KeyStatus, source: &Json, target: &Json) -> Option<Vec<DocumentChange>> {
    let entry = |header: &Json| {
        let document = json!({"additional_headers": {"authorization": header}});
        let bytes = Bytes::from(format!("\x05{document}"));
        let version = Version(1);
        Some(Entry::Intact(Value { version, bytes }, CasToken::Version(version)))
    };
    let (source, target) = (entry(source), entry(target));
    find_value_changes(&KeyComparison { key: Key::Schema, status, source, target })
}

#[test]
fn value_that_may_be_a_credential_is_replaced_as_a_whole_by_its_digest() {
    let changes = header_changes(KeyStatus::Different, &json!("one"), &json!("two")).unwrap();
    let digest = |text: &str| json!({"hidden": sha256_hex(text.as_bytes())});
    let described = describe(&changes);
    let expected =
        format!("additional_headers.authorization: {} → {}", digest("one"), digest("two"));
    assert_eq!(described, [expected]);
    assert!(header_changes(KeyStatus::Same, &json!("one"), &json!("two")).is_none());
    // Nothing is looked for below a digest.
    let other = find_changes(&json!({"a": {"hidden": "x"}}), &json!({"a": {"b": 1}}));
    assert_eq!(other.len(), 1);
}
