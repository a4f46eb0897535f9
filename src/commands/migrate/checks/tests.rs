//! The checks over sides and observations that no server has to supply.

use clap::Parser;
use prost::bytes::Bytes;

use super::*;
use crate::commands::migrate::sides::SourceState;
use crate::model::{
    Action, CasToken, Entry, MemberCount, NodeState, ObservedNode, Quorum, StoreError,
    UnlistedKeys, Value, Version,
};
use crate::outcome::{CheckStatus, Code};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: MigrateArgs,
}

fn args(words: &[&str]) -> MigrateArgs {
    let line = [&["migrate", "--toml", "t"], words].concat();
    Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).args
}

fn entry(version: u32, document: &str) -> Entry {
    let bytes = Bytes::from(format!("\x05{document}"));
    let version = Version(version);
    Entry::Intact(Value { version, bytes }, CasToken::Version(version))
}

fn nodes_config(version: u32, roles: &str) -> (Key, Entry) {
    let document = format!(
        r#"{{"version":{version},"cluster_name":"demo","cluster_fingerprint":7,"nodes":[[1,{{"Node":
        {{"name":"n1","current_generation":[1,1],"address":"http://n1:1","roles":[{roles}],
        "metadata_server_config":{{"metadata_server_state":"member"}}}}}}]],
        "name_lookup":{{"n1":1}}}}"#
    );
    (Key::NodesConfig, entry(version, &document))
}

fn source() -> Snapshot {
    let table = r#"{"version":1,"num_partitions":1}"#;
    let logs = r#"{"version":1,"logs":[],"config":{"default_provider":"local"}}"#;
    Snapshot::from([
        nodes_config(3, r#""admin""#),
        (Key::Logs, entry(1, logs)),
        (Key::PartitionTable, entry(1, table)),
        (Key::PartitionEpoch(0), entry(2, r#"{"version":2}"#)),
    ])
}

fn sides(target: Snapshot) -> Sides {
    let source = SourceState {
        kind: SourceKind::LiveCluster,
        quorum: Some(Quorum::Held(MemberCount::default())),
        snapshot: Ok(Arc::new(source())),
        missing_keys: None,
        stopped: None,
        data_loss: None,
        uses_other_store: false,
    };
    let target = TargetState {
        name: "etcd a:1".to_owned(),
        snapshot: Ok(target),
        is_listed: true,
        unlisted: UnlistedKeys::default(),
        quorum: None,
        uses_replicated_store: None,
        access_hint: "check its credentials",
        write_probe: Ok(()),
        untried_writes: None,
        endpoint_faults: Vec::new(),
        is_source: Ok(false),
        snapshot_limit: None,
    };
    Sides { source, target }
}

fn observed() -> Observations {
    Observations { limit_violations: Some(Ok(Vec::new())), ..Observations::default() }
}

fn assess(sides: &Sides, args: &MigrateArgs) -> Assessment {
    assess_with(sides, &NodeObservations::default(), args)
}

/// Makes all checks, as a run does.
fn assess_with(sides: &Sides, nodes: &NodeObservations, args: &MigrateArgs) -> Assessment {
    let mut findings = check_source_content(sides, args).to_vec();
    let desired = decide_desired(sides);
    findings.extend(check_nodes_and_access(sides, &desired, nodes, args));
    let both = check_both_sides(sides, &desired, &observed(), args);
    findings.extend(both.findings);
    Assessment { findings, plan: both.plan }
}

fn failed(assessment: &Assessment) -> Vec<Code> {
    assessment.findings.iter().filter_map(|finding| finding.code).collect()
}

#[test]
fn empty_target_gets_a_plan_and_every_check() {
    let assessment = assess(&sides(Snapshot::new()), &args(&[]));
    let made: Vec<_> = assessment.findings.iter().map(|finding| finding.check.name()).collect();
    assert_eq!(
        made,
        [
            "source",
            "values",
            "consistency",
            "server-version",
            "migration-mode",
            "quorum",
            "target",
            "target-writable",
            "limits",
            "target-keys",
            "target-cluster",
            "target-newer"
        ]
    );
    assert!(assessment.findings.iter().all(|finding| finding.status != CheckStatus::Skipped));
    assert_eq!(assessment.plan.unwrap().count(Action::Create), 4);
}

#[test]
fn unreachable_side_skips_the_checks_that_need_both() {
    let unavailable =
        || StoreError::Unavailable { store: "etcd a:1".to_owned(), reason: "gone".to_owned() };
    for (source_fails, code) in [(true, Code::SourceUnavailable), (false, Code::TargetUnavailable)]
    {
        let mut sides = sides(Snapshot::new());
        match source_fails {
            true => sides.source.snapshot = Err(unavailable()),
            false => sides.target.snapshot = Err(unavailable()),
        }
        let assessment = assess(&sides, &args(&[]));
        assert!(assessment.plan.is_none());
        assert_eq!(failed(&assessment), [code]);
        let skipped = assessment
            .findings
            .iter()
            .filter(|finding| CHECKS_OF_BOTH_SIDES.contains(&finding.check));
        assert!(skipped.clone().all(|finding| finding.status == CheckStatus::Skipped));
        assert_eq!(skipped.count(), 4);
    }
}

#[test]
fn ignored_node_that_responds_is_refused() {
    let node = ObservedNode {
        id: 1,
        name: "n1".to_owned(),
        address: "http://n1:1".to_owned(),
        state: NodeState::MigrationMode,
    };
    let nodes = NodeObservations { of_cluster: vec![node], ..NodeObservations::default() };
    let (sides, args) = (sides(Snapshot::new()), args(&["--ignore-node", "N1"]));
    let assessment = assess_with(&sides, &nodes, &args);
    assert_eq!(failed(&assessment), [Code::NotInMigrationMode]);
}

#[test]
fn existing_keys_refuse_unless_an_option_covers_them() {
    let mut held = source();
    held.remove(&Key::NodesConfig);
    let identical = sides(held.clone());
    assert_eq!(failed(&assess(&identical, &args(&[]))), [Code::TargetKeysExist]);
    assert_eq!(failed(&assess(&identical, &args(&["--resume"]))), []);
    held.insert(Key::PartitionEpoch(0), entry(1, r#"{"version":1}"#));
    held.extend([nodes_config(2, r#""admin""#)]);
    let older = sides(held);
    assert_eq!(failed(&assess(&older, &args(&["--resume"]))), [Code::TargetKeysExist]);
    assert_eq!(failed(&assess(&older, &args(&["--force"]))), []);
}

#[test]
fn live_target_without_its_own_store_is_not_planned() {
    let mut sides = sides(source());
    sides.target.quorum = Some(Quorum::Held(MemberCount::default()));
    sides.target.uses_replicated_store = Some(UsesReplicatedStore::Unknown);
    assert!(decide_desired(&sides).is_err());
}
