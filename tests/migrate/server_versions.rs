//! The oldest and the newest server of each minor version: a migration to etcd and back.

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, CURRENT, Cluster, Mode};
use crate::support::tool::restatectl;

#[test]
fn servers_1_6_1_migrate_to_etcd_and_back() {
    assert_migrates_and_returns("restate-server-1.6.1", false);
}

#[test]
fn servers_1_6_2_migrate_to_etcd_and_back() {
    assert_migrates_and_returns("restate-server-1.6.2", false);
}

#[test]
fn servers_1_7_2_migrate_to_etcd_and_back() {
    assert_migrates_and_returns("restate-server-1.7.2", true);
}

/// Runs with the server whose package is in the folder RESTATECTL_SERVER; `make soak` names every published
/// version in turn. By default it is the newest one.
#[test]
fn chosen_server_migrates_to_etcd_and_back() {
    let server = std::env::var("RESTATECTL_SERVER").unwrap_or_else(|_| CURRENT.to_owned());
    assert_migrates_and_returns(&server, true);
}

fn assert_migrates_and_returns(server: &str, has_rules: bool) {
    let mut cluster = Cluster::start_version(server, &[ALL_ROLES], 4);
    if has_rules {
        cluster.set_rule("scope1/*", 5);
    }
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let address = cluster.address();
    let migrate = ["-v", "-s", &address, "metadata", "migrate", "--toml", &etcd.toml()];
    let run = restatectl(&migrate).expect(0);
    // They too are asked at their leader.
    assert!(run.err.contains("the replicated store's leader is asked"), "{}", run.err);
    cluster.restart(&Mode::External(etcd.section()));
    assert_eq!(cluster.services(), ["Counter"]);
    assert_eq!(cluster.count(2), 7);
    if has_rules {
        cluster.wait_for_rules(&["scope1/*"]);
    }
    cluster.restart(&Mode::Migration);
    let (backups, home) =
        (TempDir::new().unwrap(), cluster.replicated_toml("home.toml", &[address]));
    let backups = backups.path().to_str().unwrap();
    let back = ["metadata", "migrate", "--from", &etcd.toml(), "--toml", &home, "--force", "-y"];
    restatectl(&[&back[..], &["--backup-dir", backups]].concat()).expect(0);
    cluster.restart(&Mode::Normal);
    assert_eq!(cluster.services(), ["Counter"]);
    assert_eq!(cluster.count(1), 8);
    if has_rules {
        cluster.wait_for_rules(&["scope1/*"]);
    }
}
