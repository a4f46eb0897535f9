//! One body of rules for the commands that read a store: `check` and `migrate` refuse, `list` and `backup` finish.

use restatectl::codec;
use restatectl::model::{CasToken, Entry, Key, Snapshot, Value, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::tool::restatectl;

/// Returns a generated store in which one value is another.
fn with_value(key: Key, edit: impl FnOnce(&mut Json)) -> Snapshot {
    let mut snapshot = generate_snapshot(9);
    let value = snapshot[&key].value().unwrap().clone();
    let mut document = codec::decode(&key, &value.bytes).unwrap();
    edit(&mut document);
    let encoding = codec::encoding(&value.bytes).unwrap();
    let bytes = codec::encode(&key, encoding, &document, value.version).unwrap();
    let entry = Entry::Intact(Value { bytes, ..value }, CasToken::Version(Version(1)));
    snapshot.insert(key, entry);
    snapshot
}

#[test]
fn unsound_source_is_refused_unless_its_class_is_accepted() {
    let folder = TempDir::new().unwrap();
    let broken = with_value(Key::PartitionTable, |table| {
        table["partitions"][3][1]["log_id"] = json!(70);
    });
    let source = save_generated(&folder, &broken);
    let checked = restatectl(&["metadata", "check", "--from", &source, "-o", "json"]).expect(5);
    let document = checked.json();
    assert_eq!(document["error"]["code"], "metadata-inconsistent");
    assert_eq!(document["summary"], json!({"keys": 14, "errors": 1, "warnings": 0}));
    let finding = json!({"key": "partition_table", "level": "error", "code": "log-missing",
        "path": "/partitions/3/1/log_id", "message": "is 70, which bifrost_config does not have"});
    assert_eq!(document["findings"], json!([finding]));
    let text = restatectl(&["metadata", "check", "--from", &source]).expect(5);
    assert!(text.out.contains("error  log-missing  partition_table /partitions/3"), "{}", text.out);
    assert!(text.out.contains(": 14 keys, 1 error, 0 warnings\n"), "{}", text.out);

    // These always finish, and say what they found.
    let copy = folder.path().join("copy.jsonl");
    for args in [&["list"][..], &["backup", "--to", copy.to_str().unwrap()]] {
        let run = restatectl(&[&["metadata"], args, &["--from", &source]].concat()).expect(0);
        assert!(
            run.err.contains("warning: partition_table /partitions/3/1/log_id is 70"),
            "{}",
            run.err
        );
    }

    let etcd = Etcd::start();
    let migrate = ["metadata", "migrate", "--from", &source, "--toml", &etcd.toml(), "-o", "json"];
    let refused = restatectl(&migrate).expect(5).json();
    assert_eq!(refused["error"]["code"], "metadata-inconsistent", "{refused:#}");
    assert!(etcd.content().is_empty());
    let hints = refused["error"]["hints"].to_string();
    assert!(hints.contains("--accept-finding log-missing"), "{hints}");
    restatectl(&[&migrate[..], &["--accept-finding", "key-range-invalid"]].concat()).expect(5);
    let accepted = [&migrate[..], &["--accept-finding", "log-missing"]].concat();
    let document = restatectl(&accepted).expect(0).json();
    let checks = document["checks"].as_array().unwrap();
    let consistency = checks.iter().find(|check| check["check"] == "consistency").unwrap();
    assert_eq!(consistency["status"], "warning", "{consistency:#}");
    let wrong =
        restatectl(&[&migrate[..], &["--accept-finding", "epoch-absent"]].concat()).expect(2);
    assert!(wrong.out.contains("expected one of key-missing, value-malformed"), "{}", wrong.out);
}

#[test]
fn store_without_keys_is_not_checked_or_described() {
    let etcd = Etcd::start();
    for command in ["check", "describe"] {
        let args = ["metadata", command, "--from", &etcd.toml(), "-o", "json"];
        let document = restatectl(&args).expect(5).json();
        assert_eq!(document["error"]["code"], "not-a-restate-store", "{document:#}");
    }
}
