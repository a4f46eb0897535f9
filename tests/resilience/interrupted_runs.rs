//! Runs that are stopped between their checks and their end: another writer, signals, lost responses, a
//! full etcd.

use std::process::{Command, Stdio};

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

/// Starts a run whose first write the proxy holds.
fn spawn_held_run(cluster: &Cluster, proxy: &HoldingProxy) -> std::process::Child {
    let folder = tempfile::TempDir::new().unwrap();
    let toml = folder.path().join("target.toml");
    std::fs::write(&toml, etcd_section(&[proxy.address()])).unwrap();
    let args = [
        "-s",
        &cluster.address(),
        "metadata",
        "migrate",
        "--toml",
        toml.to_str().unwrap(),
        "-o",
        "json",
    ];
    let mut command = command(&program(), &args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    child
}

fn start_cluster() -> Cluster {
    Cluster::ready_to_migrate(2)
}

#[test]
fn key_created_between_check_and_write_stops_the_run_and_is_kept() {
    let (cluster, etcd) = (start_cluster(), Etcd::start());
    // Before the write, nothing names a key that is not there.
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let child = spawn_held_run(&cluster, &proxy);
    etcd.put("rule_book", "theirs");
    etcd.put("rule_book::version", 1_u32.to_le_bytes());
    let found = etcd.content();
    proxy.release();
    let document = wait_for_exit(child).expect(7).json();
    assert_eq!(document["error"]["code"], "target-conflict");
    assert_eq!(document["outcome"], "failed");
    assert!(document["error"]["message"].as_str().unwrap().contains("rule_book"), "{document}");
    assert!(document["error"]["hints"][0].as_str().unwrap().contains("--resume"));
    assert_eq!(etcd.content(), found);
}

#[test]
fn signal_ends_the_run_with_a_resume_hint() {
    let (cluster, etcd) = (start_cluster(), Etcd::start());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
        let child = spawn_held_run(&cluster, &proxy);
        let id = child.id().to_string();
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success()
        );
        let document = wait_for_exit(child).expect(code).json();
        assert_eq!(document["error"]["code"], "interrupted");
        assert_eq!(document["outcome"], "interrupted");
        let hint = document["error"]["hints"][0].as_str().unwrap();
        assert!(hint.ends_with("-o json --resume"), "{hint}");
        assert!(etcd.content().is_empty());
    }
}

#[test]
fn write_with_a_lost_response_is_settled_by_reading() {
    let (cluster, etcd) = (start_cluster(), Etcd::start());
    let proxy = HoldingProxy::start_cutting(&etcd.address(), "rule_book::version");
    let folder = tempfile::TempDir::new().unwrap();
    let toml = write_file(&folder, "target.toml", &etcd_section(&[proxy.address()]));
    let args =
        ["-v", "-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "-o", "json"];
    let run = restatectl(&args).expect(0);
    assert_eq!(run.json()["outcome"], "migrated");
    let lost =
        run.err.lines().filter(|line| line.contains(": write ") && line.contains(", failed: "));
    assert!(lost.count() >= 1, "no answer was lost: {}", run.err);
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()]).expect(0);
}

#[test]
fn etcd_that_fills_up_during_the_run_is_reported_and_resumed() {
    let cluster = start_cluster();
    let etcd = Etcd::start_with_flags(&["--quota-backend-bytes", "8388608"]);
    let proxy = HoldingProxy::start(&etcd.address(), "rule_book::version");
    let child = spawn_held_run(&cluster, &proxy);
    while etcd.try_put("filler", vec![0; 1 << 20]) {}
    proxy.release();
    let document = wait_for_exit(child).expect(7).json();
    assert_eq!(document["error"]["code"], "target-full");
    assert!(!etcd.content().contains_key("nodes_config"));
    etcd.make_room("filler");
    let args =
        ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "--resume"];
    restatectl(&args).expect(0);
}
