//! What each check says, and what the failed ones mean together.

use prost::bytes::Bytes;

use super::*;
use crate::codec::{Node, NodesConfiguration};
use crate::model::{
    CasToken, Entry, Key, MemberCount, NodeState, ObservedNode, Quorum, Snapshot, StoreError,
    Value, Version,
};
use crate::outcome::{CheckStatus, Code, Finding};
use crate::pipeline::plan::{OnExisting, decide_plan};
use crate::pipeline::soundness::check_soundness;

fn node(id: u32, roles: &[&str], binary_version: &str) -> Node {
    Node {
        id,
        name: format!("node-{id}"),
        address: format!("http://n{id}:5122/"),
        roles: roles.iter().map(ToString::to_string).collect(),
        binary_version: Some(binary_version.to_owned()),
        generation: 1,
        ..Node::default()
    }
}

fn nodes(nodes: Vec<Node>) -> NodesConfiguration {
    NodesConfiguration { version: 4, cluster_name: "demo".into(), fingerprint: Some(7), nodes }
}

fn entry(version: u32, bytes: &'static [u8]) -> Entry {
    let value = Value { version: Version(version), bytes: Bytes::from_static(bytes) };
    Entry::Intact(value, CasToken::Version(Version(version)))
}

fn line(finding: &Finding) -> String {
    format!("{} {} {}", finding.check.name(), finding.status.name(), finding.text())
}

#[test]
fn versions_up_to_the_tested_one_pass() {
    let with_version = |version| nodes(vec![node(1, &[], "1.6.2"), node(2, &[], version)]);
    insta::assert_snapshot!(
        [
            check_server_version(&with_version("1.7.12"), None),
            check_server_version(&with_version("1.7.99-rc.1"), None),
            check_server_version(&with_version("1.8.0"), None),
            check_server_version(&with_version("1.8.0"), Some((1, 8))),
            check_server_version(&with_version("2.0.0"), Some((1, 8))),
            check_server_version(&nodes(vec![]), None),
        ]
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
    );
}

#[test]
fn source_without_nodes_or_partitions_is_no_restate_store() {
    let epoch = (Key::PartitionEpoch(0), entry(1, b"x"));
    let (nodes_config, table) =
        ((Key::NodesConfig, entry(1, b"n")), (Key::PartitionTable, entry(1, b"t")));
    for (held, lacks) in [
        (vec![&epoch], Some("it has no nodes_config and no partition_table")),
        (vec![&epoch, &nodes_config], Some("it has no partition_table")),
        (vec![&epoch, &table], Some("it has no nodes_config")),
        (vec![&nodes_config, &table], None),
    ] {
        let held: Snapshot = held.into_iter().cloned().collect();
        for is_cluster in [true, false] {
            let finding = check_source(Ok(&held), None, is_cluster);
            assert_eq!(finding.code, lacks.map(|_| Code::NotARestateStore));
            assert!(finding.detail.ends_with(lacks.unwrap_or("2 keys, 2 B")), "{}", finding.detail);
        }
    }
    let error = StoreError::Unavailable { store: "etcd a:1".into(), reason: "refused".into() };
    assert_eq!(check_source(Err(&error), None, true).code, Some(Code::SourceUnavailable));
}

#[test]
fn nodes_and_partitions_have_to_be_decoded_whatever_is_permitted() {
    for (key, is_permitted) in
        [(Key::Schema, true), (Key::NodesConfig, false), (Key::PartitionTable, false)]
    {
        let snapshot = Snapshot::from([(key.clone(), entry(1, b"\x63odd"))]);
        let soundness = check_soundness(&snapshot);
        let check = |undecoded: &[Key]| check_values(&snapshot, &soundness, undecoded);
        assert_eq!(
            check(std::slice::from_ref(&key)).code,
            (!is_permitted).then_some(Code::ValueCorrupt)
        );
        let hint = format!("if a newer server wrote {key}, copy it with --allow-undecoded {key}");
        assert_eq!(check(&[]).hints.contains(&hint), is_permitted);
    }
    // What decodes may lack what they have to name.
    for (key, document, expected) in [
        (Key::NodesConfig, &b"\x05{\"version\":1}"[..], Some(Code::ValueCorrupt)),
        (Key::PartitionTable, b"\x05{\"version\":1,\"partitions\":7}", Some(Code::ValueCorrupt)),
        (Key::Schema, b"\x05{\"version\":1}", None),
        (Key::NodesConfig, b"\x05{\"version\":1,\"cluster_name\":\"d\",\"nodes\":[]}", None),
    ] {
        let snapshot = Snapshot::from([(key.clone(), entry(1, document))]);
        let finding = check_values(&snapshot, &check_soundness(&snapshot), &[]);
        assert_eq!(finding.code, expected, "{key}: {}", finding.text());
    }
}

#[test]
fn damaged_values_are_refused_by_name() {
    let tag = CasToken::Version(Version(1));
    let damaged = Entry::Damaged { reason: "has no bytes".into(), raw: Vec::new(), tag };
    let snapshot = Snapshot::from([
        (Key::Logs, entry(1, b"\x05{\"version\":1}")),
        (Key::Schema, entry(1, b"\x05{\"version\":2}")),
        (Key::RuleBook, damaged),
        (Key::PartitionEpoch(0), entry(1, &[8, 2])),
    ]);
    let refused = check_values(&snapshot, &check_soundness(&snapshot), &[]);
    assert_eq!(refused.code, Some(Code::ValueCorrupt));
    insta::assert_snapshot!(line(&refused));
    let only_unseen = Snapshot::from([(Key::PartitionEpoch(0), entry(1, &[8, 2]))]);
    assert_eq!(
        check_values(&only_unseen, &check_soundness(&only_unseen), &[Key::PartitionEpoch(0)])
            .status,
        CheckStatus::Warning
    );
    // A codec that the servers know, and do not read there.
    let foreign = Snapshot::from([(Key::RuleBook, entry(1, b"\x05{\"version\":1,\"rules\":{}}"))]);
    let refused = check_values(&foreign, &check_soundness(&foreign), &[Key::RuleBook]);
    assert_eq!(refused.code, Some(Code::ValueCorrupt));
    assert_eq!(
        refused.items,
        ["rule_book is encoded as json, but servers read this key as bilrost only"]
    );
}

#[test]
fn existing_keys_are_all_listed_with_how_they_compare() {
    let epoch = Key::PartitionEpoch;
    let source = Snapshot::from([
        (Key::NodesConfig, entry(4, b"n")),
        (epoch(0), entry(2, b"a")),
        (epoch(1), entry(2, b"a")),
        (epoch(2), entry(2, b"a")),
        (epoch(3), entry(2, b"a")),
    ]);
    let target = Snapshot::from([
        (epoch(0), entry(2, b"a")),
        (epoch(1), entry(2, b"b")),
        (epoch(2), entry(1, b"a")),
        (epoch(3), entry(3, b"a")),
        (Key::RuleBook, entry(9, b"r")),
    ]);
    let finding = check_target_keys(&decide_plan(&source, &target, OnExisting::Refuse), false);
    assert_eq!(finding.code, Some(Code::TargetKeysExist));
    assert!(finding.hints[0].contains("--force"));
    insta::assert_snapshot!(line(&finding));

    let many: Snapshot = (0..6).map(|number| (epoch(number), entry(2, b"a"))).collect();
    let finding = check_target_keys(&decide_plan(&many, &many, OnExisting::Refuse), false);
    let told = "pp_epoch_0 … pp_epoch_5, 6 keys: each is identical";
    assert_eq!(finding.items, [told]);

    let partly = Snapshot::from([(epoch(0), entry(2, b"a"))]);
    let finding = check_target_keys(&decide_plan(&source, &partly, OnExisting::Refuse), false);
    assert!(finding.hints[0].contains("--resume"));
    let finding = check_target_keys(&decide_plan(&source, &partly, OnExisting::Resume), false);
    assert_eq!(finding.status, CheckStatus::Ok);

    // In migration mode, a copy of the store has the same nodes_config as the store.
    let of_nodes = |roles: &str| {
        let node = format!(
            "[[1,{{\"Node\":{{\"name\":\"n1\",\"current_generation\":[1,2],\"address\":\"http://n1:1/\",\
             \"roles\":[{roles}]}}}}]]"
        );
        let text = format!("\x05{{\"version\":4,\"cluster_name\":\"d\",\"nodes\":{node}}}");
        let value = Value { version: Version(4), bytes: text.into() };
        (Key::NodesConfig, Entry::Intact(value, CasToken::Version(Version(4))))
    };
    for (roles, moved_on, runs_there) in [
        ("\"worker\"", true, true),
        ("\"worker\"", false, true),
        ("\"admin\"", true, false),
        ("\"admin\"", false, true),
    ] {
        let ours = Snapshot::from([of_nodes(roles), (epoch(0), entry(2, b"a"))]);
        let version = if moved_on { 1 } else { 2 };
        let theirs = Snapshot::from([of_nodes(roles), (epoch(0), entry(version, b"a"))]);
        assert_eq!(
            describe_source_on_target(&ours, &theirs).is_some(),
            runs_there,
            "{roles} {moved_on}"
        );
    }
    let itself = refuse_store_in_use("it runs there");
    assert_eq!(itself.code, Some(Code::SameStore));
}

#[test]
fn the_first_code_and_the_gravest_exit() {
    let unreachable =
        StoreError::Unavailable { store: "etcd a:1".into(), reason: "refused".into() };
    let node = ObservedNode {
        id: 1,
        name: "n1".into(),
        address: "http://n1:5122/".into(),
        state: NodeState::NormalRoles(vec!["worker".into()]),
    };
    let findings = [
        check_migration_mode(&[node], &[], false),
        check_quorum(&Quorum::Held(MemberCount::default())),
        check_target("etcd a:1", Err(&unreachable), "check its credentials"),
    ];
    let failure = refusal(&findings).unwrap();
    assert_eq!((failure.code, failure.exit), (Code::NotInMigrationMode, 6));
    assert!(failure.message.contains("2 checks") && failure.hints.len() == 2, "{failure:?}");
    assert!(refusal(&findings[1..2]).is_none());
}

#[test]
fn store_larger_than_one_message_is_warned_of_in_a_rollback() {
    let epoch = |number: u16, size: usize| {
        let value = Value { version: Version(1), bytes: Bytes::from(vec![2; size]) };
        (Key::PartitionEpoch(number), Entry::Intact(value, CasToken::Version(Version(1))))
    };
    let check = |size: usize, is_live: bool| {
        let desired = Snapshot::from([epoch(0, size), epoch(1, size)]);
        check_limits(&Ok(Vec::new()), &desired, is_live.then_some(32 << 20))
    };
    assert_eq!(check(16 << 20, true).status, CheckStatus::Ok);
    assert_eq!(check((16 << 20) + 1, false).status, CheckStatus::Ok);
    let warning = check((16 << 20) + 1, true);
    assert_eq!((warning.status, warning.code), (CheckStatus::Warning, None));
    assert!(warning.detail.contains("message-size-limit"), "{}", warning.detail);
}
