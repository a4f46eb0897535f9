//! Single nodes of the cluster: what one says of itself, and which store it runs on.

use std::time::{Duration, Instant};

use super::super::request::Request;
use super::super::transport::{Address, MAX_MESSAGE, Server, Servers};
use super::discovery::{ClusterOptions, servers};
use super::{Cluster, entry, quorum};
use crate::model::{Entry, Key};
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::node_ctl_svc::NodeStatus;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

/// A node whose store has just lost its leader knows of the next one shortly.
const PATIENCE: Duration = Duration::from_millis(1500);
/// As long as a leader is waited for elsewhere.
const PATIENCE_FOR_A_LEADER: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Whether the nodes run on their own replicated store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReplicated {
    /// Its leader and the nodes hold the same `nodes_config`.
    Yes,
    /// They don't, or there is no such store.
    No,
    /// Nobody who leads it answers, or no node from its own.
    Unknown,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id and the generation that it runs with, once it has one.
    pub node_id: Option<(u32, u32)>,
    /// Whether it is up: neither starting nor stopping.
    pub is_alive: bool,
    /// The cluster that it is configured for.
    pub cluster_name: String,
    /// The roles that it runs with.
    pub roles: Vec<String>,
    /// `nodes_config` in the store that it runs on.
    pub nodes_config: Option<Entry>,
}

impl Cluster {
    /// What the node at this address says of itself and of its store.
    ///
    /// # Errors
    /// The reason why it does not answer, in words.
    pub async fn look_at(&self, address: &str) -> Result<Seen, String> {
        look_at(&self.peers, address).await
    }

    /// Whether both are connections to the same running cluster.
    pub fn shares_nodes_with(&self, other: &Cluster) -> bool {
        let addresses = |cluster: &Cluster| -> Vec<Address> {
            let known = cluster.known.nodes.iter().filter_map(|node| node.address.parse().ok());
            known.collect()
        };
        let theirs = addresses(other);
        self.known.fingerprint == other.known.fingerprint
            && addresses(self).iter().any(|address| theirs.contains(address))
    }

    /// Whether the nodes run on their own replicated store.
    pub async fn on_replicated(&self) -> OnReplicated {
        if !quorum::has_members(&self.known) {
            return OnReplicated::No;
        }
        let since = Instant::now();
        loop {
            let seen = self.look_for_leader().await;
            let patience = match seen {
                OnReplicated::Yes => return seen,
                OnReplicated::No => PATIENCE,
                OnReplicated::Unknown => PATIENCE_FOR_A_LEADER,
            };
            if since.elapsed() >= patience {
                return seen;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// What the node at this address says of itself and of its store, whatever cluster it is of.
///
/// # Errors
/// The reason why it does not answer, in words.
pub async fn look(options: &ClusterOptions, address: &str) -> Result<Seen, String> {
    let peers = servers(&options.addresses, options).map_err(|error| error.to_string())?;
    look_at(&peers, address).await
}

async fn look_at(peers: &Servers, address: &str) -> Result<Seen, String> {
    let server = peers.at(&address.parse()?)?;
    let mut client = NodeCtlSvcClient::new(server.channel.clone());
    let ident = peers.once(&server, &Request::plain("ident"), client.get_ident(())).await?;
    let node_id = ident.node_id.as_ref();
    Ok(Seen {
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
            let what = Request::of("get", &Key::NodesConfig);
            peers.once(server, &what, client.get(request)).await
        }
    };
    let since = Instant::now();
    let mut answer = get().await;
    while answer.is_err() && since.elapsed() < PATIENCE {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        answer = get().await;
    }
    let reason = |reason| format!("its store does not answer: {reason}");
    Ok(answer.map_err(reason)?.value.map(entry))
}
