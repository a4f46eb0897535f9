//! Asks the nodes that `nodes_config` names: those of a live cluster for their mode, and those of an
//! external store, which nobody named, whether they still run on it. That none of these responds proves
//! nothing.

use std::time::Duration;

use crate::backends::cluster::{self, Cluster, NOT_ASKED, ask_each};
use crate::backends::transport::{ActiveTime, Address};
use crate::codec::{self, Node, NodesConfiguration};
use crate::commands::Context;
use crate::commands::cluster_options::cluster_options_at;
use crate::model::{Entry, Key, NodeIdent, NodeProbe, NodeState, ObservedNode, Snapshot};
use crate::pipeline::checks::{
    NodeObservation, StoreUse, judge_response, judge_unasked, not_of_migration,
};
use crate::pipeline::verify::are_same;

/// The longest wait for a node: a running server responds at once, and a migration needs none of them.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Asks every node of a live cluster who it is and in which mode it runs.
///
/// With `--single-address`, no other node is asked.
pub async fn observe_cluster_nodes(
    cluster: &Cluster,
    nodes: &NodesConfiguration,
) -> Vec<ObservedNode> {
    let observed = |node: &Node, state| ObservedNode {
        id: node.id,
        name: node.name.clone(),
        address: node.address.clone(),
        state,
    };
    if cluster.asks_only_given() {
        return observe_given_node(cluster, nodes).await;
    }
    let ask = |node| async move {
        observed(node, judge_response(node, &nodes.cluster_name, cluster.identify_node(node).await))
    };
    let unasked = |node| observed(node, NodeState::NoResponse(NOT_ASKED.to_owned()));
    let questions = nodes.nodes.iter().map(|node| (ask(node), unasked(node))).collect();
    let all = ask_each(questions, cluster.asking_limit()).await;
    match cluster.is_partly_reached() {
        true => all.into_iter().map(put_out_of_reach).collect(),
        false => all,
    }
}

fn put_out_of_reach(node: ObservedNode) -> ObservedNode {
    match node.state {
        NodeState::NoResponse(reason) => {
            ObservedNode { state: NodeState::OutOfReach(reason), ..node }
        }
        _ => node,
    }
}

/// Asks the node at `--single-address`; of the others, nothing is known but what they once wrote.
async fn observe_given_node(cluster: &Cluster, nodes: &NodesConfiguration) -> Vec<ObservedNode> {
    let address = cluster.addresses().next().unwrap_or_default();
    let response = cluster.identify_node_at(&address).await;
    let given = response.as_ref().ok().and_then(|ident| ident.id);
    let describe = |node: &Node| {
        let state = match given == Some(node.id) {
            true => judge_response(node, &nodes.cluster_name, response.clone()),
            false => judge_unasked(node),
        };
        ObservedNode { id: node.id, name: node.name.clone(), address: node.address.clone(), state }
    };
    let mut observed: Vec<_> = nodes.nodes.iter().map(describe).collect();
    if given.is_none_or(|id| nodes.nodes.iter().all(|node| node.id != id)) {
        let state = judge_response(&Node::default(), &nodes.cluster_name, response);
        observed.push(ObservedNode { id: 0, name: "--single-address".to_owned(), address, state });
    }
    observed
}

/// Observes the nodes still running on `side`, which holds `held`, and those that do not respond in time.
///
/// With `--single-address`, no other node is asked.
pub async fn observe_nodes(
    side: &'static str,
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    let Some(nodes) = codec::nodes_of(held).filter(|_| context.options.single_address.is_none())
    else {
        return Vec::new();
    };
    let nodes_config = held.get(&Key::NodesConfig);
    let observe = |node: Node| async move {
        let usage = observe_node(&node, nodes_config, context).await?;
        Some(NodeObservation { node, side, usage })
    };
    let unasked = |node| Some(NodeObservation { node, side, usage: StoreUse::NoResponse });
    let questions = nodes.nodes.into_iter().map(|node| (observe(node.clone()), unasked(node)));
    ask_each(questions.collect(), PROBE_LIMIT).await.into_iter().flatten().collect()
}

/// Observes the nodes that run as metadata servers of the cluster of a replicated store that was read from folders, in
/// whichever mode, and those that do not respond in time.
pub async fn observe_metadata_servers(
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    let Some(nodes) = codec::nodes_of(held).filter(|_| context.options.single_address.is_none())
    else {
        return Vec::new();
    };
    let observe = |node: Node| {
        let cluster_name = nodes.cluster_name.clone();
        async move {
            let usage = match identify_node(&node, context).await? {
                Some(ident) => is_metadata_server(&ident, &node, &cluster_name)
                    .then_some(StoreUse::MetadataServer)?,
                None => StoreUse::NoResponse,
            };
            Some(NodeObservation { node, side: "source", usage })
        }
    };
    let unasked =
        |node| Some(NodeObservation { node, side: "source", usage: StoreUse::NoResponse });
    let questions = nodes.nodes.iter().map(|node| (observe(node.clone()), unasked(node.clone())));
    ask_each(questions.collect(), PROBE_LIMIT).await.into_iter().flatten().collect()
}

/// Asks a node who it is, which it can tell without a majority; `None` if nobody is there, `Some(None)` if it does not
/// respond in time.
#[allow(clippy::option_option, reason = "both are answers")]
async fn identify_node(node: &Node, context: &Context<'_>) -> Option<Option<NodeIdent>> {
    let address: Address = node.address.parse().ok()?;
    let options = cluster_options_at(vec![address.clone()], true, context.options).ok()?;
    let ident = cluster::identify_node_at(&options, &address);
    match ActiveTime::start().limit(PROBE_LIMIT, ident).await {
        Some(Ok(ident)) => Some(Some(ident)),
        Some(Err(_)) => None,
        None => Some(None),
    }
}

fn is_metadata_server(ident: &NodeIdent, node: &Node, cluster_name: &str) -> bool {
    let is_server = ident.roles.iter().any(|role| role == "metadata-server");
    is_server && ident.cluster_name == cluster_name && ident.id.is_none_or(|id| id == node.id)
}

async fn observe_node(
    node: &Node,
    nodes_config: Option<&Entry>,
    context: &Context<'_>,
) -> Option<StoreUse> {
    let address = node.address.parse().ok()?;
    let options = cluster_options_at(vec![address], true, context.options).ok()?;
    let probe = cluster::probe_node_at(&options, &node.address);
    match ActiveTime::start().limit(PROBE_LIMIT, probe).await {
        Some(Ok(probe)) if uses_store(&probe, nodes_config) => {
            Some(StoreUse::Running(normal_roles(&probe)))
        }
        Some(_) => None,
        None => Some(StoreUse::NoResponse),
    }
}

/// Returns whether a node in normal operation uses the store with this `nodes_config`.
///
/// Each start of a server changes `nodes_config`, so that no other store that servers have started on
/// has the same.
fn uses_store(probe: &NodeProbe, nodes_config: Option<&Entry>) -> bool {
    let (own, stored) = (probe.nodes_config.as_ref(), nodes_config);
    let (own, stored) = (own.and_then(Entry::value), stored.and_then(Entry::value));
    !normal_roles(probe).is_empty() && are_same(&Key::NodesConfig, own, stored)
}

fn normal_roles(probe: &NodeProbe) -> Vec<String> {
    not_of_migration(&probe.roles).into_iter().map(ToOwned::to_owned).collect()
}
