//! Everything that asks nodes: those of a live source for their mode, those still running on a store that
//! is read or written, and, in a roll-back, those that have to run on the target.

use tokio::join;

use super::job::Job;
use super::observations::NodeObservations;
use super::sides::{Sides, SourceKind};
use crate::backends::cluster::{Cluster, NOT_ASKED, ask_each};
use crate::backends::transport::Address;
use crate::codec::{self, Node, NodesConfiguration};
use crate::commands::live_nodes::{
    find_listeners, observe_cluster_nodes, observe_metadata_servers, observe_nodes,
};
use crate::commands::open_store::OpenSource;
use crate::model::{NodeProbe, ObservedNode, Snapshot};
use crate::pipeline::checks::Answers;

/// Asks the nodes of both sides, as far as the checks need their answers.
pub(super) async fn observe_sides(
    job: &Job<'_>,
    opened: Option<&OpenSource>,
    sides: &Sides,
) -> NodeObservations {
    let Some(opened) = opened else { return NodeObservations::default() };
    let (Ok(source), Some(nodes)) = (&sides.source.snapshot, sides.source.nodes()) else {
        return observe_known_nodes(job, opened).await;
    };
    if let Some(cluster) = job.target.cluster() {
        return observe_rollback(cluster, &nodes, sides).await;
    }
    let Ok(held) = &sides.target.snapshot else {
        return observe_source(job, opened, source).await;
    };
    if sides.source.describe_use_of(held).is_some() {
        return NodeObservations::default();
    }
    let (of_source, on_target) =
        join!(observe_source(job, opened, source), observe_nodes("target", held, job.context));
    let is_target_unasked =
        job.context.options.single_address.is_some() && codec::nodes_of(held).is_some();
    NodeObservations { on_target, is_target_unasked, ..of_source }
}

/// Asks the nodes of a live source whose store can't be read, as far as its nodes know each other.
async fn observe_known_nodes(job: &Job<'_>, opened: &OpenSource) -> NodeObservations {
    let of_cluster = match opened.cluster() {
        Some(cluster) => observe_live_source(job, cluster, cluster.known_nodes()).await,
        None => Vec::new(),
    };
    NodeObservations { of_cluster, ..NodeObservations::default() }
}

/// Asks the nodes of a live source, and looks at the ports of those that are to be skipped.
async fn observe_live_source(
    job: &Job<'_>,
    cluster: &Cluster,
    nodes: &NodesConfiguration,
) -> Vec<ObservedNode> {
    let mut observed = observe_cluster_nodes(cluster, nodes).await;
    let is_skipped = |node: &&mut ObservedNode| job.args.ignore_node.contains(&node.id);
    let skipped = observed.iter_mut().filter(is_skipped);
    find_listeners(skipped.map(|node| (&*node.address, &mut node.state)).collect()).await;
    observed
}

/// Asks the nodes of the source alone, which holds `snapshot`.
pub(super) async fn observe_source(
    job: &Job<'_>,
    opened: &OpenSource,
    snapshot: &Snapshot,
) -> NodeObservations {
    let are_unasked = opened.cluster().is_none() && job.context.options.single_address.is_some();
    let mut observed = NodeObservations { are_unasked, ..NodeObservations::default() };
    match (opened.cluster(), SourceKind::from_opened(opened)) {
        (Some(cluster), _) => {
            let nodes = codec::nodes_of(snapshot).unwrap_or_default();
            observed.of_cluster = observe_live_source(job, cluster, &nodes).await;
        }
        (None, SourceKind::StoppedNodes) => {
            observed.on_source = observe_metadata_servers(snapshot, job.context).await;
        }
        (None, SourceKind::ExternalStore) => {
            observed.on_source = observe_nodes("source", snapshot, job.context).await;
        }
        _ => {}
    }
    observed
}

async fn observe_rollback(
    cluster: &Cluster,
    source: &NodesConfiguration,
    sides: &Sides,
) -> NodeObservations {
    let rollback = match sides.target.nodes() {
        Some(target) => Some(ask_cluster_nodes(cluster, source, &target).await),
        None => None,
    };
    NodeObservations { rollback, ..NodeObservations::default() }
}

/// Asks each node of the source at its address in the target, and at its own where that differs.
pub(super) async fn ask_cluster_nodes(
    cluster: &Cluster,
    source: &NodesConfiguration,
    target: &NodesConfiguration,
) -> Answers {
    let (known, unknown): (Vec<_>, Vec<_>) =
        source.nodes.iter().cloned().partition(|node| find_node(target, node.id).is_some());
    let limit = cluster.asking_limit();
    let at_home = known.iter().filter_map(|node| find_node(target, node.id));
    let ask = |node: &Node| {
        let node = node.clone();
        async move {
            let probe = cluster.probe_node(&node).await;
            (node, probe)
        }
    };
    let unasked = |node: &Node| (node.clone(), Err(NOT_ASKED.to_owned()));
    let at_home = at_home.map(|node| (ask(node), unasked(node))).collect();
    let elsewhere = source.nodes.iter();
    let elsewhere =
        elsewhere.map(|node| (ask_former_address(cluster, node, target), None)).collect();
    let (at_home, elsewhere) = join!(ask_each(at_home, limit), ask_each(elsewhere, limit));
    let is_partly_reached = cluster.is_partly_reached();
    let elsewhere = elsewhere.into_iter().flatten().collect();
    Answers { at_home, elsewhere, unknown, is_partly_reached }
}

fn find_node(nodes: &NodesConfiguration, id: u32) -> Option<&Node> {
    nodes.nodes.iter().find(|node| node.id == id)
}

/// Asks a node of the source at an address that no node of the target has.
async fn ask_former_address(
    cluster: &Cluster,
    node: &Node,
    target: &NodesConfiguration,
) -> Option<(Node, NodeProbe)> {
    let address = node.address.parse::<Address>().ok();
    let is_in_target = address.is_some_and(|address| {
        target
            .nodes
            .iter()
            .any(|known| known.address.parse().is_ok_and(|at: Address| at == address))
    });
    if is_in_target {
        return None;
    }
    let probe = cluster.probe_node_at(&node.address).await.ok()?;
    // The same server under two addresses runs on the target.
    let is_known = |known: &Node| Some((known.id, known.generation)) == probe.node_id;
    let is_elsewhere = !target.nodes.iter().any(is_known);
    is_elsewhere.then(|| (node.clone(), probe))
}
