//! Asks the nodes that `nodes_config` names: those of a live cluster for their mode, and those of an
//! external store, which nobody named, whether they still run on it. That none of these responds proves
//! nothing.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::join;

use crate::backends::cluster::{self, Cluster, NOT_ASKED, ask_each};
use crate::backends::transport::{ActiveTime, Address, probe_port};
use crate::codec::{self, Node, NodesConfiguration};
use crate::commands::Context;
use crate::commands::cluster_options::cluster_options_at;
use crate::model::{Entry, Key, NodeState, ObservedNode, PortState, Snapshot, StoreProbe};
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

/// Looks at the ports of nodes that are to be skipped, by address, and corrects their states: all at once, since a silent
/// host takes its time.
pub async fn find_listeners(nodes: Vec<(&str, &mut NodeState)>) {
    let looks = nodes.iter().map(|(address, state)| find_listener(address, (**state).clone()));
    let found = join_all(looks).await;
    nodes.into_iter().zip(found).for_each(|((_, state), found)| *state = found);
}

/// Looks at the port of a node that is to be skipped and does not respond: one at which something listens may be a node
/// that hangs, and would go on in its normal roles later.
async fn find_listener(address: &str, state: NodeState) -> NodeState {
    let is_silent = matches!(state, NodeState::NoResponse(_) | NodeState::OutOfReach(_));
    let Ok(address) = address.parse::<Address>() else { return state };
    if is_silent && probe_port(&address, PROBE_LIMIT).await == PortState::Open {
        return NodeState::Listening;
    }
    state
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

/// Returns the nodes that a store names; `None` with `--single-address`, which asks no other node.
fn nodes_to_ask(held: &Snapshot, context: &Context<'_>) -> Option<NodesConfiguration> {
    codec::nodes_of(held).filter(|_| context.options.single_address.is_none())
}

/// Observes the nodes still running on `side`, which holds `held`, and those of which that is not known.
///
/// A node that is out of reach is left out: a migration needs none of them. With `--single-address`, no other node
/// is asked.
pub async fn observe_nodes(
    side: &'static str,
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    let Some(nodes) = nodes_to_ask(held, context) else { return Vec::new() };
    let mut observed = observe_each(side, nodes, held, context).await;
    observed.retain(|one| !matches!(one.usage, StoreUse::OutOfReach(_)));
    observed
}

/// Observes the nodes that run as metadata servers of the cluster whose replicated store was read from folders, in whichever
/// mode, and those of which that is not known.
///
/// A node that is out of reach is left out, as by [`observe_nodes`].
pub async fn observe_metadata_servers(
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    let Some(nodes) = nodes_to_ask(held, context) else { return Vec::new() };
    let cluster = &nodes;
    let observation = |node, usage| NodeObservation { node, side: "source", usage };
    let observe = |node: Node| async move {
        let usage = observe_node(&node, context).await.judge_server(&node, cluster)?;
        Some(observation(node, usage))
    };
    let unasked = |node| Some(observation(node, StoreUse::NoResponse(NOT_ASKED.to_owned())));
    let questions = nodes.nodes.iter().map(|node| (observe(node.clone()), unasked(node.clone())));
    let mut observed: Vec<_> =
        ask_each(questions.collect(), PROBE_LIMIT).await.into_iter().flatten().collect();
    observed.retain(|one| !matches!(one.usage, StoreUse::OutOfReach(_)));
    observed
}

/// Observes these nodes, also those that are out of reach. The store of `side` holds `held`.
pub async fn observe_each(
    side: &'static str,
    nodes: NodesConfiguration,
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    let (nodes_config, cluster) = (held.get(&Key::NodesConfig), nodes.cluster_name.as_str());
    let observe = |node: Node| async move {
        let usage = observe_node(&node, context).await;
        let usage = usage.judge(cluster, nodes_config)?;
        Some(NodeObservation { node, side, usage })
    };
    let unasked = |node| {
        let usage = StoreUse::NoResponse(NOT_ASKED.to_owned());
        Some(NodeObservation { node, side, usage })
    };
    let questions = nodes.nodes.into_iter().map(|node| (observe(node.clone()), unasked(node)));
    ask_each(questions.collect(), PROBE_LIMIT).await.into_iter().flatten().collect()
}

/// What is at the address of a node.
enum NodeAnswer {
    /// A node that responds.
    Probe(StoreProbe),
    /// None that responds, for this reason, at a port of this state.
    Silence(String, PortState),
    /// It could not be asked, for this reason.
    Unasked(String),
}

/// Asks the node, and looks at its port: where it does not respond, that tells one that has stopped from one that
/// can't be understood.
async fn observe_node(node: &Node, context: &Context<'_>) -> NodeAnswer {
    let address: Address = match node.address.parse() {
        Ok(address) => address,
        Err(reason) => return NodeAnswer::Unasked(reason),
    };
    let options = match cluster_options_at(vec![address.clone()], true, context.options) {
        Ok(options) => options,
        Err(failure) => return NodeAnswer::Unasked(failure.message),
    };
    let mut time = ActiveTime::start();
    let probe = time.limit(PROBE_LIMIT, cluster::probe_store_at(&options, &address));
    match join!(probe, probe_port(&address, PROBE_LIMIT)) {
        (Some(Ok(probe)), _) => NodeAnswer::Probe(probe),
        (Some(Err(reason)), port) => NodeAnswer::Silence(reason, port),
        (None, port) => NodeAnswer::Silence("no response in time".to_owned(), port),
    }
}

impl NodeAnswer {
    /// Returns the response of a node.
    ///
    /// # Errors
    /// What is known without one; `None` if nothing listens there.
    fn into_probe(self) -> Result<StoreProbe, Option<StoreUse>> {
        Err(match self {
            NodeAnswer::Probe(probe) => return Ok(probe),
            NodeAnswer::Silence(_, PortState::Closed(_)) => None,
            NodeAnswer::Silence(reason, PortState::Open) => Some(StoreUse::Unclear(reason)),
            NodeAnswer::Silence(_, PortState::Unknown(reason)) => {
                Some(StoreUse::NoResponse(reason))
            }
            NodeAnswer::Silence(_, PortState::Absent(reason)) | NodeAnswer::Unasked(reason) => {
                Some(StoreUse::OutOfReach(reason))
            }
        })
    }

    /// Judges whether the node runs as a metadata server of this cluster; `None` if it does not.
    ///
    /// Without a majority it can't tell its `nodes_config`, and so its fingerprint.
    fn judge_server(self, node: &Node, cluster: &NodesConfiguration) -> Option<StoreUse> {
        let StoreProbe { ident, nodes_config } = match self.into_probe() {
            Ok(probe) => probe,
            Err(usage) => return usage,
        };
        let own = nodes_config.ok().flatten();
        let own = own.as_ref().and_then(Entry::value).and_then(codec::nodes_in);
        let is_server = ident.roles.iter().any(|role| role == "metadata-server")
            && ident.cluster_name == cluster.cluster_name
            && ident.id.is_none_or(|id| id == node.id)
            && own.is_none_or(|own| own.may_be_same_cluster(cluster));
        is_server.then_some(StoreUse::MetadataServer)
    }

    /// Judges whether the node uses the store with this `nodes_config`; `None` if it does not. The name of the
    /// cluster is empty where it is not known.
    ///
    /// Each start of a server changes `nodes_config`, so that no other store that servers have started on
    /// has the same.
    fn judge(self, cluster: &str, nodes_config: Option<&Entry>) -> Option<StoreUse> {
        let probe = match self.into_probe() {
            Ok(probe) => probe,
            Err(usage) => return usage,
        };
        let roles: Vec<_> =
            not_of_migration(&probe.ident.roles).into_iter().map(ToOwned::to_owned).collect();
        let stored = nodes_config.and_then(Entry::value);
        match &probe.nodes_config {
            _ if roles.is_empty() => None,
            // Its store may be this one.
            Ok(None) if stored.is_none() => {
                Some(StoreUse::Unclear("it runs on a store without nodes_config".to_owned()))
            }
            Ok(own) => {
                let own = own.as_ref().and_then(Entry::value);
                are_same(&Key::NodesConfig, own, stored).then_some(StoreUse::Running(roles))
            }
            Err(_) if !cluster.is_empty() && probe.ident.cluster_name != cluster => None,
            Err(reason) => Some(StoreUse::Unclear(reason.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CasToken, NodeIdent, Value, Version};

    #[test]
    fn node_runs_on_the_store_that_holds_what_its_own_holds() {
        let entry = |version: u32| {
            let (version, bytes) = (Version(version), vec![5, b'{', b'}'].into());
            Entry::Intact(Value { version, bytes }, CasToken::Version(version))
        };
        let judge = |role: &str, own: Option<Entry>, held: Option<Entry>| {
            let (cluster_name, roles) = ("demo".to_owned(), vec![role.to_owned()]);
            let ident = NodeIdent { id: Some(1), is_alive: true, cluster_name, roles };
            let answer = NodeAnswer::Probe(StoreProbe { ident, nodes_config: Ok(own) });
            answer.judge("demo", held.as_ref())
        };
        let runs = Some(StoreUse::Running(vec!["worker".to_owned()]));
        assert_eq!(judge("worker", Some(entry(3)), Some(entry(3))), runs);
        assert_eq!(judge("worker", Some(entry(4)), Some(entry(3))), None);
        assert_eq!(judge("worker", None, Some(entry(3))), None);
        assert_eq!(judge("admin", Some(entry(3)), Some(entry(3))), None);
        // Both lack it, as after a run that was killed behind its first step.
        assert!(matches!(judge("worker", None, None), Some(StoreUse::Unclear(_))));
    }
}
