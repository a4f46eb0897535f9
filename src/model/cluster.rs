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

/// The response of a node about the store that it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreProbe {
    /// Who it is.
    pub ident: NodeIdent,
    /// `nodes_config` in its store, or the reason why it can't read it.
    pub nodes_config: Result<Option<Entry>, String>,
}

/// The identity of the node that responds at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIdent {
    /// The plain id that it runs with, once it has joined.
    pub id: Option<u32>,
    /// `true` if it is neither starting nor stopping.
    pub is_alive: bool,
    /// The cluster that it is configured for.
    pub cluster_name: String,
    /// The roles that it runs with.
    pub roles: Vec<String>,
}

impl NodeIdent {
    /// Returns whether this is the node of that id and cluster; one that has not joined yet has no id.
    pub fn is_node(&self, id: u32, cluster_name: &str) -> bool {
        self.id.is_none_or(|own| own == id) && self.cluster_name == cluster_name
    }
}

impl std::fmt::Display for NodeIdent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.id {
            Some(id) => write!(f, "N{id} of cluster {}", self.cluster_name),
            None => write!(f, "a node of cluster {}", self.cluster_name),
        }
    }
}

/// A node that `nodes_config` names, as it was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedNode {
    /// The plain id.
    pub id: u32,
    /// The configured name.
    pub name: String,
    /// The address at which it was asked.
    pub address: String,
    /// The state that was observed.
    pub state: NodeState,
}

impl std::fmt::Display for ObservedNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "N{} ({}, {})", self.id, self.name, self.address)
    }
}

/// The state of a node, by what responds at its address now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// The node itself, in migration mode.
    MigrationMode,
    /// The node itself, with these roles that it would not have in migration mode.
    NormalRoles(Vec<String>),
    /// The node is starting or stopping, and its mode is not known yet.
    Starting,
    /// A server that was not asked who it is.
    Listening,
    /// Another node, described by id and cluster.
    AnotherNode(String),
    /// Nothing, for this reason.
    NoResponse(String),
    /// Nothing, for this reason, where nodes that run can't be reached from here.
    OutOfReach(String),
    /// The node was not asked; it last started with these roles that it would not have in migration
    /// mode.
    NotAsked(Vec<String>),
}

impl NodeState {
    /// Returns the name of the state in documents.
    pub fn name(&self) -> &'static str {
        match self {
            NodeState::MigrationMode | NodeState::NormalRoles(_) | NodeState::Listening => {
                "responding"
            }
            NodeState::Starting => "starting",
            NodeState::AnotherNode(_) => "another-node",
            NodeState::NoResponse(_) | NodeState::OutOfReach(_) => "no-response",
            NodeState::NotAsked(_) => "not-asked",
        }
    }

    /// Returns the name of the mode in documents; `None` where it is not known.
    pub fn mode(&self) -> Option<&'static str> {
        match self {
            NodeState::MigrationMode => Some("migration"),
            NodeState::NormalRoles(_) => Some("normal"),
            _ => None,
        }
    }
}

/// The members of the replicated store, counted by their responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberCount {
    /// The members that respond.
    pub responding: usize,
    /// All members.
    pub members: usize,
    /// The number that makes a majority.
    pub needed: usize,
    /// The id of the leader.
    pub leader: Option<u32>,
    /// The metadata servers that do not respond, each with its reason.
    pub silent: Vec<String>,
    /// The metadata servers that respond and are not members, each with its state.
    pub not_members: Vec<String>,
    /// `true` if a node that can be reached from here reads the store although fewer members than a majority can:
    /// the others run, out of reach.
    pub is_partly_reached: bool,
    /// The members by id; `None` if no member reports them, so that every metadata server is counted.
    pub reported: Option<Members>,
}

impl std::fmt::Display for MemberCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let MemberCount { responding, members, needed, .. } = self;
        let plural = if *members == 1 { "" } else { "s" };
        match self.is_partly_reached {
            true => write!(
                f,
                "{responding} of {members} metadata server{plural} can be reached from here (quorum {needed}), and \
                 the node that responds reads from the others"
            )?,
            false => write!(
                f,
                "{responding} of {members} metadata server{plural} responding (quorum {needed})"
            )?,
        }
        match self.leader {
            Some(leader) => write!(f, ", leader N{leader}")?,
            None if responding >= needed => f.write_str(", no leader named yet")?,
            None => {}
        }
        self.silent.iter().chain(&self.not_members).try_for_each(|one| write!(f, "; {one}"))
    }
}

/// The state of the replicated store's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// A majority responds, and knows of a leader or reads through one.
    Held(MemberCount),
    /// A majority does not respond.
    Lost(MemberCount),
    /// A majority responds, and none of it knows of a leader.
    NoLeader(MemberCount),
    /// Unknown, since only one node may be asked.
    Unknown,
    /// No node of the cluster is a metadata server: its metadata is in another store.
    NoMetadataServers,
}

impl Quorum {
    /// Returns the counted members; `None` where they were not asked, or there are none.
    pub fn members(&self) -> Option<&MemberCount> {
        match self {
            Quorum::Held(count) | Quorum::Lost(count) | Quorum::NoLeader(count) => Some(count),
            Quorum::Unknown | Quorum::NoMetadataServers => None,
        }
    }
}
