//! The members of the replicated store: the nodes whose votes it counts, whatever `nodes_config` says of
//! them.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::join;

use super::super::request::Request;
use super::super::transport::Server;
use super::Cluster;
use super::ident::identify_server;
use super::poll::poll_until;
use crate::model::Members;
use crate::proto::metadata_server_svc::MetadataServerConfiguration;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;

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

    /// Asks a server for its status; `None` for one of another cluster, which may have taken the address of
    /// a node that is gone.
    async fn ask_metadata_server(&self, server: &Server) -> Option<MemberStatus> {
        let mut member = MetadataServerSvcClient::new(server.channel.clone());
        let what = Request::without_key("metadata server's status");
        let (status, ident) = join!(
            self.peers.call_once(server, &what, member.status(())),
            identify_server(&self.peers, server)
        );
        let ident = ident.ok().filter(|ident| ident.cluster_name == self.known.cluster_name)?;
        Some(MemberStatus { id: ident.id, configuration: status.ok()?.configuration })
    }
}
