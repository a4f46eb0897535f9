//! The replicated store's own service at its leader: what every node's client asks in the end.
//!
//! Asked directly, it gives several times as many answers in a second as a node that passes each
//! request on. It may be asked only where the nodes' store is the replicated one: a cluster that has
//! moved can still have a metadata server with the old content. Which it is, `nodes_config` tells:
//! each start of a server raises its generation there, so that it is equal in the node's store and in
//! the replicated one only where they are the same, or nobody ever ran on the other.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tonic::transport::Channel;

use super::super::transport::{Address, MAX_MESSAGE, Servers};
use crate::codec::{Node, NodesConfiguration};
use crate::proto::metadata::VersionedValue;
use crate::proto::metadata_server_svc::GetRequest;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;

/// A leader that does not answer for so long is passed over: the nodes themselves may know better.
const PATIENCE: Duration = Duration::from_secs(2);

/// The leader of the replicated store, as its members last told.
#[derive(Clone)]
pub(super) struct Leader {
    channel: Channel,
    cluster_name: String,
    fingerprint: u64,
}

impl Leader {
    /// The leader that the first member to answer knows of. `None` if that can't be told at once;
    /// with `among`, also if it is none of these.
    pub(super) async fn find(
        peers: &Servers,
        known: &NodesConfiguration,
        among: Option<&[Address]>,
    ) -> Option<Leader> {
        let fingerprint = known.fingerprint?;
        let asked = known.nodes.iter().filter(|node| node.has_role("metadata-server"));
        let mut asked: FuturesUnordered<_> = asked.map(|node| leader_id(peers, node)).collect();
        let id = loop {
            match asked.next().await? {
                Some(id) => break id,
                None => continue,
            }
        };
        let node = known.nodes.iter().find(|node| node.id == id)?;
        let address = node.address.parse::<Address>().ok()?;
        if among.is_some_and(|among| !among.contains(&address)) {
            return None;
        }
        let channel = peers.at(&address).ok()?.channel;
        Some(Leader { channel, cluster_name: known.cluster_name.clone(), fingerprint })
    }

    /// The value of the key; refused by a member that does not lead, or of another cluster.
    pub(super) async fn get(&self, key: &str) -> Result<Option<VersionedValue>, String> {
        let mut client = MetadataServerSvcClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE);
        let request = GetRequest {
            key: key.to_owned(),
            cluster_fingerprint: self.fingerprint,
            cluster_name: Some(self.cluster_name.clone()),
        };
        match tokio::time::timeout(PATIENCE, client.get(request)).await {
            Ok(Ok(answer)) => Ok(answer.into_inner().value),
            Ok(Err(status)) => Err(status.to_string()),
            Err(_) => Err(format!("no answer within {}", humantime::format_duration(PATIENCE))),
        }
    }
}

async fn leader_id(peers: &Servers, node: &Node) -> Option<u32> {
    let channel = peers.at(&node.address.parse().ok()?).ok()?.channel;
    peers.once(MetadataServerSvcClient::new(channel).status(())).await.ok()?.leader
}
