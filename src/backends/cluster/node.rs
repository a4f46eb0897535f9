//! Single nodes of the cluster: what one says of itself, and which store it runs on.

use std::time::{Duration, Instant};

use super::super::request::Request;
use super::super::transport::{Address, MAX_MESSAGE, Server, Servers};
use super::discovery::{ClusterOptions, create_servers};
use super::{Cluster, entry_from_answer, quorum};
use crate::model::{Entry, Key, NodeProbe, UsesReplicatedStore};
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::node_ctl_svc::NodeStatus;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

/// A node whose store has just lost its leader knows of the next one shortly.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The longest wait for a leader, as elsewhere.
const PATIENCE_FOR_A_LEADER: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

impl Cluster {
    /// Asks the node at this address about itself and its store.
    ///
    /// # Errors
    /// The reason why it does not answer, in words.
    pub async fn probe_node(&self, address: &str) -> Result<NodeProbe, String> {
        probe_node(&self.peers, address).await
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
        let since = Instant::now();
        loop {
            let seen = self.look_for_leader().await;
            let patience = match seen {
                UsesReplicatedStore::Yes => return seen,
                UsesReplicatedStore::No => PATIENCE,
                UsesReplicatedStore::Unknown => PATIENCE_FOR_A_LEADER,
            };
            if since.elapsed() >= patience {
                return seen;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// Asks the node at this address about itself and its store, whatever cluster it belongs to.
///
/// # Errors
/// The reason why it does not answer, in words.
pub async fn probe_node_at(options: &ClusterOptions, address: &str) -> Result<NodeProbe, String> {
    let peers = create_servers(&options.addresses, options).map_err(|error| error.to_string())?;
    probe_node(&peers, address).await
}

async fn probe_node(peers: &Servers, address: &str) -> Result<NodeProbe, String> {
    let server = peers.server_at(&address.parse()?)?;
    let mut client = NodeCtlSvcClient::new(server.channel.clone());
    let ident =
        peers.call_once(&server, &Request::without_key("ident"), client.get_ident(())).await?;
    let node_id = ident.node_id.as_ref();
    Ok(NodeProbe {
        node_id: node_id.map(|node| (node.id, node.generation.unwrap_or_default())),
        is_alive: ident.status() == NodeStatus::Alive,
        nodes_config: nodes_config_at(peers, &server).await?,
        cluster_name: ident.cluster_name,
        roles: ident.roles,
    })
}

async fn nodes_config_at(peers: &Servers, server: &Server) -> Result<Option<Entry>, String> {
    let get = || {
        let mut client = MetadataProxySvcClient::new(server.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE);
        let request = GetRequest { key: Key::NodesConfig.to_string() };
        async move {
            let what = Request::about_key("get", &Key::NodesConfig);
            peers.call_once(server, &what, client.get(request)).await
        }
    };
    let since = Instant::now();
    let mut answer = get().await;
    while answer.is_err() && since.elapsed() < PATIENCE {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        answer = get().await;
    }
    let reason = |reason| format!("its store does not answer: {reason}");
    Ok(answer.map_err(reason)?.value.map(entry_from_answer))
}
