//! Descriptions of large and small stores as tables.

use serde_json::json;

use super::part_table::MOST_COLUMNS;
use super::*;
use crate::outcome::{
    DescribedDeployment, DescribedLog, DescribedNode, DescribedPartition, DescribedRule,
    DescribedSegment, DescribedService, DescribedSubscription, Description, StoreName,
};

fn node(id: u64) -> DescribedNode {
    let roles = ["http-ingress", "admin", "worker", "log-server", "metadata-server"];
    DescribedNode {
        id,
        state: "present",
        generation: Some(id + 3),
        name: Some(format!("restate-{id}")),
        roles: roles.map(ToOwned::to_owned).into(),
        address: Some(format!("http://restate-{id}.restate.svc.cluster.local:5122/")),
        metadata_server: Some("member".to_owned()),
        ..DescribedNode::default()
    }
}

fn partition(id: u64) -> DescribedPartition {
    DescribedPartition {
        id,
        start: Some(id << 53),
        end: Some((id << 53) + 9),
        has_epoch: true,
        leader_epoch: Some(7 + id % 5),
        leader: Some(format!("N{}:4", id % 3 + 1)),
        replicas: vec![1, 2, 3],
        replication: Some("{node: 2}".to_owned()),
        frozen_leadership: (id == 9).then(|| "rebuilding the disk of N1".to_owned()),
        ..DescribedPartition::default()
    }
}

fn log(id: u64) -> DescribedLog {
    let segment = DescribedSegment {
        base_lsn: Some(1),
        kind: "replicated".to_owned(),
        sequencer: Some("N1:4".to_owned()),
        replication: Some("{node: 2}".to_owned()),
        nodeset: vec![1, 2, 3],
    };
    let count = usize::try_from(id % 3).unwrap() + 1;
    DescribedLog { id, segments: vec![segment; count] }
}

fn result(count: u64, part: Option<DescriptionPart>) -> DescriptionResult {
    let removed = DescribedNode { id: 4, state: "removed", ..DescribedNode::default() };
    let service = DescribedService {
        name: "Counter".to_owned(),
        kind: Some("VirtualObject".to_owned()),
        revision: Some(2),
        public: Some(false),
        handlers: vec!["add".to_owned(), "get".to_owned()],
    };
    let deployment = DescribedDeployment {
        id: "dp_159t2WMYWKPl2uryduCNBS1".to_owned(),
        endpoint: Some("http://counter.default.svc:9080/".to_owned()),
        headers: [("authorization".to_owned(), json!({"hidden": "12"}))].into(),
        services: vec![service; 2],
        ..DescribedDeployment::default()
    };
    let subscription = DescribedSubscription {
        id: "sub_1".to_owned(),
        source: json!({"Kafka": {"cluster": "k", "topic": "t"}}),
        sink: json!({"Invocation": {}}),
        options: json!({"sasl.password": {"hidden": "12"}}),
    };
    let rule = DescribedRule {
        pattern: "scope/*".to_owned(),
        concurrency: Some(5),
        ..DescribedRule::default()
    };
    DescriptionResult {
        store: StoreName { kind: "etcd".to_owned(), name: "etcd a:2379".to_owned(), stopped: None },
        cluster: Some(("demo".to_owned(), Some(17_340_683_708_366_400_686))),
        description: Description {
            nodes: Some([1, 2, 3].map(node).into_iter().chain([removed]).collect()),
            partitions: Some((0..count).map(partition).collect()),
            logs: Some((0..count).map(log).collect()),
            deployments: Some(vec![deployment; 22]),
            subscriptions: Some(vec![subscription]),
            rules: Some(vec![rule]),
            undescribed: Vec::new(),
        },
        shows_every_row: part.is_some(),
        part,
        warnings: Vec::new(),
    }
}

fn rendered(result: &DescriptionResult) -> String {
    String::from_utf8(render_description(result, Style::PLAIN).out).unwrap()
}

#[test]
fn thousands_of_partitions_fit_a_screen_and_its_columns() {
    let text = rendered(&result(2_048, None));
    assert!(text.lines().all(|line| line.chars().count() <= MOST_COLUMNS), "{text}");
    assert!(text.lines().count() < 120, "{}", text.lines().count());
    insta::assert_snapshot!(text);
}

#[test]
fn part_is_shown_row_by_row() {
    let parts = [DescriptionPart::Partitions, DescriptionPart::Logs, DescriptionPart::Deployments];
    let texts = parts.map(|part| {
        let text = rendered(&result(2_048, Some(part)));
        assert!(text.lines().all(|line| line.chars().count() <= MOST_COLUMNS), "{text}");
        let first: Vec<_> = text.lines().take(6).collect();
        format!("{}\n({} lines)", first.join("\n"), text.lines().count())
    });
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn absent_values_are_said_to_be_absent() {
    let empty =
        DescriptionResult { cluster: None, description: Description::default(), ..result(0, None) };
    insta::assert_snapshot!(rendered(&empty));
}
