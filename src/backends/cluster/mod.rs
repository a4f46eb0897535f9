//! The running cluster as a source: single keys through MetadataProxySvc, which every node serves
//! from whatever store it is configured with. As a target it is a type of its own, [`WritableCluster`].
//!
//! The replicated store offers no listing; the snapshot stage knows which keys there are.

mod ask_each;
mod discovery;
mod ident;
mod inspect;
mod leader;
mod leader_connections;
mod leader_reading;
mod node;
mod partitions;
mod poll;
mod quorum;
mod stand_ins;
mod write;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use prost::bytes::Bytes;
use tokio::join;
use tokio::sync::Semaphore;
use tonic::Code;

pub use ask_each::{NOT_ASKED, ask_each};
pub use discovery::{ClusterOptions, connect};
pub use inspect::{ClusterReport, InspectedNode, Questions};
pub use node::{identify_node_at, probe_store_at};
pub use write::WritableCluster;

use super::concurrency_limiter::ConcurrencyLimiter;
use super::request::Request;
use super::transport::{CallError, Servers};
use super::{ReadLimits, Source, intact_entry};
use crate::codec::NodesConfiguration;
use crate::model::{CasToken, Entry, Key, Quorum, StoreError, Version};
use crate::proto::metadata::VersionedValue;
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;
use crate::proto::node_ctl_svc::{GetMetadataRequest, MetadataKind};
use ident::cached_nodes_limit;
use leader::{LeaderReading, answer_limit};
use stand_ins::StandIns;

/// The reads at once that one node is asked for, over one connection: more than about 100 reset it (seen), and far more over
/// several fail inside the node.
const NODE_READS_AT_ONCE: usize = 64;

/// The reads at once from a cluster that is near, all on one connection: more gain nothing, and cost memory and CPU.
const READS_NEARBY: usize = 64;

/// A connection to the nodes of one cluster.
pub struct Cluster {
    name: String,
    peers: Servers,
    /// The configuration that the nodes cache: used to find and name nodes, never to be copied.
    known: NodesConfiguration,
    /// `true` if no other nodes are asked than those that were named.
    only_these: bool,
    /// The most reads at once.
    at_once: usize,
    /// The reads at once: fewer where the cluster is near.
    pace: ConcurrencyLimiter,
    /// The right to read through a node instead of the leader.
    node_turns: Semaphore,
    /// The leader that is asked instead of the nodes, if there is one.
    leader: Mutex<Option<Arc<LeaderReading>>>,
    stand_ins: StandIns,
    /// `true` once the store was read although most of its members can't be reached from here.
    is_read_through_others: AtomicBool,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({})", self.name)
    }
}

impl Cluster {
    /// Returns the nodes configuration that the responding nodes cache; possibly old.
    pub fn known_nodes(&self) -> &NodesConfiguration {
        &self.known
    }

    /// Returns whether only the addresses that were named are asked (`--single-address`).
    pub fn asks_only_given(&self) -> bool {
        self.only_these
    }

    /// Returns the addresses, in the order in which they are asked.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        self.peers.addresses().map(ToString::to_string)
    }

    /// Asks which members of the replicated store respond.
    pub async fn quorum(&self) -> Quorum {
        if self.only_these && quorum::has_members(&self.known) {
            return Quorum::Unknown;
        }
        let seen = quorum::observe_quorum(&self.peers, &self.known, &self.stand_ins).await;
        if seen.members().is_some_and(|count| count.is_partly_reached) {
            self.is_read_through_others.store(true, Ordering::Relaxed);
        }
        seen
    }

    /// Asks which members of the replicated store respond, and at the same time which of them leads, so that reading
    /// can begin with it.
    pub async fn prepare_reading(&self) -> Quorum {
        join!(self.quorum(), self.prepare_leader()).0
    }

    /// Returns whether nodes that run were seen to be out of reach from here, as through a port-forward: that a
    /// node does not respond then says nothing of it.
    pub fn is_partly_reached(&self) -> bool {
        self.is_read_through_others.load(Ordering::Relaxed) || self.stand_ins.are_needed()
    }

    /// Returns for how long nodes are asked, one after the other, before the rest is not.
    pub fn asking_limit(&self) -> Duration {
        self.peers.short_limit()
    }

    /// Reads `nodes_config` as a node last had it from its store, in the stored encoding.
    async fn cached_nodes_config(&self) -> Option<Bytes> {
        let what = Request::without_key("cached nodes_config");
        let limit = cached_nodes_limit(&self.peers);
        let call = self.peers.call(&what, |channel| {
            let request = GetMetadataRequest { kind: MetadataKind::NodesConfiguration.into() };
            async move {
                let mut client = NodeCtlSvcClient::new(channel).max_decoding_message_size(limit);
                client.get_metadata(request).await.map(tonic::Response::into_inner)
            }
        });
        call.await.ok().map(|answer| answer.encoded)
    }

    // What is seldom needed is boxed: thousands of these futures are made, and each is moved as a whole.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let name = key.to_string();
        let answer = match self.leader_reading() {
            None => Box::pin(self.get_from_node(&name)).await,
            Some(reading) => match self.get_from_leader(&reading, &name).await {
                Ok(value) => Ok(value),
                Err(reason) => {
                    self.forget_leader(&reading, &name, &reason);
                    Box::pin(self.get_from_node(&name)).await
                }
            },
        };
        let value = match answer {
            Ok(value) => value,
            Err(error) => return Err(Box::pin(self.explain_error(error)).await),
        };
        Ok(value.map(entry_from_answer))
    }

    /// Reads the value from the node's own store, whichever that is.
    async fn get_from_node(&self, name: &str) -> Result<Option<VersionedValue>, CallError> {
        let limit = answer_limit(&self.peers, name);
        // The semaphore is never closed.
        let _turn = self.node_turns.acquire().await;
        let answer = self
            .peers
            .call(&Request::about_key("get", &name), |channel| {
                let request = GetRequest { key: name.to_owned() };
                async move {
                    let mut client =
                        MetadataProxySvcClient::new(channel).max_decoding_message_size(limit);
                    client.get(request).await.map(tonic::Response::into_inner)
                }
            })
            .await;
        answer.map(|answer| answer.value)
    }

    /// Turns an unreachable store into a lost quorum where it is one.
    async fn explain_error(&self, error: CallError) -> StoreError {
        let store = self.name.clone();
        let unreachable = match error {
            CallError::Permanent(Code::OutOfRange, reason) => {
                return StoreError::TooLarge { store, reason };
            }
            CallError::Permanent(code, reason) => {
                return StoreError::Other { store, reason: format!("{code:?}: {reason}") };
            }
            CallError::Untrusted(reason) => StoreError::Untrusted { store, reason },
            CallError::Unavailable(reason) => StoreError::Unavailable { store, reason },
        };
        match self.quorum().await {
            Quorum::Lost(count) | Quorum::NoLeader(count) => {
                StoreError::NoQuorum { store: self.name.clone(), reason: count.to_string() }
            }
            Quorum::Held(_) | Quorum::Unknown | Quorum::NoMetadataServers => unreachable,
        }
    }
}

/// The size below which a value is copied out of the larger buffer that it was received in.
const SMALL_VALUE_BYTES: usize = 64 << 10;

fn entry_from_answer(value: VersionedValue) -> Entry {
    let bytes = match value.bytes.len() {
        ..SMALL_VALUE_BYTES => Bytes::copy_from_slice(&value.bytes),
        _ => value.bytes,
    };
    match value.version {
        Some(version) => {
            intact_entry(version.value, bytes, CasToken::Version(Version(version.value)))
        }
        None => unversioned_entry(&bytes),
    }
}

fn unversioned_entry(bytes: &Bytes) -> Entry {
    Entry::Damaged {
        reason: "is stored without a version".to_owned(),
        raw: vec![("value".to_owned(), bytes.clone())],
        tag: CasToken::Version(Version(0)),
    }
}

#[async_trait]
impl Source for Cluster {
    fn kind(&self) -> &'static str {
        "replicated"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: 1, concurrency: self.at_once }
    }

    fn can_list(&self) -> bool {
        false
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        self.prepare_leader().await;
        Ok(None)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let permit = self.pace.acquire_permit().await;
            entries.push(self.get(key).await?);
            permit.finish(true);
        }
        Ok(entries)
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}
