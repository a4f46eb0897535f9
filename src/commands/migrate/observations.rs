//! Observations beside the stores' content: plain data that the checks judge.

use std::path::PathBuf;

use crate::codec::Node;
use crate::model::{
    Entry, Key, LimitViolation, NodeIdent, NodeProbe, NodeState, ObservedNode, StoreError,
};
use crate::pipeline::checks::{
    Answers, NodeObservation, StoreUse, judge_response, not_of_migration,
};
use crate::pipeline::verify::are_same;

/// The responses of the nodes that source and target name.
#[derive(Debug, Default)]
pub(super) struct NodeObservations {
    /// The nodes of a live cluster that is the source.
    pub(super) of_cluster: Vec<ObservedNode>,
    /// Nodes still running on the source, and those that did not respond in time.
    pub(super) on_source: Vec<NodeObservation>,
    /// `true` if none of the source's nodes was asked, as with `--single-address`.
    pub(super) are_unasked: bool,
    /// The same nodes of the target.
    pub(super) on_target: Vec<NodeObservation>,
    /// `true` if the target names nodes, and none of them was asked.
    pub(super) is_target_unasked: bool,
    /// The responses of the source's nodes in a roll-back; `None` if the target names no nodes.
    pub(super) rollback: Option<Answers>,
}

impl NodeObservations {
    /// Returns whether a node of a roll-back is seen in its normal roles elsewhere than on the target: it
    /// runs on the source. `held` is the target's `nodes_config`.
    pub(super) fn has_node_on_source(&self, held: Option<&Entry>) -> bool {
        let Some(answers) = &self.rollback else { return false };
        let is_normal = |probe: &NodeProbe| !not_of_migration(&probe.roles).is_empty();
        let is_elsewhere = |probe: &NodeProbe| {
            let own = probe.nodes_config.as_ref().and_then(Entry::value);
            is_normal(probe) && !are_same(&Key::NodesConfig, own, held.and_then(Entry::value))
        };
        let mut at_home = answers.at_home.iter().filter_map(|(_, probe)| probe.as_ref().ok());
        at_home.any(is_elsewhere) || answers.elsewhere.iter().any(|(_, probe)| is_normal(probe))
    }

    /// Returns the nodes as documents show them.
    ///
    /// `target` is the name of a live target's cluster.
    pub(super) fn describe_nodes(&self, target: &str) -> Vec<ObservedNode> {
        let of_stores = self.on_source.iter().chain(&self.on_target).map(|observed| {
            let state = match &observed.usage {
                StoreUse::Running(roles) => NodeState::NormalRoles(roles.clone()),
                StoreUse::MetadataServer => {
                    NodeState::NormalRoles(vec!["metadata-server".to_owned()])
                }
                StoreUse::NoResponse(reason)
                | StoreUse::OutOfReach(reason)
                | StoreUse::Unclear(reason) => NodeState::NoResponse(reason.clone()),
            };
            observe(&observed.node, state)
        });
        let answers = self.rollback.iter().flat_map(|answers| &answers.at_home);
        let of_target =
            answers.map(|(node, probe)| observe(node, judge_probe(node, probe, target)));
        self.of_cluster.iter().cloned().chain(of_stores).chain(of_target).collect()
    }
}

fn observe(node: &Node, state: NodeState) -> ObservedNode {
    let (name, address) = (node.name.clone(), node.address.clone());
    ObservedNode { id: node.id, name, address, state }
}

fn judge_probe(node: &Node, probe: &Result<NodeProbe, String>, cluster_name: &str) -> NodeState {
    let ident = probe.clone().map(|probe| NodeIdent {
        id: probe.node_id.map(|(id, _)| id),
        is_alive: probe.is_alive,
        cluster_name: probe.cluster_name,
        roles: probe.roles,
    });
    judge_response(node, cluster_name, ident)
}

/// The values that do not fit the target; `None` where it is not known what would be written, or the
/// target accepts no writes.
pub(super) type LimitViolations = Option<Result<Vec<LimitViolation>, StoreError>>;

/// All that the checks of both sides need beside their content.
#[derive(Debug, Default)]
pub(super) struct Observations {
    pub(super) limit_violations: LimitViolations,
    /// What the target says of its capacity.
    pub(super) capacity: Option<String>,
    /// The backup file of an interrupted run that accounts for what the target holds.
    pub(super) prior_backup: Option<PathBuf>,
}
