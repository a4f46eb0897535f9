//! Outcomes as text and JSON, each as a snapshot.

use std::collections::BTreeSet;

use prost::bytes::Bytes;

use super::style::{ColorChoice, TableStyle, uses_color};
use super::*;
use crate::codec::{self, Node, NodesConfiguration};
use crate::model::{CasToken, Entry, Key, Quorum, SavedFile, Snapshot, Value, Version};
use crate::outcome::{
    self, BackupResult, Code, CommandResult, EditResult, Failure, FetchedValue, ListResult,
    ListedKey, Migration, StoreName, VerifyResult,
};
use crate::pipeline::checks;
use crate::pipeline::plan::{OnExisting, decide_plan};
use crate::pipeline::verify::compare;

fn store(kind: &str, name: &str) -> StoreName {
    StoreName { kind: kind.to_owned(), name: name.to_owned() }
}

fn source() -> StoreName {
    store("replicated", "cluster demo at http://n1:5122")
}

fn target() -> StoreName {
    store("etcd", "etcd a:2379")
}

fn entry(version: u32, bytes: &'static [u8]) -> Entry {
    let value = Value { version: Version(version), bytes: Bytes::from_static(bytes) };
    Entry::Intact(value, CasToken::Version(Version(version)))
}

fn ours() -> Snapshot {
    Snapshot::from([
        (Key::NodesConfig, entry(4, b"\x05{\"version\":4}")),
        (Key::RuleBook, entry(1, b"\x06\x04\x01")),
        (Key::PartitionEpoch(0), entry(2, b"\x05{\"version\":2}")),
        (Key::PartitionEpoch(10), entry(2, b"\x05{\"version\":2,\"epoch\":3}")),
    ])
}

fn theirs() -> Snapshot {
    let tag = CasToken::Version(Version(0));
    let raw = vec![("value".to_owned(), Bytes::from_static(b"12345"))];
    let reason = "has bytes but no pp_epoch_10::version beside them".to_owned();
    Snapshot::from([
        (Key::RuleBook, entry(1, b"\x06\x04\x01")),
        (Key::PartitionEpoch(0), entry(3, b"\x05{\"version\":3}")),
        (Key::PartitionEpoch(10), Entry::Damaged { reason, raw, tag }),
        (Key::PartitionEpoch(11), entry(1, b"\x05{\"version\":1}")),
    ])
}

fn listed_keys(snapshot: Snapshot) -> Vec<ListedKey> {
    let encoding = |entry: &Entry| Some(codec::encoding(&entry.value()?.bytes).ok()?.name());
    let rows = snapshot.into_iter();
    rows.map(|(key, entry)| ListedKey { encoding: encoding(&entry), key, entry }).collect()
}

/// Both renderings, one after the other.
fn both(outcome: &Outcome) -> String {
    let json = Style { output: OutputFormat::Json, ..Style::PLAIN };
    let shown = |rendered: Rendered| {
        let out = String::from_utf8_lossy(&rendered.out).into_owned();
        format!("{out}--- standard error\n{}", rendered.err)
    };
    format!("{}=== json\n{}", shown(render(outcome, Style::PLAIN)), shown(render(outcome, json)))
}

#[test]
fn list() {
    let listing = ListResult {
        store: target(),
        cluster: Some(("demo".to_owned(), Some(17_340_683_708_366_400_686))),
        rows: listed_keys(theirs()),
        foreign: Some(3),
        warnings: vec!["pp_epoch_10 has bytes but no pp_epoch_10::version beside them".to_owned()],
    };
    insta::assert_snapshot!(both(&Outcome::done(CommandResult::List(listing))));
}

#[test]
fn list_of_an_empty_store_with_borders() {
    let listing = |snapshot| {
        Outcome::done(CommandResult::List(ListResult {
            store: target(),
            cluster: None,
            rows: listed_keys(snapshot),
            foreign: None,
            warnings: Vec::new(),
        }))
    };
    let borders = Style { table: TableStyle::Borders, ..Style::PLAIN };
    assert!(render(&listing(Snapshot::new()), borders).out.is_empty());
    let drawn = render(&listing(ours()), borders).out;
    insta::assert_snapshot!(String::from_utf8(drawn).unwrap());
}

#[test]
fn get() {
    let gotten = FetchedValue {
        key: Key::RuleBook,
        version: Version(1),
        encoding: "bilrost",
        value: serde_json::json!({"version": 2, "rules": {}}),
        warning: Some(
            "rule_book is stored at version 1 but says inside that it is version 2".into(),
        ),
    };
    insta::assert_snapshot!(both(&Outcome::done(CommandResult::Get(gotten))));
}

#[test]
fn verify() {
    let compared = |theirs: &Snapshot| {
        let verdict = compare(&ours(), theirs);
        let equal = verdict.differences(false).next().is_none();
        VerifyResult { source: source(), target: target(), verdict, equal, warning: None }
    };
    let failure = Failure::new(Code::VerificationFailed, "the two differ");
    let outcome = Outcome {
        result: Some(CommandResult::Verify(compared(&theirs()))),
        failure: Some(failure),
    };
    insta::assert_snapshot!("verify_different", both(&outcome));
    let equal = Outcome::done(CommandResult::Verify(compared(&ours())));
    insta::assert_snapshot!("verify_equal", both(&equal));
}

#[test]
fn backup() {
    let saved =
        SavedFile { path: "before.jsonl".into(), keys: 9, bytes: 6_000, sha256: "ab".repeat(32) };
    let warnings = vec!["rule_book has no bytes".to_owned()];
    let backed_up = BackupResult { store: source(), saved, warnings };
    insta::assert_snapshot!(both(&Outcome::done(CommandResult::Backup(backed_up))));
}

fn nodes() -> NodesConfiguration {
    let node = Node {
        id: 1,
        name: "n1".into(),
        address: "http://n1:5122/".into(),
        roles: vec!["worker".into()],
        binary_version: Some("1.7.12".into()),
        generation: 1,
    };
    NodesConfiguration {
        version: 4,
        cluster_name: "demo".into(),
        fingerprint: Some(7),
        nodes: vec![node],
    }
}

fn migration(on_existing: OnExisting, dry_run: bool) -> Migration {
    let plan = decide_plan(&ours(), &theirs(), on_existing);
    Migration {
        source: Some(source()),
        target: Some(target()),
        checks: vec![
            checks::check_migration_mode(&nodes(), &[], dry_run),
            checks::check_quorum(&Quorum::Held("1 of 1 answers".into())),
            checks::check_target_keys(&plan, None, false),
        ],
        plan,
        elapsed_ms: 12,
        ..Migration::default()
    }
}

fn migrated(migration: Migration, failure: Option<Failure>) -> Outcome {
    Outcome { result: Some(CommandResult::Migrate(Box::new(migration))), failure }
}

#[test]
fn migrate_planned_and_refused() {
    let planned = migration(OnExisting::ResumeAndOverwrite, true);
    let planned = Migration { progress: outcome::MigrationOutcome::Planned, ..planned };
    insta::assert_snapshot!("migrate_planned", both(&migrated(planned, None)));
    let refused = migration(OnExisting::Refuse, false);
    let failure = checks::refusal(&refused.checks);
    insta::assert_snapshot!("migrate_refused", both(&migrated(refused, failure)));
}

#[test]
fn migrate_stopped_and_migrated() {
    let failure = Failure::new(Code::TargetConflict, "etcd a:2379 was changed by another writer")
        .hint("the source is untouched; go on with: restatectl … --resume")
        .after_writing();
    let stopped = Migration {
        progress: outcome::MigrationOutcome::Failed,
        written: BTreeSet::from([Key::PartitionEpoch(0)]),
        writing: true,
        ..migration(OnExisting::Overwrite, true)
    };
    insta::assert_snapshot!("migrate_stopped", both(&migrated(stopped, Some(failure))));
    let done = Migration {
        progress: outcome::MigrationOutcome::Migrated,
        verified: true,
        writing: true,
        written: ours().into_keys().collect(),
        next_steps: vec![
            "Update with\n[metadata-client]\ntype = \"etcd\"".into(),
            "Restart".into(),
            "Stop every node".into(),
            "Verify".into(),
        ],
        ..migration(OnExisting::Overwrite, true)
    };
    insta::assert_snapshot!("migrate_migrated", both(&migrated(done, None)));
}

#[test]
fn steps_are_folded_on_a_terminal_but_for_what_is_copied() {
    let command = "restatectl --address http://localhost:5122/ metadata verify --toml etcd.toml";
    let step = format!("Prove the copy once more before any of the nodes goes on:\n{command}");
    let done = Migration {
        progress: outcome::MigrationOutcome::Migrated,
        next_steps: vec!["Update".into(), "Restart".into(), step.clone()],
        ..migration(OnExisting::Overwrite, true)
    };
    let outcome = migrated(done, None);
    let told = |columns| {
        String::from_utf8(render(&outcome, Style { columns, ..Style::PLAIN }).out).unwrap()
    };
    let folded =
        format!("3. Prove the copy once more before any\n   of the nodes goes on:\n   {command}\n");
    assert!(told(Some(40)).ends_with(&folded), "{}", told(Some(40)));
    assert!(told(None).ends_with(&format!("3. {}\n", step.replace('\n', "\n   "))));
    assert!(told(Some(0)).contains("3. Prove\n   the\n"));
}

#[test]
fn errors_without_a_subject() {
    let failure = Failure::new(Code::ConfigInvalid, "a.toml, line 1: unclosed table")
        .hint("name a store by a TOML file");
    insta::assert_snapshot!(both(&Outcome { result: None, failure: Some(failure) }));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let failure = Some(Failure::new(Code::Usage, "wrong"));
    let outcome = Outcome { result: None, failure };
    assert_eq!(render(&outcome, Style::PLAIN).err, "error: wrong\n");
    let colored = render(&outcome, Style { err_color: true, ..Style::PLAIN }).err;
    assert_eq!(colored, "\x1b[31;1merror:\x1b[0m wrong\n");
    assert!(colored_by(ColorChoice::Always, false) && !colored_by(ColorChoice::Never, true));
}

fn colored_by(color: ColorChoice, terminal: bool) -> bool {
    uses_color(color, terminal)
}

fn edited() -> EditResult {
    EditResult {
        store: Some(source()),
        key: "rule_book".to_owned(),
        old_version: Some(Version(1)),
        version: Some(Version(2)),
        value: Some(serde_json::json!({"version": 2, "rules": {}})),
        diff: "--- rule_book, version 1\n+++ rule_book, version 2\n".to_owned(),
        backup: Some("./restatectl-backup-demo.jsonl".into()),
        ..EditResult::default()
    }
}

fn edit(edited: EditResult, failure: Option<Failure>) -> Outcome {
    Outcome { result: Some(CommandResult::Edit(Box::new(edited))), failure }
}

#[test]
fn edits() {
    let created =
        EditResult { old_version: None, version: Some(Version(1)), backup: None, ..edited() };
    let failure = Failure::new(Code::VersionMismatch, "rule_book was changed meanwhile");
    let outcomes = [
        edit(EditResult { written: true, ..edited() }, None),
        edit(EditResult { written: true, ..created }, None),
        edit(EditResult { dry_run: true, backup: None, ..edited() }, None),
        edit(edited(), Some(failure)),
    ];
    insta::assert_snapshot!(outcomes.iter().map(both).collect::<Vec<_>>().join("=== next\n"));
}
