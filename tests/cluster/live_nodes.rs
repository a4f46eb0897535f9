//! Clusters that still run on the source or target of a migration: detected without an address on the
//! command line.

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::tool::restatectl;

/// Starts a cluster, migrates it to an etcd and restarts it there.
fn start_migrated_cluster() -> (Cluster, Etcd) {
    let (mut cluster, etcd) = (Cluster::ready_to_migrate(2), Etcd::start());
    let address = cluster.address();
    restatectl(&["-s", &address, "metadata", "migrate", "--toml", &etcd.toml()]).expect(0);
    cluster.restart(&Mode::External(etcd.section()));
    (cluster, etcd)
}

fn run_migrate(code: i32, args: &[&str]) -> Json {
    let args = [&["metadata", "migrate", "-y", "-o", "json"], args].concat();
    restatectl(&args).expect(code).json()
}

fn check_status<'a>(document: &'a Json, name: &str) -> &'a Json {
    let checks = document["checks"].as_array().unwrap();
    &checks.iter().find(|check| check["check"] == name).unwrap()["status"]
}

#[test]
fn migrate_refuses_when_a_cluster_runs_on_source_or_target() {
    let ((mut cluster, etcd), other, folder) =
        (start_migrated_cluster(), Etcd::start(), TempDir::new().unwrap());
    let backup = folder.path().join("backup.jsonl").to_str().unwrap().to_owned();
    let save = ["metadata", "backup", "--from", &etcd.toml(), "--to", &backup];
    restatectl(&save).expect(0);
    let away = ["--from", &etcd.toml(), "--toml", &other.toml()];
    let onto = [
        "--from",
        &backup,
        "--toml",
        &etcd.toml(),
        "--force",
        // It may write, while it is at work.
        "--overwrite-newer",
        "--backup-dir",
        &folder.path().display().to_string(),
    ];
    for (args, words) in [
        (&away[..], "runs on the source in its normal roles"),
        (&onto[..], "runs on the target in its normal"),
    ] {
        let refused = run_migrate(5, args);
        assert_eq!(refused["error"]["code"], "not-in-migration-mode", "{refused:#}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(words), "{refused:#}");
        assert!(refused["keys"].as_array().unwrap().iter().all(|key| key["written"] == false));
        assert_eq!(refused["backup"], Json::Null);
        let planned = run_migrate(0, &[args, &["--dry-run"]].concat());
        assert_eq!(check_status(&planned, "migration-mode"), "warning");
    }
    assert!(other.content().is_empty());
    // Nor is a value edited without a yes.
    let put = ["metadata", "patch", "-k", "rule_book", "-p", "[]", "-o", "json"];
    let at = ["--from", &etcd.toml(), "--backup-dir", &folder.path().display().to_string()];
    let refused = restatectl(&[&put[..], &at].concat()).expect(5).json();
    assert_eq!(refused["error"]["code"], "not-in-migration-mode", "{refused:#}");
    // A source that is at work, too, does not hide them.
    let another = Cluster::single(1);
    let address = another.address();
    let onto_theirs = ["-s", &address, "--toml", &etcd.toml(), "--force", "--dry-run"];
    let permits = ["--overwrite-cluster", "demo", "--overwrite-newer"];
    let planned = run_migrate(0, &[&onto_theirs[..], &permits].concat());
    let printed = planned["checks"].to_string();
    assert!(printed.contains("of 1 node, 1 is not in migration mode"), "{printed}");
    assert!(printed.contains("runs on the target in its normal roles"), "{printed}");
    cluster.stop();
    assert_eq!(check_status(&run_migrate(0, &away), "migration-mode"), "skipped");
    assert_eq!(run_migrate(0, &onto)["outcome"], "migrated");
}

#[test]
fn migrate_reports_same_store_when_cluster_has_migrated() {
    let (cluster, etcd) = start_migrated_cluster();
    let address = cluster.address();
    for more in [&[][..], &["--resume"], &["--dry-run"]] {
        let document = run_migrate(5, &[&["-s", &address, "--toml", &etcd.toml()], more].concat());
        assert_eq!(document["error"]["code"], "same-store");
        let hints = document["error"]["hints"].to_string();
        assert_eq!(hints, "[\"stop here: there is nothing left to migrate\"]");
    }
    // Back: what its nodes answer is what etcd holds, and says nothing of their own store.
    let own = cluster.replicated_toml("own.toml", &[address]);
    let document =
        run_migrate(5, &["--from", &etcd.toml(), "--toml", &own, "--force", "--dry-run"]);
    assert_eq!(document["error"]["code"], "not-in-migration-mode");
    for check in ["limits", "target-keys", "target-cluster", "target-newer"] {
        assert_eq!(check_status(&document, check), "skipped", "{document:#}");
    }
}
