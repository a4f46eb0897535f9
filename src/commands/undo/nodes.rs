//! The nodes that may run on the target: those of its `nodes_config`, and of the one that it held before.

use tokio::join;

use super::job::UndoJob;
use crate::codec::{self, Node, NodesConfiguration};
use crate::commands::live_nodes::observe_each;
use crate::model::{Entry, Key, Snapshot};
use crate::outcome::Finding;
use crate::pipeline::checks::{
    NodeObservation, NodesToAsk, check_nodes_on_target, check_unasked_nodes,
};

/// Checks that none of these nodes runs on the target, which holds `held`.
pub(super) async fn check_nodes(job: &UndoJob<'_>, held: &Snapshot) -> Finding {
    let before = &job.inputs.before;
    let (now, is_known) = find_nodes(job, held);
    let earlier = codec::nodes_of(before).filter(|_| !have_same_nodes(held, before));
    let mut earlier = earlier.unwrap_or_default();
    let is_asked = |node: &Node| now.nodes.iter().any(|one| is_same_place(one, node));
    earlier.nodes.retain(|node| !is_asked(node));
    let names = || now.nodes.iter().chain(&earlier.nodes).map(ToString::to_string).collect();
    if job.context.options.single_address.is_some() {
        return check_unasked_nodes(names());
    }
    let asked = match (held.contains_key(&Key::NodesConfig), is_known) {
        _ if now.nodes.is_empty() && earlier.nodes.is_empty() && is_known => NodesToAsk::None,
        (true, false) => NodesToAsk::OfReport(names()),
        _ => NodesToAsk::OfTarget,
    };
    let (of_now, of_earlier): (Vec<NodeObservation>, _) = join!(
        observe_each("target", now, held, job.context),
        observe_each("target", earlier, held, job.context)
    );
    let observed: Vec<_> = of_now.into_iter().chain(of_earlier).collect();
    check_nodes_on_target(&observed, asked)
}

fn is_same_place(one: &Node, other: &Node) -> bool {
    (one.id, &one.address) == (other.id, &other.address)
}

/// Finds the nodes that `nodes_config` of the target names, and whether they are known. Where it can't be decoded,
/// they are those that the report of the run names.
fn find_nodes(job: &UndoJob<'_>, held: &Snapshot) -> (NodesConfiguration, bool) {
    if let Some(nodes) = codec::nodes_of(held) {
        return (nodes, true);
    }
    let is_absent = !held.contains_key(&Key::NodesConfig);
    let named = job.inputs.run.nodes.iter().filter(|_| !is_absent);
    let nodes: Vec<Node> = named.cloned().collect();
    (NodesConfiguration { nodes, ..NodesConfiguration::default() }, is_absent)
}

fn have_same_nodes(one: &Snapshot, other: &Snapshot) -> bool {
    let value =
        |snapshot: &Snapshot| snapshot.get(&Key::NodesConfig).and_then(Entry::value).cloned();
    value(one) == value(other)
}
