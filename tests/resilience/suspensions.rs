//! Connections that a firewall forgot, and processes that were suspended, ours and the servers'.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::FaultyProxy;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};

/// A run of `migrate` that waits at its first write, with both sides behind proxies.
struct HeldRun {
    child: Child,
    source: FaultyProxy,
    target: FaultyProxy,
    gate: HoldingProxy,
    _folder: TempDir,
}

impl HeldRun {
    fn start(cluster: &Cluster, etcd: &Etcd, request_timeout: &str) -> HeldRun {
        let source = FaultyProxy::start_forgetful(cluster.address().trim_start_matches("http://"));
        let target = FaultyProxy::start_forgetful(&etcd.address());
        let gate = HoldingProxy::start(&target.address(), "partition_table::version");
        let folder = TempDir::new().unwrap();
        let toml = write_file(&folder, "held.toml", &etcd_section(&[gate.address()]));
        let at = source.address();
        let args = ["-S", &at, "metadata", "migrate", "--toml", &toml, "-o", "json"];
        let args = [&args[..], &["--request-timeout", request_timeout]].concat();
        let mut command = command(&program(), &args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        gate.wait_until_holding();
        HeldRun { child, source, target, gate, _folder: folder }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap();
    }

    /// Lets the run go on, and asserts that it succeeds.
    fn finish(self, what: &str) {
        self.gate.release();
        let run = wait_for_exit(self.child);
        assert_eq!(run.code, 0, "{what}: {run:#?}");
    }
}

#[test]
fn run_goes_on_after_forgotten_connections_and_suspensions() {
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let etcd = Etcd::start();

    let held = HeldRun::start(&cluster, &etcd, "3000");
    held.source.forget_connections();
    held.target.forget_connections();
    held.finish("forgotten connections");

    // Ours: all its time-outs have expired when it wakes.
    etcd.clear();
    let held = HeldRun::start(&cluster, &etcd, "1000");
    held.signal("STOP");
    std::thread::sleep(Duration::from_secs(3));
    held.signal("CONT");
    held.finish("our process was suspended");

    // The servers, each for a part of the time of a request.
    etcd.clear();
    let held = HeldRun::start(&cluster, &etcd, "4000");
    etcd.signal("STOP");
    cluster.signal_node(0, "STOP");
    held.gate.release();
    std::thread::sleep(Duration::from_millis(1500));
    etcd.signal("CONT");
    cluster.signal_node(0, "CONT");
    held.finish("the servers were suspended");
    let verify = ["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()];
    restatectl(&verify).expect(0);
}
