//! Leaders and members that are lost in the middle of a run, on either side.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::stopped_node::wait_for_members;
use crate::support::etcd::etcd_section;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::restate::{Cluster, Mode, put_values};
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, wait_for_exit};
use crate::support::wait_for;

#[test]
fn run_survives_etcd_leader_loss_and_reports_a_lost_quorum() {
    let cluster = Cluster::large(2_048);
    let mut etcd = EtcdCluster::start(3);
    let folder = TempDir::new().unwrap();
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&etcd.addresses()));
    let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &toml, "-o", "json"];
    let mut migrate = command(&program(), &args);
    let child = migrate.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first keys", Duration::from_secs(30), || (etcd.count() > 0).then_some(()));
    etcd.kill_leader();
    let run = wait_for_exit(child);
    // Survived; or stopped with what is written, and finished by the hint.
    assert!([0, 7].contains(&run.code), "{run:#?}");
    if run.code == 7 {
        restatectl(&[&args[..], &["--resume"]].concat()).expect(0);
    }
    let verify = ["-s", &cluster.address(), "metadata", "verify", "--toml", &toml];
    restatectl(&verify).expect(0);
    println!("the leader of three etcd members killed amid a migration: exit {}", run.code);
    // One of three is no majority.
    etcd.kill_leader();
    let short = ["--request-timeout", "2000", "--connect-timeout", "500"];
    let document = restatectl(&[&args[..], &short].concat()).expect(6).json();
    assert_eq!(document["error"]["code"], "target-unavailable");
}

#[test]
fn run_survives_cluster_leader_loss_during_the_read() {
    let server: &[&str] = &["metadata-server"];
    let mut cluster = Cluster::start(&[server, server, server], 1_000);
    wait_for_members(&cluster, 3);
    cluster.restart(&Mode::Migration);
    let epoch = {
        let (_, bytes) = {
            let large = Cluster::large(1);
            crate::support::restate::get_value(&large.address(), "pp_epoch_0").unwrap()
        };
        bytes
    };
    let keys: Vec<_> = (0..1_000).map(|n| format!("pp_epoch_{n}")).collect();
    put_values(&cluster.address(), &keys, 1, &epoch);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("backup.jsonl").to_str().unwrap().to_owned();
    // A survivor's address first, and the leader dead shortly after the reads have begun.
    let leader = cluster.leader();
    let addresses = cluster.addresses();
    let args = ["-s", &addresses, "metadata", "backup", "--to", &file];
    let mut backup = command(&program(), &args);
    let child = backup.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(120));
    cluster.kill_node(leader);
    wait_for_exit(child).expect(0);
    restatectl(&["-s", &addresses, "metadata", "verify", "--toml", &file]).expect(0);
}

#[test]
fn etcd_with_a_tiny_request_limit_is_refused() {
    use crate::support::etcd::Etcd;
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start_with_flags(&["--max-request-bytes", "100"]);
    let args =
        ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    let document = restatectl(&args).expect(5).json();
    assert_eq!(document["error"]["code"], "value-too-large");
    assert!(etcd.content().is_empty());
}
