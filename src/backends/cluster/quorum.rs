//! The quorum of the replicated store.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::join;

use super::super::transport::{CallFailure, Servers};
use super::ident::{get_status, identify_server};
use super::poll::poll_until;
use crate::codec::{Node, NodesConfiguration};
use crate::model::{MemberCount, Members, Quorum};
use crate::proto::metadata_server_svc::StatusResponse;
use crate::proto::node_ctl_svc::MetadataServerStatus;

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
        let answer = ask_status(peers, node, &known.cluster_name).await;
        (node, answer)
    });
    judge_answers(&join_all(asked).await)
}

/// Asks a metadata server for its status, and whether it is this node: another one may have taken its
/// address, and is no member.
async fn ask_status(
    peers: &Servers,
    node: &Node,
    cluster_name: &str,
) -> Result<StatusResponse, String> {
    let server = peers.server_at(&node.address.parse()?)?;
    let (status, ident) = join!(get_status(peers, &server), identify_server(peers, &server));
    let ident = ident?;
    match (ident.is_node(node.id, cluster_name), status) {
        (false, _) => Err(format!("another node responds: {ident}")),
        (true, Err(CallFailure::NotHere(_))) => Err("runs no metadata server".to_owned()),
        (true, status) => Ok(status?),
    }
}

fn judge_answers(answers: &[(&Node, Result<StatusResponse, String>)]) -> Quorum {
    let statuses = || answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    let reported = find_reported_members(answers);
    let members = match &reported {
        Some(reported) => reported.ids.clone(),
        None => answers.iter().map(|(node, _)| node.id).collect(),
    };
    let is_member = |node: &Node| members.contains(&node.id);
    let responding =
        answers.iter().filter(|(node, answer)| is_member(node) && answer.is_ok()).count();
    let silent = answers
        .iter()
        .filter_map(|(node, answer)| Some(format!("{node}: {}", answer.as_ref().err()?)));
    let others = answers.iter().filter(|(node, _)| !is_member(node));
    let not_members = others.filter_map(|(node, answer)| {
        Some(format!("{node} is {}", describe_status(answer.as_ref().ok()?.status())))
    });
    let count = MemberCount {
        responding,
        members: members.len(),
        needed: members.len() / 2 + 1,
        leader: statuses().find_map(|status| status.leader),
        silent: silent.collect(),
        not_members: not_members.collect(),
        reported,
    };
    if count.responding < count.needed {
        return Quorum::Lost(MemberCount { leader: None, ..count });
    }
    match count.leader {
        None => Quorum::NoLeader(count),
        Some(_) => Quorum::Held(count),
    }
}

/// Returns the members by the newest configuration among the answers.
fn find_reported_members(answers: &[(&Node, Result<StatusResponse, String>)]) -> Option<Members> {
    let responding = answers.iter().filter(|(_, answer)| answer.is_ok());
    let newest = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok()?.configuration.as_ref())
        .max_by_key(|configuration| configuration.version.map_or(0, |version| version.value))?;
    Some(Members {
        ids: newest.members.keys().copied().collect(),
        responding: responding.map(|(node, _)| node.id).collect(),
    })
}

/// Describes a metadata server that is not a member.
fn describe_status(status: MetadataServerStatus) -> &'static str {
    match status {
        MetadataServerStatus::StartingUp => "starting up",
        MetadataServerStatus::AwaitingProvisioning => "awaiting provisioning",
        MetadataServerStatus::Standby => "standby, not a member",
        MetadataServerStatus::Member | MetadataServerStatus::Unknown => "not a member",
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
        let Quorum::Lost(count) = judged([up(Some(1)), down(), down()]) else { panic!() };
        assert_eq!(
            count.to_string(),
            "1 of 3 metadata servers responding (quorum 2); N2 (n2, http://n2:1): connection refused; \
             N3 (n3, http://n3:1): connection refused"
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
