//! A server at a node's address that answers without end, or with what no node says: time and memory stay bounded.

use std::time::Duration;

use prost::Message;
use restatectl::proto::cluster::node_state::State;
use restatectl::proto::cluster::{AliveNode, ClusterState, NodeState, PartitionProcessorStatus};
use restatectl::proto::cluster_ctrl::ClusterStateResponse;
use restatectl::proto::common::{NodeId, Version};
use restatectl::proto::metadata::VersionedValue;
use restatectl::proto::metadata_proxy_svc::GetResponse;
use restatectl::proto::metadata_server_svc::StatusResponse;
use restatectl::proto::node_ctl_svc::{GetMetadataResponse, IdentResponse};
use serde_json::json;

use crate::support::etcd::Etcd;
use crate::support::hostile_node::{
    CACHED_NODES, CLUSTER_STATE, GET, HostileNode, IDENT, OddAnswer, STATUS,
};
use crate::support::peak_memory::{MeasuredRun, run_measured};
use crate::support::restate::Cluster;
use crate::support::run_within;
use crate::support::silent_port::SilentPort;
use crate::support::tool::{Run, command, program};

/// The most memory that a run takes, in MiB, whatever one node answers.
const MOST_MEMORY: u64 = 400;

/// The time limit of a request, and the most time that a run takes: several of its requests follow one another.
const REQUEST_LIMIT: &str = "1000";
const MOST_TIME: Duration = Duration::from_secs(15);

/// Runs our program, and asserts its bounds.
fn run(address: [&str; 2], args: &[&str]) -> Run {
    let limits = ["--request-timeout", REQUEST_LIMIT, "--connect-timeout", REQUEST_LIMIT];
    run_within(MOST_TIME, || {
        let measured = run_measured(command(&program(), &[args, &address, &limits].concat()));
        let MeasuredRun { run, peak_mib, took } = measured;
        println!("{address:?} {args:?}: exit {}, {peak_mib} MiB, {took:?}", run.code);
        assert!(peak_mib < MOST_MEMORY, "{peak_mib} MiB: {run:#?}");
        assert!(!run.err.contains("panicked"), "{run:#?}");
        run
    })
}

/// Runs it up to three times until it ends with this code: beside a flood, a real node may not answer within the limit.
fn run_to_code(code: i32, address: [&str; 2], args: &[&str]) -> Run {
    let mut ended = run(address, args);
    for _ in 0..2 {
        if ended.code != code {
            ended = run(address, args);
        }
    }
    ended.expect(code)
}

fn message(message: &impl Message) -> OddAnswer {
    OddAnswer::Message(message.encode_to_vec())
}

/// Returns the answer of a node that has cached a configuration with these addresses.
fn cached_nodes(addresses: &[String]) -> OddAnswer {
    let node = |(id, address): (usize, &String)| {
        json!([id, {"Node": {"name": format!("n{id}"), "address": address,
            "roles": ["metadata-server"], "current_generation": [id, 1]}}])
    };
    let nodes: Vec<_> = (1..).zip(addresses).map(node).collect();
    let document = json!({"version": 9, "cluster_name": "demo", "nodes": nodes});
    let buffer = flexbuffers::to_vec(&document).unwrap();
    let mut encoded = vec![2];
    encoded.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
    encoded.extend(buffer);
    message(&GetMetadataResponse { encoded: encoded.into() })
}

/// Returns the answer of a node that holds a value which is one list of numbers, of so many bytes.
fn list_of_numbers(bytes: usize) -> OddAnswer {
    let count = u32::try_from(bytes / 4).unwrap();
    let mut buffer = count.to_le_bytes().to_vec();
    buffer.resize(4 + bytes / 4 * 4, 1);
    // The root: an offset back to the list, its type (numbers, 4 bytes each), and the width of the offset.
    buffer.extend((count * 4).to_le_bytes());
    buffer.extend([12 << 2 | 2, 4]);
    let mut encoded = vec![2];
    encoded.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
    encoded.extend(buffer);
    let version = Some(Version { value: 1 });
    let value = Some(VersionedValue { version, bytes: encoded.into() });
    message(&GetResponse { value })
}

#[test]
fn answers_without_end_are_given_up() {
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let (etcd, real) = (Etcd::start(), cluster.address());
    let toml = etcd.toml();
    let migrate = ["metadata", "migrate", "--dry-run", "--toml", &toml];
    let list = ["metadata", "list"];
    let hostile = |path, odd: &OddAnswer| HostileNode::start(&real, vec![(path, odd.clone())]);
    for odd in [OddAnswer::Endless(60 << 20), OddAnswer::Endless(100), OddAnswer::Dripping] {
        let cached = hostile(CACHED_NODES, &odd);
        run_to_code(6, ["-s", &cached.address()], &list);
        let both = format!("{},{real}", cached.address());
        run_to_code(0, ["-s", &both], &list);
        let value = hostile(GET, &odd);
        run_to_code(6, ["-S", &value.address()], &list);
    }
    for path in [IDENT, STATUS] {
        let node = hostile(path, &OddAnswer::Dripping);
        let both = format!("{},{real}", node.address());
        run_to_code(0, ["-s", &both], &migrate);
        run(["-S", &node.address()], &migrate);
    }
    let unfolding = hostile(GET, &list_of_numbers(2 << 20));
    assert_ne!(run(["-S", &unfolding.address()], &migrate).code, 0);
}

#[test]
fn ten_thousand_nodes_are_asked_within_bounds() {
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let (etcd, silent) = (Etcd::start(), SilentPort::open());
    let toml = etcd.toml();
    let migrate = ["metadata", "migrate", "--dry-run", "--toml", &toml];
    let address = |n: usize| match n % 2 {
        // Refused, and never answered.
        0 => format!("http://127.0.{}.{}:1", n / 250, 1 + n % 250),
        _ => format!("http://{}", silent.address()),
    };
    let many = cached_nodes(&(0..10_000).map(address).collect::<Vec<_>>());
    let many = HostileNode::start(&cluster.address(), vec![(CACHED_NODES, many)]);
    run_to_code(0, ["-s", &many.address()], &["metadata", "list"]);
    run(["-s", &many.address()], &migrate);
    run_to_code(5, ["-s", &many.address()], &["status"]);
    let wait = ["wait", "--for", "running", "--timeout", "2s"];
    run_to_code(5, ["-s", &many.address()], &wait);
}

/// Returns a cluster state in which one node has as many partitions as fit 15 MiB.
fn many_partitions() -> OddAnswer {
    let alive = (0..2_000_000).map(|n| (n, PartitionProcessorStatus::default()));
    let alive = AliveNode { partitions: alive.collect(), ..AliveNode::default() };
    let state = NodeState { state: Some(State::Alive(alive)) };
    let state = ClusterState { nodes: [(1, state)].into(), ..ClusterState::default() };
    message(&ClusterStateResponse { cluster_state: Some(state) })
}

#[test]
fn odd_reports_of_partitions_are_given_up() {
    let cluster = Cluster::start(&[&["metadata-server", "admin"]], 1);
    let state = "\u{1b}[2J";
    for odd in [
        OddAnswer::Endless(60 << 20),
        OddAnswer::Endless(100),
        OddAnswer::Dripping,
        OddAnswer::Refusal(state.to_owned()),
        many_partitions(),
    ] {
        let node = HostileNode::start(&cluster.address(), vec![(CLUSTER_STATE, odd)]);
        let shown = run_to_code(5, ["-S", &node.address()], &["status"]);
        assert!(!shown.err.contains(state), "{}", shown.err);
    }
}

#[test]
fn nodes_that_name_each_other_as_leader_are_asked_once() {
    let cluster = Cluster::start_metadata_server("127.0.0.1", "127.0.0.1");
    let etcd = Etcd::start();
    let ident = |id| {
        let (node_id, status) = (Some(NodeId { id, generation: Some(1) }), 1);
        let cluster_name = "demo".to_owned();
        message(&IdentResponse { status, node_id, cluster_name, ..IdentResponse::default() })
    };
    let status = |leader| {
        message(&StatusResponse { status: 3, leader: Some(leader), ..StatusResponse::default() })
    };
    let two = [(1, 2), (2, 1)].map(|(id, leader)| {
        let rules = vec![(IDENT, ident(id)), (STATUS, status(leader))];
        HostileNode::start(&cluster.address(), rules)
    });
    let both = two.each_ref().map(HostileNode::address).join(",");
    run_to_code(0, ["-s", &both], &["metadata", "list"]);
    let migrate = ["metadata", "migrate", "--dry-run", "--toml", &etcd.toml()];
    run(["-s", &both], &migrate);
}
