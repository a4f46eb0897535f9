//! Dead nodes, and a metadata store without a quorum.

use std::time::{Duration, Instant};

use crate::support::etcd::Etcd;
use crate::support::ports::Port;
use crate::support::restate::{Cluster, Mode};
use crate::support::tool::restatectl;

const SERVER: &[&str] = &["metadata-server", "worker", "log-server", "admin", "http-ingress"];

/// Starts three nodes with metadata servers and a fourth that has no role in migration mode.
fn four_nodes() -> Cluster {
    Cluster::start(&[SERVER, SERVER, SERVER, &["worker", "log-server"]], 4)
}

#[test]
fn any_live_address_suffices_and_dead_nodes_are_skipped() {
    let mut cluster = four_nodes();
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let migrate = |address: &str, more: &[&str]| {
        etcd.clear();
        let args = ["-s", address, "metadata", "migrate", "--toml", &etcd.toml()];
        restatectl(&[&args[..], &["--connect-timeout", "1000"], more].concat())
    };
    for node in &cluster.nodes {
        migrate(&node.address(), &[]).expect(0);
        let single = ["-S", &node.address(), "metadata", "verify", "--toml", &etcd.toml()];
        restatectl(&single).expect(0);
    }
    let dead = Port::free();
    let dead_first = format!("http://127.0.0.1:{},{}", dead.number, cluster.nodes[3].address());
    migrate(&dead_first, &[]).expect(0);

    // One of the three metadata servers gone: the others carry on, also while they elect a leader.
    cluster.kill_node(0);
    // It provisioned the cluster.
    let skip_it = ["--ignore-node", "N1"];
    migrate(&cluster.addresses(), &skip_it).expect(0);
    migrate(&cluster.nodes[3].address(), &skip_it).expect(0);

    // Two of three: no majority, told as such, in time, with nothing written.
    cluster.kill_node(1);
    etcd.clear();
    for address in [cluster.addresses(), cluster.nodes[3].address()] {
        let started = Instant::now();
        let args = [
            "-s",
            &address,
            "metadata",
            "migrate",
            "--toml",
            &etcd.toml(),
            "-o",
            "json",
            "--ignore-node",
            "N1",
            "--request-timeout",
            "4000",
        ];
        let document = restatectl(&args).expect(6).json();
        assert_eq!(document["error"]["code"], "source-no-quorum");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains("1 of 3 metadata servers responding (quorum 2)"), "{message}");
        assert!(message.contains("(node-1, ") && message.contains("(node-2, "), "{message}");
        // The nodes are those that the nodes themselves know.
        let states = document["nodes"].as_array().unwrap().iter().map(|node| &node["state"]);
        assert_eq!(states.filter(|state| **state == "no-response").count(), 2, "{document:#}");
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        let list = ["-s", &address, "metadata", "list", "-o", "json", "--request-timeout", "4000"];
        assert_eq!(restatectl(&list).expect(6).json()["error"]["code"], "source-no-quorum");
    }
    let unknown = ["--ignore-node", "N99", "--request-timeout", "4000"];
    migrate(&cluster.addresses(), &unknown).expect(2);
    assert!(etcd.content().is_empty());
}
