//! Outcomes as text and JSON, each as a snapshot.

mod migrations;

use prost::bytes::Bytes;

use super::style::{ColorChoice, TableStyle, uses_color};
use super::*;
use crate::codec;
use crate::model::{
    CasToken, Entry, Key, MemberCount, NodeState, ObservedNode, SavedFile, Snapshot, Value,
    Version, WriteState,
};
use crate::outcome::{
    BackupResult, Code, CommandResult, EditResult, Failure, FetchedValue, ListResult, ListedKey,
    PartitionsStatus, StatusKind, StatusNode, StatusResult, StoreAnswer, StoreName, StoreVerdict,
    VerifyResult,
};
use crate::pipeline::verify::compare;

fn store(kind: &str, name: &str) -> StoreName {
    StoreName { kind: kind.to_owned(), name: name.to_owned(), stopped: None }
}

fn source_name() -> StoreName {
    store("replicated", "cluster demo at http://n1:5122")
}

fn target_name() -> StoreName {
    store("etcd", "etcd a:2379")
}

fn entry(version: u32, bytes: &'static [u8]) -> Entry {
    let value = Value { version: Version(version), bytes: Bytes::from_static(bytes) };
    Entry::Intact(value, CasToken::Version(Version(version)))
}

fn source_entries() -> Snapshot {
    Snapshot::from([
        (Key::NodesConfig, entry(4, b"\x05{\"version\":4}")),
        (Key::RuleBook, entry(1, b"\x06\x04\x01")),
        (Key::PartitionEpoch(0), entry(2, b"\x05{\"version\":2}")),
        (Key::PartitionEpoch(10), entry(2, b"\x05{\"version\":2,\"epoch\":3}")),
    ])
}

fn target_entries() -> Snapshot {
    let token = CasToken::Version(Version(0));
    let raw = vec![("value".to_owned(), Bytes::from_static(b"12345"))];
    let reason = "has bytes but no pp_epoch_10::version beside them".to_owned();
    Snapshot::from([
        (Key::RuleBook, entry(1, b"\x06\x04\x01")),
        (Key::PartitionEpoch(0), entry(3, b"\x05{\"version\":3}")),
        (Key::PartitionEpoch(10), Entry::Damaged { reason, raw, tag: token }),
        (Key::PartitionEpoch(11), entry(1, b"\x05{\"version\":1}")),
    ])
}

fn listed_keys(snapshot: Snapshot) -> Vec<ListedKey> {
    let encoding = |entry: &Entry| Some(codec::encoding(&entry.value()?.bytes).ok()?.name());
    let rows = snapshot.into_iter();
    rows.map(|(key, entry)| ListedKey { encoding: encoding(&entry), key, entry }).collect()
}

/// Renders the outcome as text and as JSON.
fn render_both(outcome: &Outcome) -> String {
    let json = Style { output: OutputFormat::Json, ..Style::PLAIN };
    let shown = |rendered: Rendered| {
        let out = String::from_utf8_lossy(&rendered.out).into_owned();
        format!("{out}--- standard error\n{}", rendered.err)
    };
    format!("{}=== json\n{}", shown(render(outcome, Style::PLAIN)), shown(render(outcome, json)))
}

#[test]
fn list_shows_every_key() {
    let listing = ListResult {
        store: target_name(),
        cluster: Some(("demo".to_owned(), Some(17_340_683_708_366_400_686))),
        rows: listed_keys(target_entries()),
        foreign: Some(3),
        complete: false,
        warnings: vec!["pp_epoch_10 has bytes but no pp_epoch_10::version beside them".to_owned()],
    };
    insta::assert_snapshot!(render_both(&Outcome::done(CommandResult::List(listing))));
}

#[test]
fn list_of_an_empty_store_has_no_table() {
    let listing = |snapshot| {
        Outcome::done(CommandResult::List(ListResult {
            store: target_name(),
            cluster: None,
            rows: listed_keys(snapshot),
            foreign: None,
            complete: true,
            warnings: Vec::new(),
        }))
    };
    let borders = Style { table: TableStyle::Borders, ..Style::PLAIN };
    assert!(render(&listing(Snapshot::new()), borders).out.is_empty());
    let table = render(&listing(source_entries()), borders).out;
    insta::assert_snapshot!(String::from_utf8(table).unwrap());
}

#[test]
fn get_shows_the_value_and_its_warning() {
    let fetched = FetchedValue {
        key: Key::RuleBook,
        version: Version(1),
        encoding: "bilrost",
        value: serde_json::json!({"version": 2, "rules": {}}),
        warning: Some("rule_book is stored at version 1, but embeds version 2".into()),
    };
    insta::assert_snapshot!(render_both(&Outcome::done(CommandResult::Get(fetched))));
}

#[test]
fn verify_shows_only_differences() {
    let result = |entries: &Snapshot| {
        let comparison = compare(&source_entries(), entries);
        let equal = comparison.differences(false).next().is_none();
        VerifyResult {
            source: source_name(),
            target: target_name(),
            comparison,
            equal,
            changes: None,
            warning: None,
        }
    };
    let failure = Failure::new(Code::VerificationFailed, "the two differ");
    let outcome = Outcome {
        result: Some(CommandResult::Verify(result(&target_entries()))),
        failure: Some(failure),
    };
    insta::assert_snapshot!("verify_different", render_both(&outcome));
    let equal = Outcome::done(CommandResult::Verify(result(&source_entries())));
    insta::assert_snapshot!("verify_equal", render_both(&equal));
}

#[test]
fn backup_shows_file_and_digest() {
    let saved = SavedFile {
        path: "before.jsonl".into(),
        keys: 9,
        bytes: 6_000,
        sha256: "ab".repeat(32),
        warning: None,
    };
    let warnings = vec!["rule_book has no bytes".to_owned()];
    let result = BackupResult { store: source_name(), saved, complete: false, warnings };
    insta::assert_snapshot!(render_both(&Outcome::done(CommandResult::Backup(result))));
}

#[test]
fn error_without_a_result_is_rendered() {
    let failure = Failure::new(Code::ConfigInvalid, "a.toml, line 1: unclosed table")
        .hint("name a store by a TOML file");
    insta::assert_snapshot!(render_both(&Outcome { result: None, failure: Some(failure) }));
}

#[test]
fn colours_are_used_only_if_asked_for() {
    let failure = Some(Failure::new(Code::Usage, "wrong"));
    let outcome = Outcome { result: None, failure };
    assert_eq!(render(&outcome, Style::PLAIN).err, "error: wrong\n");
    let colored = render(&outcome, Style { err_color: true, ..Style::PLAIN }).err;
    assert_eq!(colored, "\x1b[31;1merror:\x1b[0m wrong\n");
    assert!(uses_color(ColorChoice::Always, false) && !uses_color(ColorChoice::Never, true));
}

fn edit_result() -> EditResult {
    EditResult {
        store: Some(source_name()),
        key: "rule_book".to_owned(),
        old_version: Some(Version(1)),
        version: Some(Version(2)),
        value: Some(serde_json::json!({"version": 2, "rules": {}})),
        diff: "--- rule_book, version 1\n+++ rule_book, version 2\n".to_owned(),
        backup: Some("./restatectl-backup-demo.jsonl".into()),
        ..EditResult::default()
    }
}

fn edit_outcome(edit: EditResult, failure: Option<Failure>) -> Outcome {
    Outcome { result: Some(CommandResult::Edit(Box::new(edit))), failure }
}

#[test]
fn edits_show_versions_and_backup() {
    let created =
        EditResult { old_version: None, version: Some(Version(1)), backup: None, ..edit_result() };
    let failure = Failure::new(Code::VersionMismatch, "rule_book was changed in the meantime");
    let outcomes = [
        edit_outcome(EditResult { write_state: WriteState::Written, ..edit_result() }, None),
        edit_outcome(EditResult { write_state: WriteState::Written, ..created }, None),
        edit_outcome(EditResult { dry_run: true, backup: None, ..edit_result() }, None),
        edit_outcome(edit_result(), Some(failure)),
    ];
    insta::assert_snapshot!(
        outcomes.iter().map(render_both).collect::<Vec<_>>().join("=== next\n")
    );
}

fn status_node(id: u32, state: NodeState, mode: Option<&'static str>) -> StatusNode {
    let is_up = mode.is_some();
    let address = format!("http://n{id}:5122/");
    let roles: &[&str] = if is_up { &["admin", "worker"] } else { &[] };
    StatusNode {
        observed: ObservedNode { id, name: format!("node\x1b-{id}"), address, state },
        mode,
        roles: roles.iter().map(ToString::to_string).collect(),
        generation: is_up.then_some(3),
        metadata_server: is_up.then_some("member"),
        uptime: is_up.then_some(std::time::Duration::from_millis(65_400)),
        partitions: is_up.then_some((2, 1)),
    }
}

#[test]
fn status_shows_nodes_store_and_partitions() {
    let silent = NodeState::NoResponse("connection refused".to_owned());
    let normal = NodeState::NormalRoles(vec!["worker".to_owned()]);
    let count =
        MemberCount { responding: 2, members: 3, needed: 2, leader: Some(1), ..Default::default() };
    let on = StoreVerdict {
        store: target_name(),
        answer: StoreAnswer::CannotTell,
        reason: Some("N2 (node-2, http://n2:5122/) does not respond".to_owned()),
    };
    let status = StatusResult {
        cluster: Some(("demo".to_owned(), Some(7))),
        nodes: vec![status_node(1, normal, Some("normal")), status_node(2, silent, None)],
        quorum: Some(count),
        partitions: Some(PartitionsStatus { total: 4, led: 2, not_led: vec![3], frozen: vec![1] }),
        on: Some(on),
        reasons: vec!["1 partition has no active leader: 3".to_owned()],
        ..StatusResult::default()
    };
    let failure = Failure::new(
        Code::NotReady,
        "the cluster is not ready: 1 partition has no active leader: 3",
    );
    let kinds = [StatusKind::Status, StatusKind::Nodes, StatusKind::Wait("running")];
    let outcomes = kinds.map(|kind| {
        let status = StatusResult { kind, ..status.clone() };
        let failure = Some(failure.clone());
        Outcome { result: Some(CommandResult::Status(Box::new(status))), failure }
    });
    let stopped = StatusResult { kind: StatusKind::Wait("stopped"), ..StatusResult::default() };
    let stopped = Outcome::done(CommandResult::Status(Box::new(stopped)));
    let all = outcomes.iter().chain([&stopped]);
    insta::assert_snapshot!(all.map(render_both).collect::<Vec<_>>().join("=== next\n"));
}
