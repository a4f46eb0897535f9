//! What is known of a cluster and its nodes, and what may be asked of it.

use std::collections::BTreeSet;

use crate::codec::Node;
use crate::model::{NodeReport, NodeState, ObservedNode, PartitionsReport, Quorum};
use crate::outcome::StoreVerdict;

/// What is asked of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All nodes respond, which is all that a list of them asks.
    Responding,
    /// All nodes respond, the metadata has a quorum, and, outside migration mode, every partition a leader.
    Working,
    /// Every node is in migration mode, and the metadata servers have a quorum.
    MigrationMode,
    /// As [`Condition::Working`], with every node in its normal roles.
    Running,
}

/// A node that `nodes_config` names, and what is known of it.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// The node, as `nodes_config` has it.
    pub node: Node,
    /// Its state, by what responds at its address.
    pub state: NodeState,
    /// What it reports, if it is the node itself that responds.
    pub report: Option<NodeReport>,
}

impl NodeFacts {
    /// Returns the node with its state: a node that starts may know its roles already.
    pub(super) fn observed(&self) -> ObservedNode {
        let Node { id, name, address, .. } = self.node.clone();
        let state = if self.is_starting() { NodeState::Starting } else { self.state.clone() };
        ObservedNode { id, name, address, state }
    }

    /// Returns whether the node itself responds, and is starting or stopping.
    pub(super) fn is_starting(&self) -> bool {
        let ident = self.report.as_ref().map(|report| &report.ident);
        ident.is_some_and(|ident| ident.id.is_none() || !ident.is_alive)
    }
}

/// Everything that is known of a cluster.
#[derive(Debug)]
pub struct ClusterFacts {
    /// Its nodes.
    pub nodes: Vec<NodeFacts>,
    /// The ids of the nodes that are skipped.
    pub ignored: Vec<u32>,
    /// The state of its metadata servers.
    pub quorum: Quorum,
    /// Its partitions, or the reason why they are not known.
    pub partitions: Result<PartitionsReport, String>,
    /// The partitions whose leadership an operator has frozen, of those without a leader.
    pub frozen: BTreeSet<u16>,
    /// The answer for the store of `--on`.
    pub on: Option<StoreVerdict>,
}

impl ClusterFacts {
    /// Returns the nodes that are not skipped.
    pub fn counted(&self) -> impl Iterator<Item = &NodeFacts> {
        self.nodes.iter().filter(|facts| !self.ignored.contains(&facts.node.id))
    }

    /// Returns whether a node runs in its normal roles, so that partitions should be led.
    pub fn expects_leaders(&self) -> bool {
        self.counted().any(|facts| NodeMode::of_node(facts) == Some(NodeMode::Normal))
    }
}

/// The mode in which a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeMode {
    /// With a role that it would not have in migration mode.
    Normal,
    /// Without the roles in which it has served before.
    Migration,
    /// Either: it was never seen in a role that migration mode takes away.
    Either,
}

impl NodeMode {
    /// Returns the mode of a node that is up; `None` for any other.
    pub(super) fn of_node(facts: &NodeFacts) -> Option<NodeMode> {
        match (&facts.state, facts.node.has_served) {
            (NodeState::NormalRoles(_), _) => Some(NodeMode::Normal),
            (NodeState::MigrationMode, true) => Some(NodeMode::Migration),
            (NodeState::MigrationMode, false) => Some(NodeMode::Either),
            _ => None,
        }
    }

    /// Returns the name in documents; `None` where the mode is not known.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            NodeMode::Normal => Some("normal"),
            NodeMode::Migration => Some("migration"),
            NodeMode::Either => None,
        }
    }
}
