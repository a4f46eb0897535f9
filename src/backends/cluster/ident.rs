//! The identity of the node behind an address, by what it responds itself.

use super::super::request::Request;
use super::super::transport::{CallFailure, Server, Servers};
use crate::model::NodeIdent;
use crate::proto::metadata_server_svc::StatusResponse;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;
use crate::proto::node_ctl_svc::{IdentResponse, NodeStatus};

/// The largest cached `nodes_config` that is accepted: that of some 25,000 nodes.
const MOST_CACHED_BYTES: usize = 8 << 20;

/// Returns the most bytes of an answer with a cached `nodes_config`, which is asked for before it is known whom the
/// answer comes from.
pub(super) fn cached_nodes_limit(peers: &Servers) -> usize {
    peers.message_limit().min(MOST_CACHED_BYTES)
}

/// Asks a server which node it is.
pub(super) async fn identify_server(
    peers: &Servers,
    server: &Server,
) -> Result<NodeIdent, CallFailure> {
    get_ident(peers, server).await.map(|ident| to_node_ident(&ident))
}

/// Takes the identity from what a node says of itself.
pub(super) fn to_node_ident(ident: &IdentResponse) -> NodeIdent {
    NodeIdent {
        id: ident.node_id.as_ref().map(|node| node.id),
        is_alive: ident.status() == NodeStatus::Alive,
        cluster_name: ident.cluster_name.clone(),
        roles: ident.roles.clone(),
    }
}

/// Asks a server for all that it says of itself.
pub(super) async fn get_ident(
    peers: &Servers,
    server: &Server,
) -> Result<IdentResponse, CallFailure> {
    let ask = |channel| async { NodeCtlSvcClient::new(channel).get_ident(()).await };
    peers.call_once(server, &Request::without_key("ident"), ask).await
}

/// Asks a server for the state of its metadata server.
pub(super) async fn get_status(
    peers: &Servers,
    server: &Server,
) -> Result<StatusResponse, CallFailure> {
    let ask = |channel| async { MetadataServerSvcClient::new(channel).status(()).await };
    peers.call_once(server, &Request::without_key("metadata server's status"), ask).await
}
