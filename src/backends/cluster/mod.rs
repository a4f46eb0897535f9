//! The running cluster as a source: single keys through MetadataProxySvc, which every node serves
//! from whatever store it is configured with.
//!
//! The replicated store offers no listing; which keys there are is the snapshot station's business.

mod discovery;
mod quorum;

use std::collections::BTreeSet;

use async_trait::async_trait;
use prost::bytes::Bytes;

pub use discovery::{ClusterOptions, connect};
pub use quorum::Quorum;

use super::transport::{CallError, MAX_MESSAGE, Servers};
use super::{Reading, Source, StoreError, whole};
use crate::codec::NodesConfiguration;
use crate::model::{Entry, Key, Tag, Version};
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

/// A connection to the nodes of one cluster.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    peers: Servers,
    /// As the nodes cache it: to find and name nodes, never to be copied.
    known: NodesConfiguration,
    /// Whether no other nodes are asked than those that were named.
    only_these: bool,
}

impl Cluster {
    /// The nodes configuration that the answering nodes cache; possibly old.
    pub fn known(&self) -> &NodesConfiguration {
        &self.known
    }

    /// Whether a node answers at this address, and if not, why.
    ///
    /// # Errors
    /// The reason, in words.
    pub async fn answers(&self, address: &str) -> Result<(), String> {
        let channel = self.peers.at(&address.parse()?)?.channel;
        self.peers.once(NodeCtlSvcClient::new(channel).get_ident(())).await.map(|_| ())
    }

    /// Which members of the replicated store answer.
    pub async fn quorum(&self) -> Quorum {
        if self.only_these && quorum::has_members(&self.known) {
            return Quorum::Unseen;
        }
        quorum::look(&self.peers, &self.known).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let name = key.to_string();
        let answer = self
            .peers
            .call(&name, |channel| {
                let request = GetRequest { key: name.clone() };
                async move {
                    let mut client =
                        MetadataProxySvcClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
                    client.get(request).await.map(tonic::Response::into_inner)
                }
            })
            .await;
        let value = match answer {
            Ok(answer) => answer.value,
            Err(error) => return Err(self.explained(error).await),
        };
        Ok(value.map(|value| match value.version {
            Some(version) => {
                whole(version.value, value.bytes, Tag::Version(Version(version.value)))
            }
            None => unversioned(&value.bytes),
        }))
    }

    /// What can't be reached is told as a lost quorum where it is one.
    async fn explained(&self, error: CallError) -> StoreError {
        let store = self.name.clone();
        let reason = match error {
            CallError::Refused(code, reason) => {
                return StoreError::Other { store, reason: format!("{code:?}: {reason}") };
            }
            CallError::Unavailable(reason) => reason,
        };
        match self.quorum().await {
            Quorum::Lost(reason) | Quorum::NoLeader(reason) => {
                StoreError::NoQuorum { store, reason }
            }
            Quorum::Held(_) | Quorum::Unseen | Quorum::NoMembers => {
                StoreError::Unavailable { store, reason }
            }
        }
    }
}

fn unversioned(bytes: &Bytes) -> Entry {
    Entry::Damaged {
        reason: "is stored without a version".to_owned(),
        raw: vec![("value".to_owned(), bytes.clone())],
        tag: Tag::Version(Version(0)),
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

    fn reading(&self) -> Reading {
        // Measured: more than about 100 requests in flight reset the connection, and 16 already
        // bring all that the server can give.
        Reading { keys: 1, concurrency: 16 }
    }

    async fn keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        Ok(None)
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            entries.push(self.get(key).await?);
        }
        Ok(entries)
    }

    async fn foreign(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}
