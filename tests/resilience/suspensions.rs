//! Connections that a firewall forgot, and processes that were suspended, ours and the servers'.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::FaultyProxy;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};
use crate::support::{scale_count, wait_for};

/// A run of `migrate` that waits at its first write, with both sides behind proxies.
struct HeldRun {
    child: Child,
    source: FaultyProxy,
    target: FaultyProxy,
    gate: HoldingProxy,
    _folder: TempDir,
}

/// A target: its address, its section at another one, and what only its writes contain.
struct Store<'a> {
    address: &'a str,
    section: &'a dyn Fn(&str) -> String,
    written: &'a str,
}

impl HeldRun {
    fn start(cluster: &Cluster, etcd: &Etcd, request_timeout: &str) -> HeldRun {
        let section = |at: &str| etcd_section(&[at.to_owned()]);
        let (address, written) = (etcd.address(), "partition_table::version");
        let store = Store { address: &address, section: &section, written };
        HeldRun::start_at(cluster, &store, request_timeout)
    }

    fn start_at(cluster: &Cluster, store: &Store<'_>, request_timeout: &str) -> HeldRun {
        let node = cluster.address().trim_start_matches("http://").to_owned();
        let source = FaultyProxy::start_forgetful(&node);
        let target = FaultyProxy::start_forgetful(store.address);
        let gate = HoldingProxy::start(&target.address(), store.written);
        let folder = TempDir::new().unwrap();
        let toml = write_file(&folder, "held.toml", &(store.section)(&gate.address()));
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
    let held = HeldRun::start(&cluster, &etcd, "2000");
    held.signal("STOP");
    std::thread::sleep(Duration::from_secs(5));
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

/// More connections to an S3 are kept than a request may be repeated, all of them forgotten before the last write.
#[test]
fn run_to_s3_goes_on_after_forgotten_connections_and_suspensions() {
    let cluster = Cluster::large(64);
    let bucket = seaweed().bucket().warm();
    let address = bucket.s3.endpoint.trim_start_matches("http://").to_owned();
    for (prefix, timeout) in [("forgotten", "3000"), ("suspended", "2000")] {
        let section = |at: &str| bucket.section_at(&format!("http://{at}"), prefix);
        let written = format!("PUT /{}/{prefix}/nodes_config", bucket.name);
        let store = Store { address: &address, section: &section, written: &written };
        let held = HeldRun::start_at(&cluster, &store, timeout);
        if prefix == "forgotten" {
            held.source.forget_connections();
            held.target.forget_connections();
        } else {
            held.signal("STOP");
            std::thread::sleep(Duration::from_secs(5));
            held.signal("CONT");
        }
        held.finish(prefix);
    }
}

/// With a time-out of minutes, what follows a request that nobody answered does not take as long again each time.
#[test]
fn vanished_servers_are_given_up_after_one_long_request() {
    if scale_count(0, 1) == 0 {
        return;
    }
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let etcd = Etcd::start();
    let mut held = HeldRun::start(&cluster, &etcd, "40000");
    held.source.forget_connections();
    held.target.forget_connections();
    drop((cluster, etcd));
    let started = Instant::now();
    held.gate.release();
    wait_for("the run to end", Duration::from_secs(200), || held.child.try_wait().unwrap());
    let run = wait_for_exit(held.child);
    println!("{:?}: {run:#?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(40 + 3 * 13 + 2));
    assert_eq!(run.code, 7, "{run:#?}");
}
