//! Addresses that accept connections and never answer: the time of a call is for all of them together.

use std::time::Duration;

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::restate::Cluster;
use crate::support::run_within;
use crate::support::silent_port::SilentPort;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, restatectl};

/// The time-out of a request, and what a command needs beside it on a busy machine.
const LIMIT_MS: u64 = 2000;
const REST: Duration = Duration::from_millis(900);

/// Lists in the time of so many requests.
fn list(store: [&str; 2], requests: u32) -> Run {
    let limit = LIMIT_MS.to_string();
    let args = ["metadata", "list", "-o", "json", "--request-timeout", &limit];
    run_within(requests * Duration::from_millis(LIMIT_MS) + REST, || {
        restatectl(&[&args[..], &store].concat())
    })
}

#[test]
fn silent_addresses_share_the_time_of_one_request() {
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    etcd.create_pair("nodes_config", b"any");
    let silent: Vec<_> = (0..12).map(|_| SilentPort::open()).collect();
    let mut addresses: Vec<_> = silent.iter().map(SilentPort::address).collect();
    let toml = write_file(&folder, "silent.toml", &etcd_section(&addresses));
    let run = list(["--from", &toml], 1);
    assert_eq!(run.expect(6).json()["error"]["code"], "source-unavailable");

    // The last one responds: each of the others has had its share.
    addresses.push(etcd.address());
    let toml = write_file(&folder, "one.toml", &etcd_section(&addresses));
    let run = list(["--from", &toml], 1);
    assert_eq!(run.expect(0).json()["keys"][0]["key"], "nodes_config");

    // The same with nodes of a cluster.
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let mut addresses: Vec<_> = silent.iter().map(SilentPort::address).collect();
    let run = list(["-s", &addresses.join(",")], 1);
    assert_eq!(run.expect(6).json()["error"]["code"], "source-unavailable");
    addresses.push(cluster.address());
    list(["-s", &addresses.join(",")], 2).expect(0);
}
