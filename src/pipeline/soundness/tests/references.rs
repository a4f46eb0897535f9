//! References between values: which of them are broken, and which an edit breaks.

use super::*;

/// Returns `bifrost_config` with one log, whose segments are on these nodes.
fn log_of_segments(nodesets: &[&[u32]]) -> Json {
    let one = logs(1, &[]);
    let segments = nodesets.iter().zip(1..).map(|(nodeset, start)| {
        let mut segment = one["logs"][0][1]["chain"][0][1].clone();
        segment["params"] = json!({"loglet_id": start, "nodeset": nodeset}).to_string().into();
        json!([start, segment])
    });
    let chain: Vec<_> = segments.collect();
    edited(one, "/logs/0/1/chain", json!(chain))
}

/// Returns the errors between `nodes_config`, whose node 3 is removed, and `bifrost_config`.
fn find_errors_of_logs(logs: Json) -> Vec<String> {
    let mut documents = Documents::default();
    documents.add(&Key::NodesConfig, nodes_config().into());
    documents.add(&Key::Logs, logs.into());
    let found = super::super::references::find_broken_references(&documents);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn each_key_is_checked_beside_those_that_it_refers_to() {
    assert_eq!(referenced_keys(&Key::NodesConfig), [Key::Logs]);
    assert_eq!(referenced_keys(&Key::Logs), [Key::NodesConfig, Key::PartitionTable]);
    assert_eq!(referenced_keys(&Key::PartitionTable), [Key::Logs]);
    for key in [Key::Schema, Key::RuleBook, Key::PartitionEpoch(0)] {
        assert_eq!(referenced_keys(&key), [], "{key}");
    }
}

#[test]
fn only_the_last_segment_needs_a_living_node() {
    let sound: [&[&[u32]]; 3] = [&[&[3], &[1]], &[&[3], &[3], &[3, 2]], &[&[1], &[]]];
    for nodesets in sound {
        assert_eq!(find_errors_of_logs(log_of_segments(nodesets)), [""; 0], "{nodesets:?}");
    }
    assert_eq!(
        find_errors_of_logs(log_of_segments(&[&[1], &[2], &[3]])),
        ["bifrost_config /logs/0/1/chain/2/1/params names only removed nodes: N3"]
    );
    assert_eq!(
        find_errors_of_logs(log_of_segments(&[&[1, 9], &[2]])),
        ["bifrost_config /logs/0/1/chain/0/1/params names N9, which nodes_config does not have"]
    );
}

#[test]
fn replication_may_need_every_living_node_and_no_more() {
    let path = "/config/default_provider/replicated/replication_property";
    let find = |copies: u32| {
        find_errors_of_logs(edited(logs(1, &[1]), path, json!(format!("{{node: {copies}}}"))))
    };
    assert_eq!(find(2), [""; 0]);
    assert!(find(3)[0].ends_with("requires 3 nodes, and nodes_config has 2"), "{:?}", find(3));
}

#[test]
fn partition_without_a_named_log_needs_its_own_once_it_was_led() {
    let find = |logs_made: u16, leader: Json| {
        let mut partitions = table(2);
        partitions["partitions"][1][1].as_object_mut().unwrap().shift_remove("log_id");
        let mut led = epoch(&[1]);
        led["leader_metadata"] = leader;
        let mut snapshot = store(2);
        snapshot.extend([
            (Key::PartitionTable, entry(&partitions)),
            (Key::Logs, entry(&logs(logs_made, &[1]))),
            (Key::PartitionEpoch(1), entry(&led)),
        ]);
        let found = check_soundness(&snapshot).findings;
        let missing = found.into_iter().filter(|one| one.class == FindingClass::LogMissing);
        missing.map(|finding| finding.to_string()).collect::<Vec<_>>()
    };
    let leader = json!({"node_id": [1, 1]});
    assert_eq!(find(2, leader.clone()), [""; 0]);
    assert_eq!(find(1, Json::Null), [""; 0]);
    assert_eq!(
        find(1, leader),
        [
            "partition_table /partitions/1 was led, and its log is 1, which bifrost_config does not have"
        ]
    );
}

#[test]
fn subscription_needs_the_handler_of_a_deployment() {
    let find = |service: &str, handler: &str| {
        let sink = json!({"Invocation": {"event_invocation_target_template":
            {"Service": {"name": service, "handler": handler}}}});
        let services = json!([{"name": "Counter", "handlers": [{"name": "add"}, {"name": "reset"}]},
            {"name": "Mailer", "handlers": [{"name": "send"}]}]);
        let schema = json!({"version": 1, "deployments_v2": [{"id": "dp_1", "services": services}],
            "subscriptions": [["sub_1", {"id": "sub_1", "sink": sink}]]});
        let found = find_in(Key::Schema, &schema).into_iter();
        found.filter(|finding| finding.starts_with("subscription-stray")).collect::<Vec<_>>()
    };
    for (service, handler) in [("Counter", "add"), ("Counter", "reset"), ("Mailer", "send")] {
        assert_eq!(find(service, handler), [""; 0]);
    }
    for (service, handler) in [("Counter", "send"), ("Mailer", "add"), ("Gone", "add")] {
        let found = find(service, handler);
        assert!(found[0].contains(&format!("names {service}/{handler}")), "{found:?}");
    }
}

#[test]
fn malformed_key_range_leaves_no_gaps_to_tell() {
    let malformed = edited(table(4), "/partitions/2/1/key_range/end", json!(9));
    let found = find_in(Key::PartitionTable, &malformed);
    assert!(!found.is_empty(), "the value itself is malformed");
    assert!(!found.iter().any(|finding| finding.starts_with("key-range-gap")), "{found:?}");
}

#[test]
fn only_errors_that_were_not_there_before_count_as_added() {
    let documents = |logs: Json| {
        let mut documents = Documents::default();
        documents.add(&Key::NodesConfig, nodes_config().into());
        documents.add(&Key::Logs, logs.into());
        documents
    };
    let added = |before: Json, after: Json| {
        find_added_reference_errors(&documents(before), &documents(after)).len()
    };
    assert_eq!(added(logs(2, &[1]), logs(2, &[1, 9])), 2);
    assert_eq!(added(logs(2, &[9]), logs(1, &[9])), 0);
    assert_eq!(added(logs(2, &[1, 9]), logs(2, &[9, 8])), 2);
    assert_eq!(added(logs(1, &[9]), logs(3, &[9])), 2, "two more of the same");
}

#[test]
fn frozen_placement_on_absent_nodes_counts_as_added() {
    let documents = |replicas: &[u32]| {
        let epoch = json!({"current": {"replica_set": replicas},
            "placement_policy": {"freeze": {"reason": "R"}}});
        let mut documents = Documents::default();
        documents.add(&Key::NodesConfig, nodes_config().into());
        documents.add(&Key::PartitionEpoch(0), epoch.into());
        documents
    };
    let added = |before: &[u32], after: &[u32]| {
        find_added_reference_errors(&documents(before), &documents(after)).len()
    };
    // Node 3 is removed, and there never was a node 9.
    assert_eq!(added(&[1], &[9, 3]), 1);
    assert_eq!(added(&[1], &[9, 1]), 0);
    assert_eq!(added(&[9], &[3]), 0, "it was so before");
}
