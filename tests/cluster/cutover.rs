//! `verify` of a cluster against the store that it runs on, at every point of the cutover: whatever the
//! nodes' old configuration in `nodes_config` says, it is never green.

use serde_json::Value as Json;

use crate::support::etcd::Etcd;
use crate::support::restate::{ALL_ROLES, Cluster, Mode};
use crate::support::tool::{assert_refused, restatectl};

const SERVER: &[&str] = &["metadata-server", "worker", "log-server", "admin"];

/// Asserts that a comparison with the store that the nodes run on is refused or fails.
#[track_caller]
fn assert_never_green(addresses: &str, etcd: &Etcd, more: &[&str]) {
    let base = ["metadata", "verify", "--toml", &etcd.toml(), "-o", "json"];
    let run = restatectl(&[&["-s", addresses], &base[..], more].concat());
    let document = run.json();
    // A majority that is still in migration mode answers from the replicated store.
    let is_newer = |key: &Json| key["key"] == "nodes_config" && key["status"] == "newer";
    let mut keys = document["keys"].as_array().into_iter().flatten();
    let compares_two = more == ["--allow-newer"] && keys.any(is_newer);
    assert!(run.code != 0 || compares_two, "{document:#}");
}

fn migrated(roles: &[&[&'static str]]) -> (Cluster, Etcd) {
    let mut cluster = Cluster::start(roles, 3);
    cluster.set_rule("scope1/*", 5);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let addresses = cluster.addresses();
    restatectl(&["-s", &addresses, "metadata", "migrate", "--toml", &etcd.toml()]).expect(0);
    let verify = ["-s", &addresses, "metadata", "verify", "--toml", &etcd.toml()];
    restatectl(&verify).expect(0);
    (cluster, etcd)
}

#[test]
fn verify_is_never_green_against_the_store_that_the_cluster_runs_on() {
    for roles in [&[ALL_ROLES][..], &[SERVER, SERVER, SERVER]] {
        let (mut cluster, etcd) = migrated(roles);
        let external = Mode::External(etcd.section());
        // All nodes are stopped before any is started, as the next steps say.
        cluster.stop();
        for index in 0..roles.len() {
            cluster.restart_node(index, &external);
            assert_never_green(&cluster.nodes[index].address(), &etcd, &[]);
        }
        cluster.wait_until_led();
        assert_never_green(&cluster.addresses(), &etcd, &[]);
        assert_never_green(&cluster.addresses(), &etcd, &["--allow-newer"]);
        assert_never_green_after_a_way_back(&cluster, &etcd);
    }
}

/// Asserts that what proves a way back is refused while the nodes still run on the store that they were to leave.
fn assert_never_green_after_a_way_back(cluster: &Cluster, etcd: &Etcd) {
    let addresses: Vec<_> = cluster.nodes.iter().map(|node| node.address()).collect();
    let replicated = cluster.replicated_toml("replicated.toml", &addresses);
    let verify = ["metadata", "verify", "--from", &etcd.toml(), "--toml", &replicated];
    let words = ["do not run on its replicated store", "stop all nodes, then start them"];
    assert_refused(&[&verify[..], &["--allow-newer"]].concat(), 5, "same-store", &words);
    // A backup shows whether the file leads to the cluster, on whichever store it runs.
    let backup = cluster.folder.path().join("of-etcd.jsonl").to_str().unwrap().to_owned();
    restatectl(&["metadata", "backup", "--from", &etcd.toml(), "--to", &backup]).expect(0);
    let verify = ["metadata", "verify", "--from", &backup, "--toml", &replicated, "--allow-newer"];
    restatectl(&verify).expect(0);
}

#[test]
fn verify_is_never_green_when_nodes_are_restarted_one_by_one() {
    let (mut cluster, etcd) = migrated(&[SERVER, SERVER, SERVER]);
    for index in 0..3 {
        cluster.restart_node(index, &Mode::External(etcd.section()));
        assert_never_green(&cluster.nodes[index].address(), &etcd, &[]);
        let addresses = cluster.nodes.iter().rev().map(|node| node.address()).collect::<Vec<_>>();
        assert_never_green(&addresses.join(","), &etcd, &["--allow-newer"]);
    }
}
