//! The members of the replicated store: the nodes whose votes it counts, whatever `nodes_config` says of
//! them.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::join;

use super::super::request::Request;
use super::super::transport::Server;
use super::Cluster;
use super::poll::poll_until;
use crate::model::Members;
use crate::proto::metadata_server_svc::MetadataServerConfiguration;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;

/// The longest wait for a member that responds, as for a leader elsewhere.
const MEMBER_WAIT: Duration = Duration::from_secs(5);

/// The answers of one metadata server.
struct MemberStatus {
    id: Option<u32>,
    configuration: Option<MetadataServerConfiguration>,
}

impl Cluster {
    /// Asks for the members, by the newest configuration among the answers; `None` if no member responds.
    pub async fn members(&self) -> Option<Members> {
        let is_settled = |seen: &Option<_>, elapsed| seen.is_some() || elapsed >= MEMBER_WAIT;
        poll_until(|| self.ask_members(), is_settled).await
    }

    async fn ask_members(&self) -> Option<Members> {
        let asked = self.peers.all().map(|server| self.ask_metadata_server(server));
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        let responding = answers.iter().filter_map(|answer| answer.id).collect();
        let version = |configuration: &MetadataServerConfiguration| {
            configuration.version.map_or(0, |version| version.value)
        };
        let configurations = answers.into_iter().filter_map(|answer| answer.configuration);
        let newest = configurations.max_by_key(version)?;
        Some(Members { ids: newest.members.into_keys().collect(), responding })
    }

    async fn ask_metadata_server(&self, server: &Server) -> Option<MemberStatus> {
        let mut member = MetadataServerSvcClient::new(server.channel.clone());
        let mut node = NodeCtlSvcClient::new(server.channel.clone());
        let (of_member, of_node) =
            (Request::without_key("metadata server's status"), Request::without_key("ident"));
        let (status, ident) = join!(
            self.peers.call_once(server, &of_member, member.status(())),
            self.peers.call_once(server, &of_node, node.get_ident(()))
        );
        let id = ident.ok().and_then(|ident| ident.node_id).map(|node| node.id);
        Some(MemberStatus { id, configuration: status.ok()?.configuration })
    }
}
