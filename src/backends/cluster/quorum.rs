//! The quorum of the replicated store.

use std::time::Duration;

use tokio::join;
use tokio::time::timeout;

use super::super::request::Request;
use super::super::transport::{CallFailure, Server, Servers};
use super::ask_each::{NOT_ASKED, ask_each};
use super::ident::{get_status, identify_server};
use super::poll::poll_until;
use super::stand_ins::StandIns;
use crate::codec::{Node, NodesConfiguration};
use crate::model::{Key, MemberCount, Members, Quorum};
use crate::proto::metadata_proxy_svc::GetRequest;
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::metadata_server_svc::StatusResponse;
use crate::proto::node_ctl_svc::MetadataServerStatus;

/// The longest wait for a leader: an election takes about a second. A member that hangs makes each
/// attempt take as long as a request.
const LEADER_WAIT: Duration = Duration::from_secs(5);

/// The time for a read that proves a leader: without one it would wait for as long as a request may take.
const PROOF_LIMIT: Duration = Duration::from_secs(1);

/// Asks every node that may be a member, and waits for a leader.
pub(super) async fn observe_quorum(
    peers: &Servers,
    known: &NodesConfiguration,
    stand_ins: &StandIns,
) -> Quorum {
    let is_settled = |seen: &Quorum, elapsed| match seen {
        Quorum::NoLeader(_) => elapsed >= LEADER_WAIT,
        // The others may be electing one, out of reach.
        Quorum::Lost(_) => !stand_ins.are_needed() || elapsed >= LEADER_WAIT,
        _ => true,
    };
    poll_until(|| observe_once(peers, known, stand_ins), is_settled).await
}

/// Returns whether the cluster keeps its metadata itself.
pub(super) fn has_members(known: &NodesConfiguration) -> bool {
    known.nodes.iter().any(|node| node.has_role("metadata-server"))
}

async fn observe_once(peers: &Servers, known: &NodesConfiguration, stand_ins: &StandIns) -> Quorum {
    if !has_members(known) {
        return Quorum::NoMetadataServers;
    }
    let servers = known.nodes.iter().filter(|node| node.has_role("metadata-server"));
    let ask = |node| async move {
        let ask = |server| async move { ask_status(peers, &server, node, known).await };
        (node, stand_ins.ask_node(peers, node, ask).await)
    };
    let unasked = |node| (node, Err(NOT_ASKED.to_owned()));
    let questions = servers.map(|node| (ask(node), unasked(node))).collect();
    let answers = ask_each(questions, peers.short_limit()).await;
    match judge_answers(&answers) {
        Quorum::Lost(count) if may_run_elsewhere(&answers) && is_store_read(peers).await => {
            let leader = find_leader(&answers);
            Quorum::Held(MemberCount { leader, is_partly_reached: true, ..count })
        }
        judged => prove_by_reading(judged, peers).await,
    }
}

/// Replaces the judgement that there is no leader where a node reads from the store: that takes one. The members name a
/// new leader only some seconds after it has begun to work (seen: 4 to 5 s).
pub(super) async fn prove_by_reading(judged: Quorum, peers: &Servers) -> Quorum {
    match judged {
        Quorum::NoLeader(count) if timeout(PROOF_LIMIT, is_store_read(peers)).await == Ok(true) => {
            Quorum::Held(count)
        }
        judged => judged,
    }
}

pub(super) type Answers<'a> = [(&'a Node, Result<StatusResponse, String>)];

fn find_leader(answers: &Answers<'_>) -> Option<u32> {
    answers.iter().find_map(|(_, answer)| answer.as_ref().ok()?.leader)
}

/// Returns whether a majority that does not respond here may run anyway: no member responds, or one that does knows
/// of a leader.
fn may_run_elsewhere(answers: &Answers<'_>) -> bool {
    find_leader(answers).is_some() || answers.iter().all(|(_, answer)| answer.is_err())
}

/// Returns whether a node that can be reached from here reads from the store, which takes a majority of its members.
async fn is_store_read(peers: &Servers) -> bool {
    let Some(server) = peers.admitted().next() else { return false };
    let get_version = |channel| async {
        let request = GetRequest { key: Key::NodesConfig.to_string() };
        MetadataProxySvcClient::new(channel).get_version(request).await
    };
    let what = Request::about_key("get the version of", &Key::NodesConfig);
    let version = peers.call_once(server, &what, get_version).await;
    version.is_ok_and(|answer| answer.version.is_some())
}

/// Asks a metadata server for its status, and whether it is this node: another one may have taken its
/// address, and is no member.
async fn ask_status(
    peers: &Servers,
    server: &Server,
    node: &Node,
    known: &NodesConfiguration,
) -> Result<StatusResponse, String> {
    let (status, ident) = join!(get_status(peers, server), identify_server(peers, server));
    let ident = ident?;
    match (ident.is_node(node.id, &known.cluster_name), status) {
        (false, _) => Err(format!("another node responds: {ident}")),
        (true, status) => status.map_err(describe_no_status),
    }
}

/// Describes why a node answers nothing as a metadata server.
pub(super) fn describe_no_status(failure: CallFailure) -> String {
    match failure {
        CallFailure::NotHere(_) => "runs no metadata server".to_owned(),
        failure => failure.into(),
    }
}

/// Judges the answers of all nodes that may be members.
pub(super) fn judge_answers(answers: &Answers<'_>) -> Quorum {
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
        leader: find_leader(answers),
        silent: silent.collect(),
        not_members: not_members.collect(),
        reported,
        is_partly_reached: false,
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
fn find_reported_members(answers: &Answers<'_>) -> Option<Members> {
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
