//! Inspects a cluster: every node is asked at once for all that is needed, so that one that hangs holds the
//! answer up for one request's time only, and no node gets more than a few requests.

use std::time::Duration;

use tokio::join;

use super::super::transport::{Server, Servers};
use super::Cluster;
use super::ask_each::{NOT_ASKED, ask_each};
use super::ident::{get_ident, get_status, to_node_ident};
use super::node::read_nodes_config;
use super::partitions::{PartitionsAnswer, choose_newest, get_partitions};
use super::quorum::{describe_no_status, has_members, judge_answers, prove_by_reading};
use crate::codec::Node;
use crate::model::{NodeReport, PartitionsReport, Quorum, StoreReading};
use crate::proto::metadata_server_svc::StatusResponse;
use crate::proto::node_ctl_svc::{IdentResponse, MetadataServerStatus};

/// What the nodes are asked beside their identity and the state of their metadata servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Questions {
    /// `true` if admin nodes are asked for the partitions.
    pub partitions: bool,
    /// `true` if each node reads `nodes_config` from its store.
    pub own_store: bool,
}

/// What all nodes report.
#[derive(Debug)]
pub struct ClusterReport {
    /// Each node that `nodes_config` names.
    pub nodes: Vec<InspectedNode>,
    /// The state of the metadata servers.
    pub quorum: Quorum,
    /// The partitions, by the admin node that knows them best, or the reason why they are not known.
    pub partitions: Result<PartitionsReport, String>,
}

/// A node, and what it reports.
#[derive(Clone, Debug)]
pub struct InspectedNode {
    /// The node, as `nodes_config` has it.
    pub node: Node,
    /// The report of the node at its address, or the reason why there is none; `None` if it was not asked.
    pub report: Option<Result<NodeReport, String>>,
}

/// A node, and its answers.
struct AskedNode<'a> {
    node: &'a Node,
    answers: Option<Result<NodeAnswers, String>>,
}

/// The answers of one node.
struct NodeAnswers {
    ident: IdentResponse,
    own_store: StoreReading,
    /// The answer of its metadata server, if it is known to have one.
    status: Option<Result<StatusResponse, String>>,
    /// What it knows of the partitions, if it is known as an admin node.
    partitions: Option<Result<PartitionsAnswer, String>>,
}

impl Cluster {
    /// Asks every node that `nodes_config` names, all at once.
    ///
    /// With `--single-address`, no other node is asked.
    pub async fn inspect(&self, questions: Questions) -> ClusterReport {
        let asked = match self.only_these {
            true => self.ask_given_node(questions).await,
            false => self.ask_all_nodes(questions).await,
        };
        let quorum = prove_by_reading(self.judge_quorum(&asked), &self.peers).await;
        let partitions = self.choose_partitions(&asked);
        let nodes = asked.into_iter().map(into_inspected).collect();
        ClusterReport { nodes, quorum, partitions }
    }

    async fn ask_all_nodes(&self, questions: Questions) -> Vec<AskedNode<'_>> {
        let ask = |node| async move {
            let ask = |server| async move { self.ask_server(&server, node, questions).await };
            let answers = self.stand_ins.ask_node(&self.peers, node, ask).await;
            AskedNode { node, answers: Some(answers) }
        };
        let unasked = |node| AskedNode { node, answers: Some(Err(NOT_ASKED.to_owned())) };
        let asked = self.known.nodes.iter().map(|node| (ask(node), unasked(node))).collect();
        ask_each(asked, self.peers.short_limit()).await
    }

    /// Asks the node at `--single-address`, whichever it is.
    async fn ask_given_node(&self, questions: Questions) -> Vec<AskedNode<'_>> {
        let mut asked: Vec<_> =
            self.known.nodes.iter().map(|node| AskedNode { node, answers: None }).collect();
        let Some(server) = self.peers.all().next() else { return asked };
        let ident = get_ident(&self.peers, server).await;
        let id = ident.ok().and_then(|ident| ident.node_id).map(|node| node.id);
        if let Some(given) = asked.iter_mut().find(|asked| Some(asked.node.id) == id) {
            given.answers = Some(self.ask_server(server, given.node, questions).await);
        }
        asked
    }

    async fn ask_server(
        &self,
        server: &Server,
        node: &Node,
        questions: Questions,
    ) -> Result<NodeAnswers, String> {
        let peers = &self.peers;
        let (ident, own_store, status, partitions) = join!(
            get_ident(peers, server),
            read_own_store(peers, server, questions.own_store),
            async {
                match node.has_role("metadata-server") {
                    true => Some(get_status(peers, server).await.map_err(describe_no_status)),
                    false => None,
                }
            },
            async {
                match questions.partitions && node.has_role("admin") {
                    true => Some(get_partitions(peers, server).await),
                    false => None,
                }
            },
        );
        Ok(NodeAnswers { ident: ident?, own_store, status, partitions })
    }

    /// Judges the quorum by the answers of all metadata servers.
    fn judge_quorum(&self, asked: &[AskedNode<'_>]) -> Quorum {
        if !has_members(&self.known) {
            return Quorum::NoMetadataServers;
        }
        if self.only_these {
            return Quorum::Unknown;
        }
        let servers = asked.iter().filter(|asked| asked.node.has_role("metadata-server"));
        let answers: Vec<_> = servers.map(|asked| (asked.node, self.status_of(asked))).collect();
        judge_answers(&answers)
    }

    /// Returns the answer of the node's metadata server; another node's is no member.
    fn status_of(&self, asked: &AskedNode<'_>) -> Result<StatusResponse, String> {
        match &asked.answers {
            None => Err(NOT_ASKED.to_owned()),
            Some(Err(reason)) => Err(reason.clone()),
            Some(Ok(answers)) if !self.is_itself(asked.node, answers) => {
                Err(format!("another node responds: {}", to_node_ident(&answers.ident)))
            }
            Some(Ok(answers)) => {
                answers.status.clone().unwrap_or_else(|| Err(NOT_ASKED.to_owned()))
            }
        }
    }

    fn is_itself(&self, node: &Node, answers: &NodeAnswers) -> bool {
        to_node_ident(&answers.ident).is_node(node.id, &self.known.cluster_name)
    }

    /// Returns what the admin node reports that knows the partitions best.
    fn choose_partitions(&self, asked: &[AskedNode<'_>]) -> Result<PartitionsReport, String> {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        let admins = asked.iter().filter(|asked| asked.node.has_role("admin"));
        for AskedNode { node, answers } in admins {
            match answers {
                Some(Ok(answers)) if self.is_itself(node, answers) => match &answers.partitions {
                    Some(Ok(partitions)) => found.push(partitions),
                    Some(Err(reason)) => failed.push(format!("{node}: {reason}")),
                    None => {}
                },
                Some(Ok(_)) => failed.push(format!("{node}: another node responds")),
                Some(Err(reason)) => failed.push(format!("{node}: {reason}")),
                None => failed.push(format!("{node}: was not asked")),
            }
        }
        match choose_newest(found) {
            Some(newest) => Ok(newest.report.clone()),
            None if failed.is_empty() => Err("no node is an admin node".to_owned()),
            None => Err(format!("no admin node responds: {}", failed.join("; "))),
        }
    }
}

async fn read_own_store(peers: &Servers, server: &Server, is_asked: bool) -> StoreReading {
    if !is_asked {
        return StoreReading::NotAsked;
    }
    match read_nodes_config(peers, server).await {
        Ok(entry) => StoreReading::Read(entry),
        Err(failure) => StoreReading::Failed(failure.reason().to_owned()),
    }
}

fn into_inspected(asked: AskedNode<'_>) -> InspectedNode {
    let report = asked.answers.map(|answers| answers.map(into_report));
    InspectedNode { node: asked.node.clone(), report }
}

fn into_report(answers: NodeAnswers) -> NodeReport {
    let NodeAnswers { mut ident, own_store, .. } = answers;
    ident.roles.sort_unstable();
    NodeReport {
        ident: to_node_ident(&ident),
        generation: ident.node_id.as_ref().and_then(|node| node.generation),
        uptime: Duration::from_secs(ident.age_s),
        metadata_server: name_server_state(ident.metadata_server_status()),
        nodes_config_version: ident.nodes_config_version,
        own_store,
    }
}

fn name_server_state(status: MetadataServerStatus) -> Option<&'static str> {
    match status {
        MetadataServerStatus::Unknown => None,
        MetadataServerStatus::StartingUp => Some("starting"),
        MetadataServerStatus::AwaitingProvisioning => Some("awaiting-provisioning"),
        MetadataServerStatus::Member => Some("member"),
        MetadataServerStatus::Standby => Some("standby"),
    }
}
