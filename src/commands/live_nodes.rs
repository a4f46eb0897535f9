//! Servers that are at work on a store of its own that is read or written: nobody named them, but
//! `nodes_config` says where they would be. That none answers proves nothing; one that does is told.

use std::time::Duration;

use futures_util::future::join_all;

use crate::backends::cluster;
use crate::codec;
use crate::commands::Context;
use crate::commands::cluster_options::cluster_options_at;
use crate::model::{Entry, Key, NodeProbe, Snapshot};
use crate::pipeline::checks::{NodeObservation, NodeState, not_of_migration};

/// A server at work answers at once; a migration that needs none of them does not wait for long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The nodes that are at work on `side`, which holds this, and those that hang.
pub async fn on(
    side: &'static str,
    held: &Snapshot,
    context: &Context<'_>,
) -> Vec<NodeObservation> {
    // With --single-address, nobody else is asked.
    let Some(nodes) = codec::nodes_of(held).filter(|_| context.options.single_address.is_none())
    else {
        return Vec::new();
    };
    let nodes_config = held.get(&Key::NodesConfig);
    let asked = nodes.nodes.into_iter().map(|node| async move {
        let options =
            cluster_options_at(vec![node.address.parse().ok()?], true, context.options).ok()?;
        let looked =
            tokio::time::timeout(PATIENCE, cluster::probe_node_at(&options, &node.address)).await;
        let seen = match looked {
            Ok(Ok(seen)) if is_at_work(&seen, nodes_config) => {
                NodeState::Running(normal_roles(&seen))
            }
            Ok(_) => return None,
            Err(_) => NodeState::NoResponse,
        };
        Some(NodeObservation { node, side, seen })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// In normal operation, on the store that holds this `nodes_config`: each start of a server changes it,
/// so that no other store that servers have started on has the same.
fn is_at_work(seen: &NodeProbe, nodes_config: Option<&Entry>) -> bool {
    let value = |entry: Option<&Entry>| entry.and_then(Entry::value).cloned();
    !normal_roles(seen).is_empty() && value(seen.nodes_config.as_ref()) == value(nodes_config)
}

fn normal_roles(seen: &NodeProbe) -> Vec<String> {
    not_of_migration(&seen.roles).into_iter().map(ToOwned::to_owned).collect()
}
