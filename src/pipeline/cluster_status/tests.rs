//! Judgements of whole clusters; `nodes` has those of single nodes.

mod nodes;

use std::collections::BTreeSet;
use std::time::Duration;

use prost::bytes::Bytes;

use super::*;
use crate::codec::{self, Node};
use crate::model::{
    CasToken, Entry, MemberCount, NodeIdent, NodeReport, NodeState, PartitionProcessor,
    PartitionsReport, ProcessorMode, Value, Version,
};
use crate::outcome::{StoreAnswer, StoreName};

const NORMAL: &[&str] = &["admin", "worker", "log-server"];
const MIGRATION: &[&str] = &["admin"];

/// Returns a stored `nodes_config` with these generations of nodes 1 and up.
fn stored(version: u32, generations: &[u32]) -> Entry {
    let nodes = generations.iter().zip(1..).map(|(generation, id)| {
        serde_json::json!([id, {"Node": {"name": format!("n{id}"), "address": format!("http://n{id}:1"),
            "roles": ["admin"], "current_generation": [id, generation],
            "worker_config": {"worker_state": "active"}}}])
    });
    let document = serde_json::json!({"version": version, "cluster_name": "demo", "cluster_fingerprint": 7,
        "nodes": nodes.collect::<Vec<_>>()});
    let bytes = Bytes::from(format!("\x05{document}"));
    let value = Value { version: Version(version), bytes };
    Entry::Intact(value, CasToken::Version(Version(version)))
}

fn nodes_in(entry: &Entry) -> codec::NodesConfiguration {
    codec::nodes_in(entry.value().unwrap()).unwrap()
}

fn facts(node: &Node, generation: u32, roles: &[&str], own_store: StoreReading) -> NodeFacts {
    let ident = NodeIdent {
        id: Some(node.id),
        is_alive: true,
        cluster_name: "demo".to_owned(),
        roles: roles.iter().map(ToString::to_string).collect(),
    };
    let state = crate::pipeline::checks::judge_response(node, "demo", Ok(ident.clone()));
    let report = NodeReport {
        ident,
        generation: Some(generation),
        uptime: Duration::from_secs(5),
        metadata_server: None,
        nodes_config_version: 1,
        own_store,
    };
    NodeFacts { node: node.clone(), state, report: Some(report) }
}

fn silent(node: &Node) -> NodeFacts {
    let state = NodeState::NoResponse("connection refused".to_owned());
    NodeFacts { node: node.clone(), state, report: None }
}

/// Returns two nodes of generation 3 in these roles, each leading one of two partitions.
fn cluster(roles: &[&str]) -> ClusterFacts {
    let known = nodes_in(&stored(4, &[3, 3]));
    let nodes = known.nodes.iter().map(|node| facts(node, 3, roles, StoreReading::NotAsked));
    let processors = [(0, 1), (1, 2)].map(|(partition, id)| PartitionProcessor {
        partition,
        node: (id, 3),
        mode: ProcessorMode::ActiveLeader,
    });
    ClusterFacts {
        nodes: nodes.collect(),
        ignored: Vec::new(),
        quorum: Quorum::Held(MemberCount::default()),
        partitions: Ok(PartitionsReport { ids: vec![0, 1], processors: processors.to_vec() }),
        frozen: BTreeSet::new(),
        on: None,
    }
}

fn reasons(facts: &ClusterFacts, condition: Condition) -> Vec<String> {
    judge_cluster(facts, condition).reasons
}

#[test]
fn healthy_cluster_holds_what_fits_its_mode() {
    let (running, migration) = (cluster(NORMAL), cluster(MIGRATION));
    for (facts, condition, holds) in [
        (&running, Condition::Working, true),
        (&running, Condition::Running, true),
        (&running, Condition::MigrationMode, false),
        (&migration, Condition::Working, true),
        (&migration, Condition::Running, false),
        (&migration, Condition::MigrationMode, true),
    ] {
        let reasons = reasons(facts, condition);
        assert_eq!(reasons.is_empty(), holds, "{condition:?}: {reasons:?}");
    }
    assert_eq!(judge_cluster(&migration, Condition::Working).partitions, None);
}

#[test]
fn leader_that_was_started_again_or_is_gone_does_not_count() {
    let mut restarted = cluster(NORMAL);
    let node = Node { generation: 4, ..restarted.nodes[1].node.clone() };
    restarted.nodes[1] = facts(&node, 4, NORMAL, StoreReading::NotAsked);
    assert_eq!(reasons(&restarted, Condition::Running), ["1 partition has no active leader: 1"]);

    let mut gone = cluster(NORMAL);
    gone.nodes[1] = silent(&gone.nodes[1].node.clone());
    let expected = [
        "N2 (n2, http://n2:1) does not respond: connection refused",
        "1 partition has no active leader: 1",
    ];
    assert_eq!(reasons(&gone, Condition::Running), expected);
    gone.ignored = vec![2];
    assert_eq!(reasons(&gone, Condition::Running), expected[1..]);
    // Frozen ones are listed, and not waited for.
    gone.frozen = BTreeSet::from([1]);
    let judged = judge_cluster(&gone, Condition::Running);
    assert_eq!((judged.reasons, judged.partitions.unwrap().frozen), (vec![], vec![1]));

    let mut ignored = cluster(NORMAL);
    ignored.ignored = vec![2];
    let text = &reasons(&ignored, Condition::Working)[0];
    assert!(text.ends_with("responds, so it cannot be skipped with --ignore-node"), "{text}");
}

#[test]
fn node_of_another_generation_or_mode_is_a_reason() {
    for (generation, words) in [(2, "was started a second time"), (4, "runs on another store")] {
        let mut other = cluster(NORMAL);
        other.nodes[0] =
            facts(&other.nodes[0].node.clone(), generation, NORMAL, StoreReading::NotAsked);
        let text = reasons(&other, Condition::Running).remove(0);
        assert!(text.contains(words), "{text}");
    }
    let mut mixed = cluster(NORMAL);
    mixed.nodes[0] = facts(&mixed.nodes[0].node.clone(), 3, MIGRATION, StoreReading::NotAsked);
    for condition in [Condition::Working, Condition::Running] {
        assert!(reasons(&mixed, condition)[0].contains("runs in migration mode"));
    }
    // A node that never served may have no other roles.
    mixed.nodes[0].node.has_served = false;
    assert_eq!(reasons(&mixed, Condition::Running), [""; 0]);
    assert_eq!(judge_cluster(&mixed, Condition::Running).nodes[0].mode, None);
}

#[test]
fn partitions_that_are_not_known_are_a_reason() {
    let mut unknown = cluster(NORMAL);
    unknown.partitions = Err("no node is an admin node".to_owned());
    let expected = "the partitions are not known: no node is an admin node";
    assert_eq!(reasons(&unknown, Condition::Working), [expected]);
    unknown.partitions = Ok(PartitionsReport { ids: Vec::new(), processors: Vec::new() });
    let expected = "the partition table has no partitions";
    assert_eq!(reasons(&unknown, Condition::Working), [expected]);
}

#[test]
fn store_without_a_quorum_or_that_a_node_cannot_read_is_a_reason() {
    let judged = |quorum: Quorum, condition| {
        let facts = ClusterFacts { quorum, ..cluster(NORMAL) };
        judge_cluster(&facts, condition)
    };
    let count = MemberCount::default;
    for (quorum, words) in [
        (Quorum::Held(count()), None),
        (Quorum::Lost(count()), Some("has no quorum")),
        (Quorum::NoLeader(count()), Some("has no quorum")),
        (Quorum::Unknown, Some("only one node was asked")),
        (Quorum::NoMetadataServers, None),
    ] {
        let result = judged(quorum.clone(), Condition::Working);
        assert_eq!(result.reasons.is_empty(), words.is_none(), "{quorum:?}");
        assert!(words.is_none_or(|words| result.reasons[0].contains(words)), "{quorum:?}");
        assert_eq!(result.quorum.as_ref(), quorum.members());
        assert_eq!(result.is_external, quorum == Quorum::NoMetadataServers);
        // A list of nodes does not ask for it.
        assert!(judged(quorum, Condition::Responding).reasons.is_empty());
    }
    let mut external = ClusterFacts { quorum: Quorum::NoMetadataServers, ..cluster(NORMAL) };
    for (reading, words) in [
        (
            StoreReading::Failed("denied".to_owned()),
            "N1 (n1, http://n1:1) cannot read its metadata store: denied",
        ),
        (StoreReading::Read(None), "N1 (n1, http://n1:1): its metadata store has no nodes_config"),
    ] {
        external.nodes[0] = facts(&external.nodes[0].node.clone(), 3, NORMAL, reading);
        assert_eq!(reasons(&external, Condition::Working), [words]);
    }
}

#[test]
fn lost_quorum_is_no_reason_on_an_external_store() {
    let store = StoreName { kind: "etcd".to_owned(), name: "etcd a:1".to_owned(), stopped: None };
    let on = Some(StoreVerdict { store, answer: StoreAnswer::Yes, reason: None });
    let facts =
        ClusterFacts { on, quorum: Quorum::Lost(MemberCount::default()), ..cluster(NORMAL) };
    let result = judge_cluster(&facts, Condition::Running);
    assert!(result.reasons.is_empty() && result.on.is_some(), "{:?}", result.reasons);
}

/// Judges two nodes of these generations, each of which reads `own`, against `entry`.
fn judge(roles: &[&str], own: &Entry, entry: Option<Entry>) -> (StoreAnswer, String) {
    let known = nodes_in(own);
    let read = || StoreReading::Read(Some(own.clone()));
    let facts: Vec<_> =
        known.nodes.iter().map(|node| facts(node, node.generation, roles, read())).collect();
    let nodes = entry.as_ref().and_then(|entry| codec::nodes_in(entry.value()?));
    let refs: Vec<_> = facts.iter().collect();
    let (answer, reason) = judge_store_use(&refs, &known, &StoredNodes { entry, nodes });
    (answer, reason.unwrap_or_default())
}

#[test]
fn only_a_store_that_all_nodes_have_started_on_is_theirs() {
    let own = stored(6, &[4, 4]);
    assert_eq!(judge(NORMAL, &own, Some(own.clone())).0, StoreAnswer::Yes);
    // A copy from before the restart.
    let (answer, reason) = judge(NORMAL, &own, Some(stored(4, &[3, 4])));
    assert_eq!(answer, StoreAnswer::No);
    assert_eq!(reason, "N1 (n1, http://n1:1) runs with generation 4, and it has 3");
    assert_eq!(judge(NORMAL, &own, None).0, StoreAnswer::No);
    // In migration mode, both have the same after a copy.
    assert_eq!(judge(MIGRATION, &own, Some(own.clone())).0, StoreAnswer::CannotTell);
    assert_eq!(judge(MIGRATION, &own, None).0, StoreAnswer::CannotTell);
    // Other content, or a later generation.
    for other in [stored(7, &[4, 4]), stored(7, &[5, 4])] {
        assert_eq!(judge(NORMAL, &own, Some(other)).0, StoreAnswer::CannotTell);
    }
    let mut foreign = cluster(NORMAL);
    let (answer, reason) = (StoreAnswer::No, Some("it has no nodes_config".to_owned()));
    let store = StoreName { kind: "etcd".to_owned(), name: "etcd a:1".to_owned(), stopped: None };
    foreign.on = Some(StoreVerdict { store, answer, reason });
    let expected = "the cluster does not run on etcd a:1: it has no nodes_config";
    assert_eq!(reasons(&foreign, Condition::Working), [expected]);
}
