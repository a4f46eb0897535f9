//! Probes of single nodes: identity, state, and the store that a node uses.

use std::time::Duration;

use super::super::request::Request;
use super::super::transport::{Address, CallFailure, Server, Servers};
use super::discovery::{ClusterOptions, create_servers};
use super::ident::{get_ident, identify_server};
use super::poll::poll_until;
use super::{Cluster, entry_from_answer, quorum};
use crate::codec::Node;
use crate::model::{Entry, Key, NodeIdent, NodeProbe, StoreProbe, UsesReplicatedStore};
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;

use crate::proto::node_ctl_svc::NodeStatus;

/// The longest wait for a node whose store has just lost its leader: it learns of the next one shortly.
const STORE_WAIT: Duration = Duration::from_millis(1500);

/// The longest wait for a leader, as elsewhere.
const LEADER_WAIT: Duration = Duration::from_secs(5);

impl Cluster {
    /// Asks the server at this address which node it is.
    ///
    /// # Errors
    /// The reason why it does not respond, in words.
    pub async fn identify_node_at(&self, address: &str) -> Result<NodeIdent, String> {
        let server = self.peers.server_at(&address.parse()?)?;
        Ok(identify_server(&self.peers, &server).await?)
    }

    /// Asks the server at this node's address which node it is, and, where none responds, the node at the address
    /// that was named for it.
    ///
    /// # Errors
    /// The reason why it does not respond, in words.
    pub async fn identify_node(&self, node: &Node) -> Result<NodeIdent, String> {
        let ask = |server| async move { Ok(identify_server(&self.peers, &server).await?) };
        self.stand_ins.ask_node(&self.peers, node, ask).await
    }

    /// Asks a node about itself and its store, as [`Cluster::identify_node`] asks who it is.
    ///
    /// # Errors
    /// The reason why it does not answer, in words.
    pub async fn probe_node(&self, node: &Node) -> Result<NodeProbe, String> {
        let ask = |server| async move { probe_server(&self.peers, &server).await };
        self.stand_ins.ask_node(&self.peers, node, ask).await
    }

    /// Asks the node at this address about itself and its store.
    ///
    /// # Errors
    /// The reason why it does not answer, in words.
    pub async fn probe_node_at(&self, address: &str) -> Result<NodeProbe, String> {
        probe_server(&self.peers, &self.peers.server_at(&address.parse()?)?).await
    }

    /// Returns whether both are connections to the same running cluster.
    pub fn shares_nodes_with(&self, other: &Cluster) -> bool {
        let addresses = |cluster: &Cluster| -> Vec<Address> {
            let known = cluster.known.nodes.iter().filter_map(|node| node.address.parse().ok());
            known.collect()
        };
        let theirs = addresses(other);
        self.known.fingerprint == other.known.fingerprint
            && addresses(self).iter().any(|address| theirs.contains(address))
    }

    /// Asks whether the nodes run on their own replicated store.
    pub async fn uses_replicated_store(&self) -> UsesReplicatedStore {
        if !quorum::has_members(&self.known) {
            return UsesReplicatedStore::No;
        }
        let is_settled = |uses: &UsesReplicatedStore, elapsed| match uses {
            UsesReplicatedStore::Yes => true,
            UsesReplicatedStore::No => elapsed >= STORE_WAIT,
            UsesReplicatedStore::Unknown => elapsed >= LEADER_WAIT,
        };
        poll_until(|| self.find_current_leader(), is_settled).await
    }
}

/// Asks the server at this address which node it is, whatever cluster it belongs to.
///
/// # Errors
/// The reason why it does not respond, in words.
pub async fn identify_node_at(
    options: &ClusterOptions,
    address: &Address,
) -> Result<NodeIdent, String> {
    let peers = create_servers(&options.addresses, options).map_err(|error| error.to_string())?;
    Ok(identify_server(&peers, &peers.server_at(address)?).await?)
}

/// Asks the node at this address who it is and what its store holds, whatever cluster it belongs to.
///
/// # Errors
/// The reason why it does not respond, in words.
pub async fn probe_store_at(
    options: &ClusterOptions,
    address: &Address,
) -> Result<StoreProbe, String> {
    let peers = create_servers(&options.addresses, options).map_err(|error| error.to_string())?;
    let server = peers.server_at(address)?;
    let ident = identify_server(&peers, &server).await?;
    Ok(StoreProbe { ident, nodes_config: nodes_config_at(&peers, &server).await })
}

async fn probe_server(peers: &Servers, server: &Server) -> Result<NodeProbe, String> {
    let ident = get_ident(peers, server).await?;
    let node_id = ident.node_id.as_ref();
    Ok(NodeProbe {
        node_id: node_id.map(|node| (node.id, node.generation.unwrap_or_default())),
        is_alive: ident.status() == NodeStatus::Alive,
        nodes_config: nodes_config_at(peers, server).await?,
        cluster_name: ident.cluster_name,
        roles: ident.roles,
    })
}

async fn nodes_config_at(peers: &Servers, server: &Server) -> Result<Option<Entry>, String> {
    let get = || read_nodes_config(peers, server);
    let answer = poll_until(get, |answer, elapsed| answer.is_ok() || elapsed >= STORE_WAIT).await;
    answer.map_err(|failure| format!("its store does not respond: {}", failure.reason()))
}

/// Reads `nodes_config` from the store that the node runs on.
pub(super) async fn read_nodes_config(
    peers: &Servers,
    server: &Server,
) -> Result<Option<Entry>, CallFailure> {
    let get = |channel| {
        let request = GetRequest { key: Key::NodesConfig.to_string() };
        let client = MetadataProxySvcClient::new(channel);
        let mut client = client.max_decoding_message_size(peers.message_limit());
        async move { client.get(request).await }
    };
    let answer = peers.call_once(server, &Request::about_key("get", &Key::NodesConfig), get).await;
    Ok(answer?.value.map(entry_from_answer))
}
