//! Sound and unsound stores, each with the classes of its findings; `references` has those between values.

mod references;

use std::time::{Duration, Instant};

use prost::bytes::Bytes;
use serde_json::{Value as Json, json};

use super::*;
use crate::model::{CasToken, Entry, Key, Value, Version};

fn entry(document: &Json) -> Entry {
    let value = Value { version: Version(1), bytes: Bytes::from(format!("\x05{document}")) };
    Entry::Intact(value, CasToken::Version(Version(1)))
}

fn node(id: u32) -> Json {
    json!([id, {"Node": {"name": format!("n{id}"), "address": format!("http://n{id}:5122/"),
        "current_generation": [id, 1], "roles": ["worker", "log-server"],
        "metadata_server_config": {"metadata_server_state": "member"}}}])
}

fn nodes_config() -> Json {
    json!({"version": 1, "cluster_name": "demo", "cluster_fingerprint": 7,
        "nodes": [node(1), node(2), [3, "Tombstone"]], "name_lookup": {"n1": 1, "n2": 2}})
}

fn logs(count: u16, nodeset: &[u32]) -> Json {
    let params = json!({"loglet_id": 1, "sequencer": "N1:1", "replication": {"node": 1},
        "nodeset": nodeset});
    let segment = json!({"kind": "replicated", "params": params.to_string(), "index": 0});
    let logs: Vec<_> = (0..count).map(|id| json!([id, {"chain": [[1, segment]]}])).collect();
    json!({"version": 1, "logs": logs, "config": {"default_provider": {"replicated":
        {"replication_property": "{node: 1}", "target_nodeset_size": 0}}}})
}

fn table(count: u16) -> Json {
    let width = u64::MAX / u64::from(count);
    let partition = |id: u16| {
        let start = u64::from(id) * width;
        let end = if id + 1 == count { u64::MAX } else { start + width - 1 };
        json!([id, {"key_range": {"start": start, "end": end}, "log_id": id}])
    };
    let partitions: Vec<_> = (0..count).map(partition).collect();
    json!({"version": 1, "num_partitions": count, "partitions": partitions})
}

fn epoch(replicas: &[u32]) -> Json {
    json!({"version": 1, "epoch": 3, "current": {"version": 1, "replica_set": replicas,
        "replication": "{node: 1}", "modified_at": 1, "context": {}}})
}

fn store(count: u16) -> Snapshot {
    let fixed = [
        (Key::NodesConfig, nodes_config()),
        (Key::Logs, logs(count, &[1, 2])),
        (Key::PartitionTable, table(count)),
        (Key::Schema, json!({"version": 1, "deployments_v2": [], "subscriptions": []})),
    ];
    let epochs = (0..count).map(|id| (Key::PartitionEpoch(id), epoch(&[1, 2])));
    fixed.into_iter().chain(epochs).map(|(key, document)| (key, entry(&document))).collect()
}

/// Returns each finding of a store of four partitions in which one value is another.
fn find_in(key: Key, document: &Json) -> Vec<String> {
    let mut snapshot = store(4);
    snapshot.insert(key, entry(document));
    describe(&snapshot)
}

fn describe(snapshot: &Snapshot) -> Vec<String> {
    let found = check_soundness(snapshot).findings;
    found.iter().map(|finding| format!("{}: {finding}", finding.class.name())).collect()
}

fn edited(mut document: Json, pointer: &str, value: Json) -> Json {
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

#[test]
fn sound_store_has_no_findings() {
    assert_eq!(describe(&store(4)), [""; 0]);
    assert_eq!(describe(&Snapshot::new()), [""; 0]);
}

#[test]
fn each_reference_is_judged() {
    let (one, two) = (Key::PartitionEpoch(1), Key::PartitionEpoch(2));
    let policy = |policy: Json| {
        edited(epoch(&[1]), "/epoch", json!(1))
            .as_object()
            .map(|fields| {
                let mut fields = fields.clone();
                fields.insert("leadership_policy".to_owned(), policy);
                Json::Object(fields)
            })
            .unwrap()
    };
    let schema = json!({"version": 1, "deployments_v2": [], "subscriptions": [["sub_1", {"id": "sub_1",
        "sink": {"Invocation": {"event_invocation_target_template":
            {"Service": {"name": "Counter", "handler": "add"}}}}}]]});
    let found = [
        find_in(Key::Logs, &logs(4, &[1, 3, 9])),
        find_in(Key::Logs, &logs(3, &[1])),
        find_in(
            Key::Logs,
            &edited(
                logs(4, &[1]),
                "/config/default_provider/replicated/replication_property",
                json!("{node: 3}"),
            ),
        ),
        find_in(
            Key::PartitionTable,
            &edited(table(4), "/partitions/2/1/key_range/start", json!(u64::MAX / 2 + 9)),
        ),
        find_in(
            Key::PartitionTable,
            &edited(table(4), "/partitions/3/1/key_range/end", json!(u64::MAX - 9)),
        ),
        find_in(Key::PartitionTable, &table(3)),
        find_in(one.clone(), &epoch(&[1, 3, 9])),
        find_in(one.clone(), &policy(json!({"affinity": {"Node": 3}}))),
        find_in(two, &policy(json!({"freeze": {"reason": "R"}}))),
        find_in(Key::Schema, &schema),
        find_in(Key::Unknown("gone".to_owned()), &json!({"version": 2})),
    ];
    insta::assert_snapshot!(found.concat().join("\n"));
}

#[test]
fn partition_is_lost_only_where_a_frozen_placement_has_no_living_replica() {
    let classes = |replicas: &[u32], is_frozen: bool| {
        let mut document = epoch(replicas);
        if is_frozen {
            document["placement_policy"] = json!({"freeze": {"reason": "R"}});
        }
        let mut snapshot = store(4);
        snapshot.insert(Key::PartitionEpoch(1), entry(&document));
        let found = check_soundness(&snapshot).findings.into_iter();
        found.map(|finding| finding.class.name()).collect::<Vec<_>>()
    };
    let (lost, frozen) = ("placement-lost", "placement-frozen");
    assert_eq!(classes(&[3, 9], false), ["replica-missing"]);
    assert!(classes(&[3, 9], true).contains(&lost));
    assert!(!classes(&[3, 9], true).contains(&"replica-missing"));
    for replicas in [&[1, 9][..], &[]] {
        let found = classes(replicas, true);
        assert!(found.contains(&frozen) && !found.contains(&lost), "{found:?}");
    }
}

#[test]
fn errors_and_warnings_are_counted() {
    let mut snapshot = store(4);
    let gone = Key::Unknown("gone".to_owned());
    snapshot
        .extend([(Key::PartitionTable, entry(&table(3))), (gone, entry(&json!({"version": 2})))]);
    snapshot.remove(&Key::NodesConfig);
    let found = check_soundness(&snapshot);
    let errors = found.findings.iter().filter(|finding| finding.is_error()).count();
    assert!(errors > 0 && errors < found.findings.len(), "{:?}", found.findings);
    assert_eq!((found.errors, found.warnings), (errors, found.findings.len() - errors));
}

#[test]
fn damaged_and_missing_values_are_reported_once() {
    let mut snapshot = store(4);
    snapshot.remove(&Key::Logs);
    snapshot.remove(&Key::PartitionEpoch(2));
    let reason = "has bytes but no pp_epoch_1::version beside them".to_owned();
    let tag = CasToken::Version(Version(0));
    snapshot.insert(Key::PartitionEpoch(1), Entry::Damaged { reason, raw: Vec::new(), tag });
    snapshot.insert(Key::PartitionEpoch(3), entry(&json!({"version": 2})));
    snapshot.insert(Key::RuleBook, entry(&json!({"version": 1, "rules": {}})));
    insta::assert_snapshot!(describe(&snapshot).join("\n"));
}

#[test]
fn many_findings_of_a_class_are_counted() {
    let mut snapshot = store(300);
    for id in 0..300 {
        snapshot.insert(Key::PartitionEpoch(id), entry(&json!({"version": 1, "epoch": "x"})));
    }
    let found = check_soundness(&snapshot);
    assert_eq!((found.errors, found.findings.len()), (300, SHOWN_OF_A_CLASS));
    let last = found.findings.last().unwrap().to_string();
    assert!(last.contains("and 200 other findings of this class"), "{last}");
}

#[test]
fn thousands_of_partitions_are_checked_quickly() {
    let snapshot = store(2_048);
    let start = Instant::now();
    let found = check_soundness(&snapshot);
    let elapsed = start.elapsed();
    assert!(found.findings.is_empty());
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}
