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
use tokio::join;

use super::super::request::Request;
use super::super::transport::{MAX_MESSAGE, Server, Servers};
use crate::codec::NodesConfiguration;
use crate::proto::metadata::VersionedValue;
use crate::proto::metadata_server_svc::GetRequest;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

/// How long a leader is looked for; without one, the nodes are asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// The leader of the replicated store, as it last told itself.
#[derive(Clone)]
pub(super) struct Leader {
    server: Server,
    cluster_name: String,
    fingerprint: u64,
}

impl Leader {
    /// The server that says of itself that it leads; `None` if none of them does so at once.
    ///
    /// It is found by what it answers, not by the address that the cluster knows it under: from where
    /// an operator is, that one may lead nowhere.
    pub(super) async fn find(peers: &Servers, known: &NodesConfiguration) -> Option<Leader> {
        let fingerprint = known.fingerprint?;
        let mut asked: FuturesUnordered<_> =
            peers.all().map(|server| leads(peers, server)).collect();
        let search = async {
            while let Some(answer) = asked.next().await {
                if answer.is_some() {
                    return answer;
                }
            }
            None
        };
        let server = tokio::time::timeout(PATIENCE, search).await.ok().flatten()?;
        Some(Leader { server, cluster_name: known.cluster_name.clone(), fingerprint })
    }

    /// The value of the key; refused by a member that does not lead, or of another cluster.
    pub(super) async fn get(
        &self,
        peers: &Servers,
        key: &str,
    ) -> Result<Option<VersionedValue>, String> {
        let mut client = MetadataServerSvcClient::new(self.server.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE);
        let request = GetRequest {
            key: key.to_owned(),
            cluster_fingerprint: self.fingerprint,
            cluster_name: Some(self.cluster_name.clone()),
        };
        let what = Request::of("as leader, get", &key);
        peers.once(&self.server, &what, client.get(request)).await.map(|answer| answer.value)
    }
}

/// This server, if it leads.
async fn leads(peers: &Servers, server: &Server) -> Option<Server> {
    let channel = server.channel.clone();
    let mut member = MetadataServerSvcClient::new(channel.clone());
    let mut node = NodeCtlSvcClient::new(channel);
    let (of_member, of_node) =
        (Request::plain("metadata server's status"), Request::plain("ident"));
    let (status, ident) = join!(
        peers.once(server, &of_member, member.status(())),
        peers.once(server, &of_node, node.get_ident(()))
    );
    let is_leader = status.ok()?.leader? == ident.ok()?.node_id?.id;
    is_leader.then(|| server.clone())
}
