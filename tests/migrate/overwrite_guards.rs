//! Overwrites that need more than `--force`, the backup before them, and their undoing.

use std::path::PathBuf;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::tool::{Run, restatectl};

struct OverwriteFixture {
    cluster: Cluster,
    etcd: Etcd,
    folder: TempDir,
}

impl OverwriteFixture {
    fn new() -> OverwriteFixture {
        let cluster = Cluster::ready_to_migrate(3);
        OverwriteFixture { cluster, etcd: Etcd::start(), folder: TempDir::new().unwrap() }
    }

    fn migrate(&self, more: &[&str]) -> Run {
        self.migrate_to(&self.etcd.toml(), more)
    }

    fn migrate_to(&self, toml: &str, more: &[&str]) -> Run {
        let folder = self.folder.path().to_str().unwrap();
        let args = [
            "-s",
            &self.cluster.address(),
            "metadata",
            "migrate",
            "--toml",
            toml,
            "-o",
            "json",
            "--backup-dir",
            folder,
        ];
        restatectl(&[&args, more].concat())
    }

    fn backups(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn put(&self, key: &str, version: u32, bytes: &[u8]) {
        self.etcd.put(key, bytes);
        self.etcd.put(&format!("{key}::version"), version.to_le_bytes());
    }
}

fn hint_text(document: &Json) -> String {
    document["error"]["hints"].to_string()
}

/// The `nodes_config` of another cluster.
const OTHER_NODES_CONFIG: &[u8] =
    b"\x05{\"version\":9,\"cluster_name\":\"prod\",\"cluster_fingerprint\":7,\"nodes\":[]}";

#[test]
fn other_cluster_is_overwritten_only_when_named() {
    let setting = OverwriteFixture::new();
    setting.put("nodes_config", 9, OTHER_NODES_CONFIG);
    setting.put("rule_book", 1, b"\x06\x04\x01");
    let found = setting.etcd.content();
    for options in
        [&[][..], &["--force"], &["--force", "--resume"], &["--force", "--overwrite-newer"]]
    {
        let refused = setting.migrate(options).expect(5).json();
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("another cluster: prod, fingerprint 7"), "{message}");
        assert!(!hint_text(&refused).contains("--force replaces them"), "{}", hint_text(&refused));
        // Its nodes_config is newer, too: both are permitted in one step.
        let both =
            hint_text(&refused).contains("--force --overwrite-cluster prod --overwrite-newer");
        assert_eq!(both, !options.contains(&"--overwrite-newer"), "{}", hint_text(&refused));
        assert_eq!(setting.etcd.content(), found);
    }
    let toml = setting.etcd.toml();
    let verify = ["-s", &setting.cluster.address(), "metadata", "verify", "--toml", &toml];
    let run = restatectl(&verify).expect(4);
    assert!(run.err.contains("they hold two clusters: demo, fingerprint"), "{}", run.err);
    let wrong = ["--force", "-y", "--overwrite-newer", "--overwrite-cluster", "production"];
    assert_eq!(setting.migrate(&wrong).expect(5).json()["error"]["code"], "target-other-cluster");
    assert!(setting.backups().is_empty());
    let named = ["--force", "-y", "--overwrite-newer", "--overwrite-cluster", "prod"];
    let document = setting.migrate(&named).expect(0).json();
    let backup = document["backup"].as_str().unwrap().to_owned();
    assert_eq!(setting.backups(), [PathBuf::from(&backup)]);
    assert!(backup.contains("restatectl-backup-prod-2"), "{backup}");
    // The backup brings it back, byte for byte.
    let undo =
        ["--from", &backup, "--force", "-y", "--overwrite-cluster", "demo", "--overwrite-newer"];
    setting.migrate(&undo).expect(5);
    let content = setting.etcd.content();
    assert_ne!(content, found);
    // `prod` has no partition table here, so that it is no store to restore from: a whole one is.
    let listing =
        restatectl(&["metadata", "list", "--from", &backup, "-o", "json"]).expect(0).json();
    assert_eq!(listing["cluster"]["name"], "prod");
    assert_eq!(listing["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn unknown_owner_and_newer_keys_need_their_own_options() {
    let setting = OverwriteFixture::new();
    setting.put("pp_epoch_0", 1, b"\x05{\"version\":1}");
    let refused = setting.migrate(&["--force", "-y"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-other-cluster");
    assert!(hint_text(&refused).contains("--overwrite-cluster unknown"), "{}", hint_text(&refused));
    setting.migrate(&["--force", "-y", "--overwrite-cluster", "unknown"]).expect(0);

    setting.put("pp_epoch_0", 99, b"\x05{\"version\":99}");
    let found = setting.etcd.content();
    let refused = setting.migrate(&["--force", "-y"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-newer");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("pp_epoch_0 is at version 99, the source has"), "{message}");
    assert_eq!(setting.etcd.content(), found);
    let document = setting.migrate(&["--force", "-y", "--overwrite-newer"]).expect(0).json();
    let backup = document["backup"].as_str().unwrap().to_owned();
    // An overwrite is undone byte for byte by restoring its backup.
    let undo = ["--from", &backup, "--force", "-y"];
    setting.migrate(&undo).expect(0);
    assert_eq!(setting.etcd.content(), found);
}

#[test]
fn interrupted_overwrite_resumes_with_its_backup_file() {
    let setting = OverwriteFixture::new();
    setting.migrate(&[]).expect(0);
    // Two keys differ: one of them newer, one only there.
    setting.put("pp_epoch_1", 50, b"\x05{\"version\":50}");
    setting.put("pp_epoch_9", 1, b"\x05{\"version\":1}");
    let document = setting.migrate(&["--force", "-y", "--overwrite-newer"]).expect(0).json();
    assert_eq!(setting.backups().len(), 1);
    // As a kill in its middle would have left it: nodes_config gone, the rest not replaced yet.
    setting.put("pp_epoch_1", 50, b"\x05{\"version\":50}");
    setting.put("pp_epoch_9", 1, b"\x05{\"version\":1}");
    for key in ["nodes_config", "nodes_config::version", "rule_book", "rule_book::version"] {
        setting.etcd.delete(key);
    }
    let found = setting.etcd.content();
    // Elsewhere than in its folder, the file is not found: whose keys these are is not known.
    let elsewhere = TempDir::new().unwrap();
    let args = ["--resume", "--force", "-y", "--backup-dir", elsewhere.path().to_str().unwrap()];
    let without: Vec<&str> = args.to_vec();
    let toml = setting.etcd.toml();
    let line =
        ["-s", &setting.cluster.address(), "metadata", "migrate", "--toml", &toml, "-o", "json"];
    let refused = restatectl(&[&line, &without[..]].concat()).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-other-cluster");
    assert_eq!(setting.etcd.content(), found);
    let resumed = setting.migrate(&["--resume", "--force", "-y"]).expect(0).json();
    assert_eq!(resumed["backup"], document["backup"]);
    assert_eq!(setting.backups().len(), 1);
    restatectl(&["-s", &setting.cluster.address(), "metadata", "verify", "--toml", &toml])
        .expect(0);
}

#[test]
fn overwrite_is_refused_when_the_backup_cannot_be_saved() {
    let setting = OverwriteFixture::new();
    setting.migrate(&[]).expect(0);
    setting.put("pp_epoch_1", 1, b"\x05{\"version\":1}");
    let found = setting.etcd.content();
    let args =
        ["-s", &setting.cluster.address(), "metadata", "migrate", "--toml", &setting.etcd.toml()];
    let run = restatectl(
        &[&args[..], &["--force", "-y", "--backup-dir", "/nowhere", "-o", "json"]].concat(),
    );
    let document = run.expect(5).json();
    assert_eq!(document["error"]["code"], "backup-failed");
    assert_eq!(setting.etcd.content(), found);
}
