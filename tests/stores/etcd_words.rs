//! What is met at an etcd's address, in words that say what it is and what to do, at once.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::block_on;
use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::conformance::assert_conforms;
use crate::support::etcd::{Etcd, EtcdProgram, etcd_section};
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::open_store::open_etcd;
use crate::support::ports::Port;
use crate::support::process::Process;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::{assert_refused, restatectl};
use crate::support::wait_for;

fn write_toml(folder: &TempDir, addresses: &[String]) -> String {
    write_file(folder, "etcd.toml", &etcd_section(addresses))
}

/// Asserts that a listing and a dry run fail with these words, in less time than a request may take.
#[track_caller]
fn assert_unusable(cluster: &Cluster, address: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    let toml = write_toml(&folder, &[address.to_owned()]);
    let started = Instant::now();
    let list = ["metadata", "list", "--from", &toml];
    assert_refused(&list, 6, "source-unavailable", words);
    let dry_run = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "--dry-run"];
    let run = restatectl(&dry_run).expect(6);
    assert!(words.iter().all(|word| run.err.contains(word)), "{}", run.err);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn etcd_with_tls_a_node_and_an_etcd_with_authentication_are_named() {
    let cluster = Cluster::ready_to_migrate(1);
    for program in EtcdProgram::ALL {
        let folder = TempDir::new().unwrap();
        let (port, _process) = start_with_tls(program, &folder);
        let address = format!("127.0.0.1:{}", port.number);
        assert_unusable(&cluster, &address, &["expects TLS, and Restate reaches etcd without"]);
        let etcd = Etcd::start_program(program, &[]);
        etcd.require_authentication();
        let words = ["requires authentication, and Restate has no credentials for etcd"];
        assert_unusable(&cluster, &etcd.address(), &words);
        let dry_run =
            ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "--dry-run"];
        let words = ["`etcdctl auth disable`", "has no credentials"];
        let run = assert_refused(&dry_run, 6, "target-denied", &words);
        assert!(!run.err.contains("check the credentials"), "{}", run.err);
    }
    let node = cluster.address();
    let node = node.trim_start_matches("http://").trim_end_matches('/');
    assert_unusable(&cluster, node, &["HTTP status 404: it is not an etcd", "type \"replicated\""]);
}

/// Starts an etcd that expects TLS at its client port.
fn start_with_tls(program: EtcdProgram, folder: &TempDir) -> (Port, Process) {
    let authority = Authority::new(folder.path(), "authority");
    let request = CertificateRequest { file: "etcd", names: &["127.0.0.1"], expired: false };
    authority.sign(&request);
    let (port, peer) = (Port::free(), Port::free());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (url, peer) =
        (format!("https://127.0.0.1:{}", port.number), format!("http://127.0.0.1:{}", peer.number));
    let (data, cert, key) = (path("data"), path("etcd.pem"), path("etcd.key"));
    let args = [
        ["--data-dir", &data],
        ["--listen-client-urls", &url],
        ["--advertise-client-urls", &url],
        ["--listen-peer-urls", &peer],
        ["--initial-advertise-peer-urls", &peer],
        ["--initial-cluster", &format!("default={peer}")],
        ["--cert-file", &cert],
        ["--key-file", &key],
    ];
    let process = Process::start(&program.path(), &args.concat(), &[], &folder.path().join("log"));
    let address = ("127.0.0.1", port.number);
    wait_for("etcd with TLS", Duration::from_secs(20), || {
        std::net::TcpStream::connect(address).ok()
    });
    (port, process)
}

#[test]
fn learner_and_dead_and_silent_members_are_named_in_the_checks_and_the_others_used() {
    let cluster = Cluster::ready_to_migrate(1);
    let mut etcd = EtcdCluster::start_program(EtcdProgram::V3_5, 3);
    let voters = etcd.addresses();
    let learner = etcd.add_learner();
    let folder = TempDir::new().unwrap();
    let migrate = |addresses: &[String]| {
        let toml = write_toml(&folder, addresses);
        let short = ["--request-timeout", "3000", "-s", &cluster.address()];
        let dry_run = ["metadata", "migrate", "--toml", &toml, "--dry-run"];
        restatectl(&[&short[..], &dry_run].concat())
    };
    assert_unusable(&cluster, &learner, &["it is a learner", "promoted"]);
    let all = [&[learner.clone()][..], &voters].concat();
    let section = etcd_section(&all);
    block_on(async { assert_conforms(&open_etcd(&section, Duration::from_secs(5))).await });
    etcd.clear();
    let run = migrate(&[learner.clone(), voters[0].clone()]).expect(0);
    let is_learner = format!("{learner} is a learner: it serves no reads or writes");
    assert!(run.err.contains(&is_learner) && run.err.contains("promote"), "{}", run.err);
    // Those that are not named advertise the machine itself, which says nothing about them from here.
    let run = migrate(&voters[..1]).expect(0);
    assert!(!run.err.contains("does not respond"), "{}", run.err);
    // A member that accepts connections and does not respond, and one that is gone.
    let follower = etcd.follower();
    etcd.signal_member(follower, "STOP");
    let run = migrate(&voters).expect(0);
    let silent = format!("{} does not respond", voters[follower]);
    assert!(run.err.contains(&silent) && run.err.contains("may not start"), "{}", run.err);
    etcd.signal_member(follower, "CONT");
    etcd.kill_member(follower);
    let run = migrate(&voters).expect(0);
    let dead = format!("{} does not respond: connection refused", voters[follower]);
    assert!(run.err.contains(&dead), "{}", run.err);
}

#[test]
fn members_that_addresses_do_not_name_are_looked_at() {
    let cluster = Cluster::ready_to_migrate(1);
    // What they advertise is not reachable from here; two of them are named by another address.
    let advertised = ["--advertise-client-urls", "http://192.0.2.1:2379"];
    let etcd = EtcdCluster::start_with_flags(EtcdProgram::V3_5, 3, &advertised);
    let folder = TempDir::new().unwrap();
    let toml = write_toml(&folder, &etcd.addresses()[..2]);
    let dry_run = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "--dry-run"];
    let run = restatectl(&dry_run).expect(0);
    let silent =
        "member m2 at http://192.0.2.1:2379, not named in addresses, does not respond from here";
    for words in [silent, "a majority of the members"] {
        assert!(run.err.contains(words), "{words:?} is not in {}", run.err);
    }
    assert_eq!(run.err.matches("does not respond").count(), 1, "{}", run.err);
    let etcd = EtcdCluster::start_program(EtcdProgram::V3_5, 1);
    let _never_started = etcd.announce_learner();
    let toml = write_toml(&folder, &etcd.addresses());
    let dry_run = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "--dry-run"];
    let run = restatectl(&dry_run).expect(0);
    assert!(run.err.contains("was added to the store and has never started"), "{}", run.err);
}
