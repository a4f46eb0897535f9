//! The result of `status`, `nodes list` and `wait`: what a live cluster reports of itself.

use std::time::Duration;

use super::StoreName;
use crate::model::{MemberCount, ObservedNode};

/// The command that a result is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusKind {
    /// `status`.
    #[default]
    Status,
    /// `nodes list`.
    Nodes,
    /// `wait --for` this condition.
    Wait(&'static str),
}

/// `status`, `nodes list` and `wait`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusResult {
    /// The command.
    pub kind: StatusKind,
    /// Name and fingerprint, once a node has responded.
    pub cluster: Option<(String, Option<u64>)>,
    /// The nodes that `nodes_config` names.
    pub nodes: Vec<StatusNode>,
    /// The members of the replicated store; `None` if no node is a metadata server, or they were not asked.
    pub quorum: Option<MemberCount>,
    /// `true` if the nodes keep their metadata in an external store.
    pub is_external: bool,
    /// The partitions; `None` where they are not known, or not asked for.
    pub partitions: Option<PartitionsStatus>,
    /// The answer to whether the cluster runs on the store of `--on`.
    pub on: Option<StoreVerdict>,
    /// Why the condition does not hold, one text a reason; it holds if there is none.
    pub reasons: Vec<String>,
}

/// One node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNode {
    /// The node and its state.
    pub observed: ObservedNode,
    /// The mode, where it is known.
    pub mode: Option<&'static str>,
    /// The roles that it runs with.
    pub roles: Vec<String>,
    /// The generation that it runs with.
    pub generation: Option<u32>,
    /// The state of its metadata server, if it has one.
    pub metadata_server: Option<&'static str>,
    /// The time since its start.
    pub uptime: Option<Duration>,
    /// The partitions that it leads and those that it follows; `None` where they are not known.
    pub partitions: Option<(usize, usize)>,
}

/// The partitions of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionsStatus {
    /// All of them.
    pub total: usize,
    /// Those with an active leader.
    pub led: usize,
    /// The others, but for the frozen ones.
    pub not_led: Vec<u16>,
    /// Those without a leader that an operator has frozen.
    pub frozen: Vec<u16>,
}

/// The answer to whether a cluster runs on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAnswer {
    /// Every node does.
    Yes,
    /// The store lacks what a node wrote at its start.
    No,
    /// What is seen fits both.
    CannotTell,
}

impl StoreAnswer {
    /// Returns the name in documents.
    pub fn name(self) -> &'static str {
        match self {
            StoreAnswer::Yes => "yes",
            StoreAnswer::No => "no",
            StoreAnswer::CannotTell => "cannot-tell",
        }
    }
}

/// The answer for one store, and why it is not yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreVerdict {
    /// The store.
    pub store: StoreName,
    /// The answer.
    pub answer: StoreAnswer,
    /// The evidence, unless the answer is yes.
    pub reason: Option<String>,
}

impl StoreVerdict {
    /// Describes an answer that is not yes.
    pub fn describe_fault(&self) -> Option<String> {
        let reason = self.reason.as_deref().unwrap_or_default();
        match self.answer {
            StoreAnswer::Yes => None,
            StoreAnswer::No => {
                Some(format!("the cluster does not run on {}: {reason}", self.store))
            }
            StoreAnswer::CannotTell => {
                Some(format!("cannot tell whether the cluster runs on {}: {reason}", self.store))
            }
        }
    }
}
