//! What an operator should know before the window, and would otherwise find after it.

use serde_json::Value as Json;

use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::tool::{official, restatectl};

fn find_check<'a>(document: &'a Json, name: &str) -> (&'a str, &'a str) {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == name).unwrap();
    (check["status"].as_str().unwrap(), check["detail"].as_str().unwrap())
}

fn dry_run(address: &str) -> Json {
    let etcd = Etcd::start();
    let args = ["-s", address, "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    restatectl(&[&args[..], &["--dry-run"]].concat()).expect(0).json()
}

#[test]
fn frozen_leadership_is_named_before_the_restart() {
    let mut cluster = Cluster::single(3);
    let address = cluster.address();
    assert_eq!(find_check(&dry_run(&address), "consistency").0, "ok");
    let freeze = ["-s", &address, "partitions", "leadership", "freeze", "1", "--reason", "test"];
    official(&freeze).expect(0);
    let document = dry_run(&address);
    let text = "1 finding: pp_epoch_1 has a frozen leadership: no leader until it is unfrozen";
    let expected = ("warning", text);
    assert_eq!(find_check(&document, "consistency"), expected);
    assert_eq!(document["ready"], true);
    // Afterwards the partition is listed, and nobody waits for its leader.
    cluster.restart_node(0, &Mode::Normal);
    restatectl(&["-s", &address, "wait", "--for", "running"]).expect(0);
    let status = restatectl(&["-s", &address, "status", "-o", "json"]).expect(0).json();
    let expected = serde_json::json!({"total": 3, "led": 2, "not_led": [], "frozen": [1]});
    assert_eq!(status["partitions"], expected);
}

#[test]
fn standby_metadata_server_is_named() {
    const SERVER: &[&str] = &["metadata-server", "admin"];
    let mut cluster = Cluster::start(&[ALL_ROLES, SERVER, SERVER], 1);
    cluster.restart(&Mode::Migration);
    let address = cluster.address();
    assert_eq!(find_check(&dry_run(&address), "quorum").0, "ok");
    official(&["-s", &address, "metadata-server", "remove-node", "3", "-y"]).expect(0);
    let document = dry_run(&address);
    let (status, detail) = find_check(&document, "quorum");
    assert_eq!(status, "warning", "{document:#}");
    assert!(detail.contains("is standby, not a member"), "{detail}");
    assert_eq!(document["quorum"]["members"], 2);
}
