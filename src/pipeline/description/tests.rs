//! A small store described, with what may be a credential hidden.

use prost::bytes::Bytes;
use serde_json::json;

use super::*;
use crate::model::{CasToken, Value, Version};

fn entry(document: &Json) -> Entry {
    let value = Value { version: Version(1), bytes: Bytes::from(format!("\x05{document}")) };
    Entry::Intact(value, CasToken::Version(Version(1)))
}

#[test]
fn store_is_described_without_credentials() {
    let nodes = json!({"nodes": [[2, "Tombstone"], [1, {"Node": {"name": "n1",
        "address": "http://n1:5122/", "current_generation": [1, 4], "roles": ["admin"],
        "metadata_server_config": {"metadata_server_state": "member"}}}]]});
    let params = json!({"sequencer": "N1:4", "replication": {"node": 1}, "nodeset": [1]});
    let logs = json!({"logs": [[0, {"chain": [[1, {"kind": "replicated",
        "params": params.to_string()}]]}]]});
    let epoch = json!({"epoch": 5, "leader_metadata": {"node_id": [1, 4], "partition_id": 0},
        "current": {"replica_set": [1], "replication": "{node: 1}"},
        "leadership_policy": {"freeze": {"reason": "R"}}});
    let schema = json!({"deployments_v2": [{"id": "dp_1", "created_at": 7,
        "ty": {"Http": {"address": "http://a/"}},
        "delivery_options": {"additional_headers": {"authorization": "s3cr3t"}},
        "services": [{"name": "Counter", "ty": "VirtualObject", "revision": 2, "public": true,
            "handlers": [{"name": "add"}]}]}],
        "subscriptions": [["sub_1", {"source": {"Kafka": {"topic": "t"}}, "sink": {},
            "metadata": {"sasl.password": "s3cr3t"}}]]});
    let snapshot = Snapshot::from([
        (Key::NodesConfig, entry(&nodes)),
        (Key::Logs, entry(&logs)),
        (Key::PartitionTable, entry(&json!({"num_partitions": 2}))),
        (Key::PartitionEpoch(0), entry(&epoch)),
        (Key::Schema, entry(&schema)),
        (Key::RuleBook, entry(&json!({"rules": {"a/*": {"limits": {"concurrency": 5}}}}))),
    ]);
    let description = describe_store(&snapshot);
    assert!(description.undescribed.is_empty());
    let described = serde_json::to_string_pretty(&description).unwrap();
    assert!(!described.contains("s3cr3t"), "{described}");
    insta::assert_snapshot!(described);
}

#[test]
fn what_can_not_be_decoded_is_named_and_left_out() {
    let damaged = |bytes: &'static [u8]| {
        let value = Value { version: Version(1), bytes: Bytes::from_static(bytes) };
        Entry::Intact(value, CasToken::Version(Version(1)))
    };
    let snapshot = Snapshot::from([
        (Key::NodesConfig, damaged(b"\x05{")),
        (Key::PartitionTable, entry(&json!({"num_partitions": 1}))),
        (Key::PartitionEpoch(0), damaged(b"\x09")),
    ]);
    let description = describe_store(&snapshot);
    assert!(description.nodes.is_none() && description.rules.is_none());
    assert!(!description.partitions.unwrap().first().unwrap().has_epoch);
    let named: Vec<_> = description.undescribed.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(named, ["nodes_config", "pp_epoch_0"]);
}

#[test]
fn partition_is_described_by_its_table_and_its_epoch() {
    let table = json!({"partitions": [[3, {"key_range": {"start": 1, "end": 9}, "log_id": 4}]]});
    let epoch = json!({"epoch": 5, "next": {"replica_set": [1, 2]},
        "placement_policy": {"freeze": {"reason": "R"}}});
    let node = |location: &str| json!([1, {"Node": {"name": "n1", "location": location}}]);
    for (location, shown) in [("", None), ("zone", Some("zone"))] {
        let described = describe_store(&Snapshot::from([
            (Key::NodesConfig, entry(&json!({"nodes": [node(location)]}))),
            (Key::PartitionTable, entry(&table)),
            (Key::PartitionEpoch(3), entry(&epoch)),
        ]));
        assert_eq!(described.nodes.unwrap()[0].location.as_deref(), shown);
        let partition = &described.partitions.unwrap()[0];
        assert_eq!((partition.start, partition.end, partition.log), (Some(1), Some(9), Some(4)));
        assert_eq!(partition.next_replicas, [1, 2]);
        assert_eq!(partition.frozen_placement.as_deref(), Some("R"));
        assert_eq!(partition.frozen_leadership, None);
    }
}
