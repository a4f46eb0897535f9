//! Clusters of metadata servers whose folders are read, and values that tell by themselves whether they are right.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::time::Duration;

use restatectl::backends::Source;
use restatectl::backends::stopped_node::{StoppedFolders, StoppedNodes};
use restatectl::codec::differs_only_in_clock;
use restatectl::model::{Entry, Key, StoppedMembers, StoreError, Value, Version};
use restatectl::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;

use crate::support::restate::{Cluster, get_value};
use crate::support::{block_on, wait_for};

/// Versions and bytes by key.
pub(super) type Values = BTreeMap<String, (u32, Vec<u8>)>;

/// The roles of a node that only keeps metadata.
pub(super) const SERVER: &[&str] = &["metadata-server"];

/// What folders hold together.
pub(super) struct Folders {
    pub(super) values: Values,
    pub(super) members: StoppedMembers,
}

/// Reads the folders that an argument names.
pub(super) fn try_read(argument: &str) -> Result<Folders, StoreError> {
    let folders = StoppedFolders::find(OsStr::new(argument)).unwrap().unwrap();
    let store = StoppedNodes::open(folders)?;
    block_on(async {
        let keys: Vec<Key> = store.list_keys().await?.unwrap().into_iter().collect();
        let entries = store.read(&keys).await?;
        let value = |entry: Option<Entry>| {
            let entry = entry.unwrap();
            let value = entry.value().unwrap();
            (value.version.0, value.bytes.to_vec())
        };
        let names = keys.iter().map(Key::to_string);
        let values = names.zip(entries.into_iter().map(value)).collect();
        Ok(Folders { values, members: store.stopped_members().unwrap() })
    })
}

#[track_caller]
pub(super) fn read(argument: &str) -> Folders {
    try_read(argument).unwrap_or_else(|error| panic!("{argument}: {error}"))
}

/// Reads the folders of these nodes together.
#[track_caller]
pub(super) fn read_nodes(cluster: &Cluster, nodes: &[usize]) -> Folders {
    read(&name_nodes(cluster, nodes))
}

/// Returns the argument that names the base directories of these nodes.
pub(super) fn name_nodes(cluster: &Cluster, nodes: &[usize]) -> String {
    nodes.iter().map(|node| cluster.base_folder(*node)).collect::<Vec<_>>().join(",")
}

/// Returns what the cluster answers for each of these keys, and for the fixed ones.
pub(super) fn answers(cluster: &Cluster, keys: &[String]) -> Values {
    let address = cluster.nodes[cluster.leader()].address();
    let fixed = ["nodes_config", "bifrost_config", "partition_table"].map(ToOwned::to_owned);
    let keys = fixed.iter().chain(keys);
    keys.filter_map(|key| Some((key.clone(), get_value(&address, key)?))).collect()
}

/// Returns the content that a key has at a version: half of it can be compressed, half can't.
pub(super) fn content(key: &str, version: u32, size: usize) -> Vec<u8> {
    let begin = format!("{key} at {version} of {size}: ").into_bytes();
    let seed = begin.iter().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(*byte));
    let mut dice = fastrand::Rng::with_seed(seed);
    let noise = std::iter::repeat_with(move || dice.u8(..)).take(size / 2);
    let mut bytes: Vec<u8> = begin.iter().copied().chain(noise).collect();
    bytes.resize(size.max(begin.len()), b'.');
    bytes
}

/// Waits until every node knows so many members.
pub(super) fn wait_for_members(cluster: &Cluster, count: usize) {
    wait_for(&format!("{count} members"), Duration::from_secs(30), || {
        cluster.nodes.iter().all(|node| count_members(&node.address()) == Some(count)).then_some(())
    });
}

fn count_members(address: &str) -> Option<usize> {
    block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).ok()?;
        let mut client = MetadataServerSvcClient::new(endpoint.connect().await.ok()?);
        let status = client.status(()).await.ok()?.into_inner();
        Some(status.configuration?.members.len())
    })
}

/// Checks that folders hold what was answered. Servers that change the members write the time into their own
/// `nodes_config`, so that it can differ at one version.
#[track_caller]
pub(super) fn assert_same_values(found: &Values, expected: &Values) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let value = |(version, bytes): &(u32, Vec<u8>)| Value {
        version: Version(*version),
        bytes: bytes.clone().into(),
    };
    for (key, stored) in expected {
        let is_same = found[key] == *stored;
        let (one, other) = (value(&found[key]), value(stored));
        let is_clock = key == "nodes_config" && differs_only_in_clock(&one, &other);
        assert!(is_same || is_clock, "{key}: {one:?} instead of {other:?}");
    }
}
