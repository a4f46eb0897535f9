//! The quorum of the replicated store.

use std::time::Duration;

use futures_util::future::join_all;

use super::super::request::Request;
use super::super::transport::Servers;
use super::poll::poll_until;
use crate::codec::{Node, NodesConfiguration};
use crate::model::Quorum;
use crate::proto::metadata_server_svc::StatusResponse;
use crate::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use crate::wording::plural;

/// The longest wait for a leader: an election takes about a second. A member that hangs makes each
/// attempt take as long as a request.
const LEADER_WAIT: Duration = Duration::from_secs(5);

/// Asks every node that may be a member, and waits for a leader.
pub(super) async fn observe_quorum(peers: &Servers, known: &NodesConfiguration) -> Quorum {
    let is_settled =
        |seen: &Quorum, elapsed| !matches!(seen, Quorum::NoLeader(_)) || elapsed >= LEADER_WAIT;
    poll_until(|| observe_once(peers, known), is_settled).await
}

/// Returns whether the cluster keeps its metadata itself.
pub(super) fn has_members(known: &NodesConfiguration) -> bool {
    known.nodes.iter().any(|node| node.has_role("metadata-server"))
}

async fn observe_once(peers: &Servers, known: &NodesConfiguration) -> Quorum {
    if !has_members(known) {
        return Quorum::NoMetadataServers;
    }
    let servers = known.nodes.iter().filter(|node| node.has_role("metadata-server"));
    let asked = servers.map(|node| async move {
        let answer = ask_status(peers, node).await;
        (node, answer)
    });
    judge_answers(&join_all(asked).await)
}

async fn ask_status(peers: &Servers, node: &Node) -> Result<StatusResponse, String> {
    let server = peers.server_at(&node.address.parse()?)?;
    let mut client = MetadataServerSvcClient::new(server.channel.clone());
    let what = Request::without_key("metadata server's status");
    Ok(peers.call_once(&server, &what, client.status(())).await?)
}

fn judge_answers(answers: &[(&Node, Result<StatusResponse, String>)]) -> Quorum {
    let statuses = || answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    // The members by the newest configuration among the answers; else every server is taken for one.
    let members: Vec<u32> = statuses()
        .filter_map(|status| status.configuration.as_ref())
        .max_by_key(|configuration| configuration.version.map_or(0, |version| version.value))
        .map_or_else(
            || answers.iter().map(|(node, _)| node.id).collect(),
            |configuration| configuration.members.keys().copied().collect(),
        );
    let answering = answers
        .iter()
        .filter(|(node, answer)| members.contains(&node.id) && answer.is_ok())
        .count();
    let needed = members.len() / 2 + 1;
    let silent: Vec<_> = answers
        .iter()
        .filter_map(|(node, answer)| Some(format!("{node}: {}", answer.as_ref().err()?)))
        .collect();
    let servers = plural(members.len(), "metadata server");
    let count = format!("{answering} of {servers} responding (quorum {needed})");
    if answering < needed {
        return Quorum::Lost(format!("{count}; {}", silent.join("; ")));
    }
    match statuses().find_map(|status| status.leader) {
        None => Quorum::NoLeader(format!("{count}, no leader")),
        Some(leader) if silent.is_empty() => Quorum::Held(format!("{count}, leader N{leader}")),
        Some(leader) => Quorum::Held(format!("{count}, leader N{leader}; {}", silent.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::metadata_server_svc::MetadataServerConfiguration;

    fn node(id: u32) -> Node {
        Node { id, name: format!("n{id}"), address: format!("http://n{id}:1"), ..Node::default() }
    }

    fn member(leader: Option<u32>, members: &[u32]) -> StatusResponse {
        let members = members.iter().map(|id| (*id, 0)).collect();
        let configuration = Some(MetadataServerConfiguration { version: None, members });
        StatusResponse { configuration, leader, ..StatusResponse::default() }
    }

    #[test]
    fn quorum_is_held_by_a_majority_with_a_leader() {
        let nodes = [node(1), node(2), node(3)];
        let down = || Err("connection refused".to_owned());
        let up = |leader| Ok(member(leader, &[1, 2, 3]));
        let judged = |answers: [Result<StatusResponse, String>; 3]| {
            judge_answers(&nodes.iter().zip(answers).collect::<Vec<_>>())
        };
        assert!(matches!(judged([up(Some(1)), up(None), down()]), Quorum::Held(_)));
        assert!(matches!(judged([up(None), up(None), up(None)]), Quorum::NoLeader(_)));
        assert_eq!(
            judged([up(Some(1)), down(), down()]),
            Quorum::Lost(
                "1 of 3 metadata servers responding (quorum 2); N2 (n2, http://n2:1): connection \
                 refused; N3 (n3, http://n3:1): connection refused"
                    .to_owned()
            )
        );
    }

    #[test]
    fn servers_that_are_not_members_do_not_count() {
        let nodes = [node(1), node(2)];
        let answers =
            vec![(&nodes[0], Ok(member(Some(1), &[1]))), (&nodes[1], Err("down".to_owned()))];
        assert!(matches!(judge_answers(&answers), Quorum::Held(_)));
    }
}
