//! The answers of a live cluster's nodes: who they are, and whether their metadata servers have a quorum.

use std::collections::BTreeSet;

use super::value::Entry;

/// The answer to whether the nodes run on their own replicated store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsesReplicatedStore {
    /// Yes: its leader and the nodes hold the same `nodes_config`.
    Yes,
    /// They don't, or there is no such store.
    No,
    /// Unknown: no leader responds, or no node from its own store.
    Unknown,
}

/// The members of the replicated store, by the ids of their nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// All of them.
    pub ids: BTreeSet<u32>,
    /// The nodes whose metadata servers respond, members or not.
    pub responding: BTreeSet<u32>,
}

/// The response of a node about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeProbe {
    /// The id and generation that it runs with, once it has joined.
    pub node_id: Option<(u32, u32)>,
    /// `true` if it is neither starting nor stopping.
    pub is_alive: bool,
    /// The cluster that it is configured for.
    pub cluster_name: String,
    /// The roles that it runs with.
    pub roles: Vec<String>,
    /// `nodes_config` in the store that it runs on.
    pub nodes_config: Option<Entry>,
}

/// The state of the replicated store's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// A majority answers and knows of a leader; said in words.
    Held(String),
    /// A majority does not answer; said in words.
    Lost(String),
    /// A majority answers, and none of it knows of a leader; said in words.
    NoLeader(String),
    /// Unknown, since only one node may be asked.
    Unknown,
    /// No node of the cluster is a metadata server: its metadata is in another store.
    NoMetadataServers,
}
