//! A cluster to migrate, the migration itself, and the proof that the cluster works on its target.

use std::collections::BTreeMap;
use std::time::Duration;

use super::restate::{Cluster, Mode, get_value};
use super::tool::{Run, restatectl};
use super::wait_for;

/// Starts a cluster with a rule, a deployment and an object with state, in migration mode.
pub fn start_cluster_to_migrate() -> Cluster {
    let mut cluster = Cluster::single(4);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    assert_eq!(cluster.count(5), 5);
    cluster.restart(&Mode::Migration);
    cluster
}

/// Returns every key of the cluster with its version and bytes.
pub fn source_values(cluster: &Cluster) -> BTreeMap<String, (u32, Vec<u8>)> {
    let listing =
        restatectl(&["-s", &cluster.address(), "metadata", "list", "-o", "json"]).expect(0);
    let keys = listing.json()["keys"].as_array().unwrap().clone();
    let value = |key: &str| get_value(&cluster.address(), key).unwrap();
    keys.iter()
        .map(|key| key["key"].as_str().unwrap())
        .map(|key| (key.to_owned(), value(key)))
        .collect()
}

/// Migrates the cluster to the store of this file.
pub fn migrate(cluster: &Cluster, toml: &str, more: &[&str]) -> Run {
    let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", toml];
    restatectl(&[&args, more].concat())
}

/// Restarts the migrated cluster on its target and asserts that it has all its metadata and can change
/// it.
pub fn assert_works_on_target(cluster: &mut Cluster, section: &str, toml: &str) {
    cluster.restart(&Mode::External(section.to_owned()));
    cluster.wait_for_rules(&["scope1/*"]);
    assert_eq!(cluster.services(), ["Counter"]);
    assert_eq!(cluster.count(2), 7);
    // A second rule joins the first: after the official tool's migration it does not.
    cluster.set_rule("scope2/*", 7);
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
    // A cluster that runs on the target is no source to compare it with.
    let verify = ["-s", &cluster.address(), "metadata", "verify", "--toml", toml, "-o", "json"];
    assert_eq!(restatectl(&verify).expect(5).json()["error"]["code"], "same-store");
}

/// Waits until `status` answers this to whether the cluster runs on the store of this file. In one look, a partition may
/// be between two leaders.
#[track_caller]
pub fn assert_status_on(cluster: &Cluster, toml: &str, answer: &str) {
    let args = ["-s", &cluster.address(), "status", "--on", toml, "-o", "json"];
    let code = if answer == "yes" { 0 } else { 5 };
    wait_for(&format!("{answer}, with exit code {code}"), Duration::from_secs(30), || {
        let run = restatectl(&args);
        (run.code == code && run.json()["metadata_store"]["on"]["answer"] == answer).then_some(())
    });
}
