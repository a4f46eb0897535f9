//! Backup files: made from every store, accepted by every STORE argument, restored, and verified after
//! a cutover.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

#[test]
fn backup_is_saved_restored_and_compared() {
    let mut cluster = Cluster::single(3);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster.restart(&Mode::Migration);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("before.jsonl").to_str().unwrap().to_owned();
    let address = cluster.address();
    let save = ["-s", &address, "metadata", "backup", "--to", &file, "-o", "json"];
    let saved = restatectl(&save).expect(0).json();
    assert_eq!(saved["file"], file);
    assert_eq!(saved["keys"], 8);
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(saved["bytes"], metadata.len());
    // It is not replaced.
    assert_eq!(restatectl(&save).expect(5).json()["error"]["code"], "backup-failed");

    // Every STORE argument reads it.
    restatectl(&["-s", &address, "metadata", "verify", "--toml", &file]).expect(0);
    let from_file = restatectl(&["metadata", "get", "-k", "rule_book", "--from", &file]).expect(0);
    let from_cluster =
        restatectl(&["-s", &address, "metadata", "get", "-k", "rule_book"]).expect(0);
    assert_eq!(from_file.out, from_cluster.out);
    let target = ["-s", &address, "metadata", "migrate", "--toml", &file];
    assert!(
        restatectl(&target).expect(2).err.contains("is a backup file, which is not a valid target")
    );

    // Restored to etcd and to S3, it is what the cluster has; and a copy of a copy is the same.
    let (etcd, bucket) = (Etcd::start(), seaweed().bucket());
    let s3 = write_file(&folder, "s3.toml", &bucket.section("p"));
    for toml in [&etcd.toml(), &s3] {
        let restore = ["metadata", "migrate", "--from", &file, "--toml", toml, "-o", "json"];
        let document = restatectl(&restore).expect(0).json();
        let checks = document["checks"].as_array().unwrap();
        let mode = checks.iter().find(|check| check["check"] == "migration-mode").unwrap();
        assert_eq!(mode["status"], "skipped");
        restatectl(&["-s", &address, "metadata", "verify", "--toml", toml]).expect(0);
    }
    restatectl(&["metadata", "verify", "--from", &s3, "--toml", &etcd.toml()]).expect(0);
    let copy = folder.path().join("copy.jsonl").to_str().unwrap().to_owned();
    restatectl(&["metadata", "backup", "--from", &etcd.toml(), "--to", &copy]).expect(0);
    restatectl(&["metadata", "verify", "--from", &file, "--toml", &copy]).expect(0);

    // The cutover: what the cluster has advanced since is good, what is older or lost is not.
    cluster.restart(&Mode::External(etcd.section()));
    assert_eq!(cluster.count(2), 7);
    let verify = ["metadata", "verify", "--from", &file, "--toml", &etcd.toml()];
    let run = restatectl(&verify).expect(4);
    assert!(run.err.contains("add --allow-newer"), "{}", run.err);
    let newer = [&verify[..], &["--allow-newer"]].concat();
    restatectl(&newer).expect(0);
    etcd.put("rule_book::version", 0_u32.to_le_bytes());
    let run = restatectl(&newer).expect(4);
    assert!(
        run.err.contains("add --changes to see") && !run.err.contains("add --allow-newer"),
        "{}",
        run.err
    );
    etcd.delete("rule_book");
    etcd.delete("rule_book::version");
    restatectl(&newer).expect(4);
}

#[test]
fn damaged_or_truncated_backup_is_refused() {
    let etcd = Etcd::start();
    etcd.put("nodes_config", b"\x05{\"version\":1}");
    etcd.put("nodes_config::version", 1_u32.to_le_bytes());
    etcd.put("rule_book", "half");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("b.jsonl").to_str().unwrap().to_owned();
    let saved =
        restatectl(&["metadata", "backup", "--from", &etcd.toml(), "--to", &file]).expect(0);
    assert!(
        saved.err.contains("warning: rule_book has bytes but no rule_book::version"),
        "{saved:?}"
    );
    let listing = restatectl(&["metadata", "list", "--from", &file, "-o", "json"]).expect(0).json();
    assert_eq!(listing["keys"][1]["bytes"], 4);
    let whole = std::fs::read(&file).unwrap();
    let damage = |bytes: &[u8], words: &str| {
        std::fs::write(&file, bytes).unwrap();
        let run = restatectl(&["metadata", "list", "--from", &file, "-o", "json"]).expect(5).json();
        assert_eq!(run["error"]["code"], "backup-damaged");
        assert!(run["error"]["message"].as_str().unwrap().contains(words), "{run}");
    };
    damage(&whole[..whole.len() - 1], "cut short");
    damage(&whole[..30], "cut short");
    damage(&whole[..3], "cut short");
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    damage(&flipped, "digest does not fit");
    // Damage that a tool has done is named.
    let text = String::from_utf8(whole.clone()).unwrap();
    let crlf = text.replace('\n', "\r\n");
    let utf_16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    damage(crlf.as_bytes(), "its line ends were changed to CRLF");
    damage(crlf.replacen("key", "kez", 1).as_bytes(), "its last line was changed");
    damage(&[b"\xef\xbb\xbf", &whole[..]].concat(), "a byte order mark was put in front of it");
    damage(&[b"\xff\xfe", &utf_16[..]].concat(), "converted to UTF-16");
    let empty = Etcd::start();
    let nothing =
        ["metadata", "backup", "--from", &empty.toml(), "--to", "/tmp/never", "-o", "json"];
    assert_eq!(restatectl(&nothing).expect(5).json()["error"]["code"], "not-a-restate-store");
}
