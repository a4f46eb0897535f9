//! The replicated store's own service at its leader: what every node's client asks in the end.
//!
//! Asked directly, it gives several times as many answers in a second as a node that passes each
//! request on. It may be asked only where the nodes' store is the replicated one: a cluster that has
//! moved can still have a metadata server with the old content. Which it is, `nodes_config` tells:
//! each start of a server raises its generation there, so that it is equal in the node's store and in
//! the replicated one only where they are the same, or nobody ever ran on the other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::join;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::super::request::Request;
use super::super::transport::{Server, Servers};
use super::ident::{get_status, identify_server};
use super::leader_connections::LeaderConnections;
use crate::codec::NodesConfiguration;
use crate::model::{Key, UsesReplicatedStore};
use crate::proto::metadata::VersionedValue;
use crate::proto::metadata_server_svc::GetRequest;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;

/// The longest search for a leader; without one, the nodes are asked.
pub(super) const LEADER_SEARCH_LIMIT: Duration = Duration::from_secs(2);

const MOST_EPOCH_BYTES: usize = 512 << 10;

/// The servers that are asked at once.
const ASKED_AT_ONCE: usize = 64;

/// The leader of the replicated store, as it or the other members last reported.
#[derive(Clone)]
pub(super) struct Leader {
    connections: LeaderConnections,
    cluster_name: String,
    fingerprint: u64,
}

impl Leader {
    /// Finds the server that reports itself as the leader, or else the one that most others name: a
    /// server that has just been restarted may lead for seconds before its own status says so.
    ///
    /// It is found by what it answers, not by the address that the cluster knows it under: from where
    /// an operator is, that one may lead nowhere.
    pub(super) async fn find_leader(peers: &Servers, known: &NodesConfiguration) -> Option<Leader> {
        if known.cluster_name.is_empty() {
            return None;
        }
        // 0 is what servers take for none, as clusters have it that are older than fingerprints.
        let fingerprint = known.fingerprint.unwrap_or_default();
        let server = search_leader(peers, &known.cluster_name).await?;
        let connections = LeaderConnections::new(&server);
        Some(Leader { connections, cluster_name: known.cluster_name.clone(), fingerprint })
    }

    /// Returns whether both are the same server.
    pub(super) fn is_same_server(&self, other: &Leader) -> bool {
        self.connections.address() == other.connections.address()
    }

    /// Reads the value of the key; refused by a member that does not lead, or that belongs to
    /// another cluster.
    pub(super) async fn get(
        &self,
        peers: &Servers,
        key: &str,
    ) -> Result<Option<VersionedValue>, String> {
        let get = |channel| {
            let request = GetRequest {
                key: key.to_owned(),
                cluster_fingerprint: self.fingerprint,
                cluster_name: Some(self.cluster_name.clone()),
            };
            let client = MetadataServerSvcClient::new(channel);
            let mut client = client.max_decoding_message_size(answer_limit(peers, key));
            async move { client.get(request).await }
        };
        let what = Request::about_key("as leader, get", &key);
        let lane = self.connections.begin_request();
        Ok(peers.call_once(lane.server(), &what, get).await?.value)
    }
}

/// Returns the most bytes of an answer with the value of this key.
///
/// Many epochs are read at once, and each has a few hundred bytes: as many of the largest messages would be gigabytes.
pub(super) fn answer_limit(peers: &Servers, key: &str) -> usize {
    match key.starts_with(Key::EPOCH_PREFIX) {
        true => peers.message_limit().min(MOST_EPOCH_BYTES),
        false => peers.message_limit(),
    }
}

/// A leader that is asked for many keys.
pub(super) struct LeaderReading {
    pub(super) presumed: Leader,
    /// `true` if it led during an earlier reading; another one may lead since.
    pub(super) is_earlier: bool,
    pub(super) proof: OnceCell<Proof>,
}

/// What was found out about a leader.
pub(super) struct Proof {
    pub(super) uses: UsesReplicatedStore,
    /// The leader to ask, which may be another than was presumed; `None` if the nodes are to be asked.
    pub(super) leader: Option<Leader>,
}

impl LeaderReading {
    pub(super) fn new(presumed: Leader, is_earlier: bool) -> Arc<LeaderReading> {
        Arc::new(LeaderReading { presumed, is_earlier, proof: OnceCell::new() })
    }

    /// Returns the reading that follows this one; `None` if another leader is to be searched for.
    pub(super) fn next(self: &Arc<Self>) -> Option<Arc<LeaderReading>> {
        match self.proof.get() {
            None => Some(self.clone()),
            Some(proof) => proof.leader.clone().map(|leader| LeaderReading::new(leader, true)),
        }
    }
}

impl Proof {
    pub(super) fn new(uses: UsesReplicatedStore, leader: &Leader) -> Proof {
        let leader = (uses == UsesReplicatedStore::Yes).then(|| leader.clone());
        Proof { uses, leader }
    }

    /// Returns the leader to ask.
    ///
    /// # Errors
    /// The reason why the nodes are to be asked instead, in words.
    pub(super) fn leader(&self) -> Result<&Leader, String> {
        self.leader.as_ref().ok_or_else(|| "it is not known to lead the nodes' store".to_owned())
    }
}

/// A metadata server, and what it says.
struct Member {
    server: Server,
    id: u32,
    /// Whom it takes for the leader.
    names: Option<u32>,
}

async fn search_leader(peers: &Servers, cluster_name: &str) -> Option<Server> {
    let deadline = Instant::now() + LEADER_SEARCH_LIMIT;
    let asked: Vec<_> = peers.all().map(|server| ask_member(peers, server, cluster_name)).collect();
    let mut asked = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE);
    let mut members = Vec::new();
    while let Ok(Some(answer)) = timeout_at(deadline, asked.next()).await {
        match answer {
            Some(member) if member.names == Some(member.id) => return Some(member.server),
            other => members.extend(other),
        }
    }
    let said: Vec<_> = members.iter().map(|member| (member.id, member.names)).collect();
    let leader = named_by_most(&said)?;
    members.into_iter().find(|member| member.id == leader).map(|member| member.server)
}

/// Asks a server for its status, if it is a metadata server of this cluster: another one's may have taken
/// the address of a node that is gone.
async fn ask_member(peers: &Servers, server: &Server, cluster_name: &str) -> Option<Member> {
    let (status, ident) = join!(get_status(peers, server), identify_server(peers, server));
    let ident = ident.ok().filter(|ident| ident.cluster_name == cluster_name)?;
    Some(Member { server: server.clone(), id: ident.id?, names: status.ok()?.leader })
}

/// Returns the leader that most members name.
fn named_by_most(said: &[(u32, Option<u32>)]) -> Option<u32> {
    let votes = |id: u32| said.iter().filter(|(_, named)| *named == Some(id)).count();
    let most = said.iter().map(|(id, _)| *id).max_by_key(|id| votes(*id))?;
    (votes(most) > 0).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::named_by_most;

    #[test]
    fn a_leader_that_does_not_know_it_yet_is_named_by_the_others() {
        assert_eq!(named_by_most(&[(1, None), (2, None), (3, Some(2))]), Some(2));
        assert_eq!(named_by_most(&[(1, Some(2)), (2, None), (3, Some(1)), (4, Some(2))]), Some(2));
        // One that is named, and does not answer.
        assert_eq!(named_by_most(&[(1, Some(2)), (3, Some(2))]), None);
        assert_eq!(named_by_most(&[(1, None)]), None);
        assert_eq!(named_by_most(&[]), None);
    }
}
