//! Direct reads from the leader of the replicated store, made only if that is the nodes' store.

use std::time::Duration;

use restatectl::proto::metadata_server_svc::GetRequest;
use restatectl::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use tonic::transport::Endpoint;

use crate::stopped_node::wait_for_members;
use crate::support::block_on;
use crate::support::etcd::Etcd;
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::restate::{Cluster, Mode, get_value};
use crate::support::tool::{Run, restatectl};

const LEADER_READ_MESSAGE: &str = "the replicated store's leader is asked";

/// Lists the keys through one node.
fn list_by_node(cluster: &Cluster, index: usize) -> Run {
    let address = cluster.nodes[index].address();
    restatectl(&["-s", &address, "metadata", "list", "-o", "json", "-v"]).expect(0)
}

fn version_of(run: &Run, key: &str) -> u64 {
    let keys = run.json()["keys"].as_array().unwrap().clone();
    let row = keys.iter().find(|row| row["key"] == key).unwrap().clone();
    row["version"].as_u64().unwrap()
}

#[test]
fn metadata_server_with_stale_content_is_not_read() {
    let workers = ["worker", "log-server", "admin", "http-ingress"];
    let mut cluster = Cluster::start(&[&["metadata-server"], &workers], 2);
    cluster.restart(&Mode::Migration);
    let before = list_by_node(&cluster, 1);
    assert!(before.err.contains(LEADER_READ_MESSAGE), "{}", before.err);
    let etcd = Etcd::start();
    restatectl(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()])
        .expect(0);
    // The operator forgets the node with the metadata server.
    cluster.restart_node(1, &Mode::External(etcd.section()));
    let after = list_by_node(&cluster, 1);
    assert!(!after.err.contains(LEADER_READ_MESSAGE), "{}", after.err);
    let versions = [&after, &list_by_node(&cluster, 0)].map(|run| version_of(run, "nodes_config"));
    assert!(versions[0] > versions[1], "{versions:?}");
}

/// Returns whether the node answers a direct read in time.
fn answers_direct_read(
    cluster: &Cluster,
    index: usize,
    cluster_fingerprint: u64,
) -> Result<bool, String> {
    let address = cluster.nodes[index].address();
    block_on(async {
        let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let key = "nodes_config".to_owned();
        let request = GetRequest { key, cluster_fingerprint, cluster_name: None };
        let mut client = MetadataServerSvcClient::new(channel);
        let answer = tokio::time::timeout(Duration::from_secs(5), client.get(request)).await;
        let answer = answer.map_err(|_| "no answer".to_owned())?;
        answer.map(|answer| answer.into_inner().value.is_some()).map_err(|s| s.to_string())
    })
}

#[test]
fn direct_read_needs_a_leader_with_quorum_and_the_right_fingerprint() {
    let server: &[&str] = &["metadata-server"];
    let mut cluster = Cluster::start(&[server, server, server], 2);
    wait_for_members(&cluster, 3);
    let listing = list_by_node(&cluster, 0).json();
    let fingerprint = listing["cluster"]["fingerprint"].as_u64().unwrap();
    let leader = cluster.leader();
    let followers: Vec<_> = (0..3).filter(|index| *index != leader).collect();
    assert_eq!(answers_direct_read(&cluster, leader, fingerprint), Ok(true));
    for follower in &followers {
        println!(
            "a follower: {}",
            answers_direct_read(&cluster, *follower, fingerprint).unwrap_err()
        );
    }
    println!(
        "another cluster: {}",
        answers_direct_read(&cluster, leader, fingerprint ^ 1).unwrap_err()
    );
    assert!(get_value(&cluster.address(), "nodes_config").is_some());
    followers.iter().for_each(|index| cluster.kill_node(*index));
    println!(
        "without a quorum: {}",
        answers_direct_read(&cluster, leader, fingerprint).unwrap_err()
    );
}

#[test]
fn all_keys_are_read_although_connections_to_the_leader_are_reset() {
    const PARTITIONS: usize = 512;
    let cluster = Cluster::large(PARTITIONS);
    let near = cluster.address();
    let list = |address: &str| {
        let args = ["--single-address", address, "metadata", "list", "-o", "json", "-v"];
        let run = restatectl(&args).expect(0);
        (run.json()["keys"].as_array().unwrap().clone(), run.err)
    };
    let (expected, log) = list(&near);
    assert!(expected.len() > PARTITIONS && log.contains(LEADER_READ_MESSAGE), "{log}");
    // More than the partition table, and less than all that the first connection is to bring.
    let table = get_value(&near, "partition_table").unwrap().1.len();
    let (harm, direction) = (NetworkFault::Reset, Direction::FromServer);
    let host = near.trim_start_matches("http://");
    let proxy = FaultyProxy::start(host, harm, direction, table + (4 << 10));
    let (found, log) = list(&format!("http://{}", proxy.address()));
    assert_eq!(found, expected);
    assert!(log.contains(LEADER_READ_MESSAGE), "{log}");
    assert!(log.contains("as leader, get pp_epoch_") && log.contains(", failed: "), "{log}");
}
