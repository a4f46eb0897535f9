//! The identity of the node behind an address, by what it responds itself.

use super::super::request::Request;
use super::super::transport::{CallFailure, Server, Servers};
use crate::model::NodeIdent;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;
use crate::proto::node_ctl_svc::{IdentResponse, NodeStatus};

/// Asks a server which node it is.
pub(super) async fn identify_server(
    peers: &Servers,
    server: &Server,
) -> Result<NodeIdent, CallFailure> {
    let ident = get_ident(peers, server).await?;
    Ok(NodeIdent {
        id: ident.node_id.map(|node| node.id),
        is_alive: ident.status() == NodeStatus::Alive,
        cluster_name: ident.cluster_name,
        roles: ident.roles,
    })
}

/// Asks a server for all that it says of itself.
pub(super) async fn get_ident(
    peers: &Servers,
    server: &Server,
) -> Result<IdentResponse, CallFailure> {
    let mut client = NodeCtlSvcClient::new(server.channel.clone());
    peers.call_once(server, &Request::without_key("ident"), client.get_ident(())).await
}
