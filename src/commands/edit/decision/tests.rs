//! Edits of stored and absent values, and what each is refused for.

use std::ops::Range;

use prost::bytes::Bytes;
use serde_json::json;

use super::*;
use crate::outcome::Code;

fn stored_rule_book() -> Entry {
    let bytes = Bytes::from_static(b"\x06\x04\x03");
    let value = Value { version: Version(3), bytes };
    Entry::Intact(value, CasToken::Version(Version(3)))
}

fn decide(expected_version: Option<u32>, stored: Option<&Entry>) -> Result<EditDecision, Failure> {
    let edit = Edit::Put(json!({"rules": {}}));
    let key = &Key::RuleBook;
    let beside = &Snapshot::new();
    let request = EditRequest { key, edit: &edit, expected_version, store_name: "etcd", beside };
    decide_edit(&request, stored)
}

/// Puts `bifrost_config` with these logs, beside partitions that need the logs from 0 on, which are stored.
fn put_logs(partitions: u32, put: Range<u32>) -> Result<EditDecision, Failure> {
    let entry = |document: &Json| {
        let value = Value { version: Version(1), bytes: format!("\x05{document}").into() };
        Entry::Intact(value, CasToken::Version(Version(1)))
    };
    let logs = |ids: Range<u32>| {
        let chain = json!([[1, {"kind": "in-memory", "params": "1"}]]);
        let logs: Vec<_> = ids.map(|id| json!([id, {"chain": chain}])).collect();
        json!({"version": 1, "config": {"default_provider": "in-memory"}, "logs": logs})
    };
    let table: Vec<_> = (0..partitions).map(|id| json!([id, {"log_id": id}])).collect();
    let table = entry(&json!({"partitions": table}));
    let (key, edit, stored) = (&Key::Logs, &Edit::Put(logs(put)), entry(&logs(0..partitions)));
    let beside = &Snapshot::from([(Key::PartitionTable, table)]);
    let request = EditRequest { key, edit, expected_version: None, store_name: "etcd", beside };
    decide_edit(&request, Some(&stored))
}

#[test]
fn put_increments_the_version_of_a_stored_value() {
    let decision = decide(Some(3), Some(&stored_rule_book())).unwrap();
    assert_eq!(decision.describe_versions(), "rule_book at version 4 (now 3)");
    assert_eq!(decision.document["version"], 4);
    assert_eq!(decision.warnings, ["the edit changes nothing but the version"]);
}

#[test]
fn rule_book_in_a_foreign_codec_is_written_as_bilrost() {
    let bytes = Bytes::from_static(b"\x05{\"version\":3,\"rules\":{}}");
    let value = Value { version: Version(3), bytes };
    let stored = Entry::Intact(value, CasToken::Version(Version(3)));
    let decision = decide(None, Some(&stored)).unwrap();
    assert_eq!(decision.value.bytes, &b"\x06\x04\x04"[..]);
    assert!(decision.warnings[0].contains("is encoded as json"), "{:?}", decision.warnings);
}

#[test]
fn edit_must_not_take_away_what_another_value_refers_to() {
    assert_eq!(put_logs(1, 0..1).unwrap().value.version, Version(2));
    let message = put_logs(1, 1..2).unwrap_err().message;
    let expected = "partition_table /partitions/0/1/log_id is 0, which bifrost_config";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn some_errors_of_a_refused_document_are_named_and_the_others_counted() {
    let describe = |count: u32| put_logs(count, 0..0).unwrap_err().message;
    let most = u32::try_from(SHOWN_ERRORS).unwrap() + 1;
    for count in 1..=most {
        let message = describe(count);
        assert_eq!(message.matches("which bifrost_config does not have").count(), count as usize);
        assert!(!message.contains("other error"), "{message}");
    }
    assert!(describe(most + 1).ends_with("; and 1 other error"), "{}", describe(most + 1));
    assert!(describe(most + 2).ends_with("; and 2 other errors"), "{}", describe(most + 2));
}

#[test]
fn decision_shows_both_documents() {
    let diff = decide(None, None).unwrap().diff;
    assert!(diff.starts_with("--- rule_book, absent\n+++ rule_book, version 1\n"), "{diff}");
    assert!(diff.contains("+  \"rules\": {},"), "{diff}");
    let diff = decide(None, Some(&stored_rule_book())).unwrap().diff;
    assert!(diff.starts_with("--- rule_book, version 3\n+++ rule_book, version 4\n"), "{diff}");
}

#[test]
fn put_creates_an_absent_key_at_version_1() {
    let decision = decide(None, None).unwrap();
    assert_eq!(decision.describe_versions(), "rule_book at version 1 (now absent)");
}

#[test]
fn edit_fails_when_the_stored_version_is_not_the_expected_one() {
    let failure = decide(Some(2), Some(&stored_rule_book())).unwrap_err();
    assert_eq!(failure.code, Code::VersionMismatch);
    assert_eq!(
        failure.message,
        "rule_book in etcd is at version 3, not at version 2 as --version requires; it equals the \
         document"
    );
    assert!(decide(Some(1), None).unwrap_err().message.contains("does not exist"));
}
