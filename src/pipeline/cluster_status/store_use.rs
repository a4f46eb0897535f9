//! Whether a cluster runs on a store.
//!
//! Each start of a node raises its generation in the store that it runs on. A store that lacks the generation of a node
//! that runs is therefore not the node's. That it has the generation proves nothing right after a copy, when both stores
//! have it: so only nodes in their normal roles count, which were started after it.

use super::facts::{NodeFacts, NodeMode};
use crate::codec::NodesConfiguration;
use crate::model::{Entry, Key, NodeReport, StoreReading};
use crate::outcome::StoreAnswer;
use crate::pipeline::verify::are_same;

/// `nodes_config` of the store, read after the nodes were asked.
#[derive(Debug)]
pub struct StoredNodes {
    /// The entry; `None` if the store does not have it.
    pub entry: Option<Entry>,
    /// What it says, if it can be decoded.
    pub nodes: Option<NodesConfiguration>,
}

/// An answer, and why it is not yes.
type Answer = (StoreAnswer, Option<String>);

/// Judges whether all of these nodes run on the store.
///
/// `cluster` is their `nodes_config`, as they know it.
pub fn judge_store_use(
    nodes: &[&NodeFacts],
    cluster: &NodesConfiguration,
    stored: &StoredNodes,
) -> Answer {
    let cannot_tell = |reason: String| (StoreAnswer::CannotTell, Some(reason));
    let no = |reason: String| (StoreAnswer::No, Some(reason));
    let mode = |facts: &&&NodeFacts| NodeMode::of_node(facts);
    if let Some(facts) = nodes.iter().find(|facts| mode(facts) == Some(NodeMode::Migration)) {
        return cannot_tell(format!("{} runs in migration mode", facts.node));
    }
    if nodes.iter().all(|facts| mode(&facts) != Some(NodeMode::Normal)) {
        return cannot_tell("no node responds that runs in its normal roles".to_owned());
    }
    let Some(in_store) = &stored.nodes else {
        return match stored.entry {
            None => no("it has no nodes_config".to_owned()),
            Some(_) => cannot_tell("its nodes_config cannot be decoded".to_owned()),
        };
    };
    if !in_store.may_be_same_cluster(cluster) {
        return no(format!("it has the metadata of another cluster, {}", in_store.cluster_name));
    }
    if let Some(reason) = nodes.iter().find_map(|facts| describe_lacking(facts, in_store)) {
        return no(reason);
    }
    match nodes.iter().find_map(|facts| describe_doubt(facts, in_store, stored)) {
        Some(reason) => cannot_tell(reason),
        None => (StoreAnswer::Yes, None),
    }
}

/// Describes a node whose start the store does not know.
fn describe_lacking(facts: &NodeFacts, in_store: &NodesConfiguration) -> Option<String> {
    let running = facts.report.as_ref()?.generation?;
    let node = &facts.node;
    match in_store.nodes.iter().find(|stored| stored.id == node.id) {
        None => Some(format!("it has no {node}, which runs")),
        Some(stored) if stored.generation < running => {
            Some(format!("{node} runs with generation {running}, and it has {}", stored.generation))
        }
        Some(_) => None,
    }
}

/// Describes what keeps a node from counting.
fn describe_doubt(
    facts: &NodeFacts,
    in_store: &NodesConfiguration,
    stored: &StoredNodes,
) -> Option<String> {
    let node = &facts.node;
    let is_up = |report: &&NodeReport| report.ident.is_alive && NodeMode::of_node(facts).is_some();
    let Some(report) = facts.report.as_ref().filter(is_up) else {
        return Some(format!("{node} does not respond, or is starting or stopping"));
    };
    let stored_generation =
        in_store.nodes.iter().find(|one| one.id == node.id).map(|one| one.generation);
    if report.generation.is_none() || report.generation != stored_generation {
        return Some(format!("{node} was started again in the meantime"));
    }
    let stored = stored.entry.as_ref().and_then(Entry::value);
    match &report.own_store {
        StoreReading::Read(own)
            if are_same(&Key::NodesConfig, own.as_ref().and_then(Entry::value), stored) =>
        {
            None
        }
        StoreReading::Read(_) => {
            Some(format!("{node} reads another nodes_config than is read here"))
        }
        StoreReading::Failed(reason) => {
            Some(format!("{node} cannot read its metadata store: {reason}"))
        }
        StoreReading::NotAsked => Some(format!("{node} was not asked for its store")),
    }
}
