//! What the nodes of a live cluster report when they are all asked at once: each of itself, and an admin
//! node of the partitions.

use std::time::Duration;

use super::cluster::NodeIdent;
use super::value::Entry;

/// The report of a node about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Its identity, and the roles that it runs with.
    pub ident: NodeIdent,
    /// The generation that it runs with, once it has joined.
    pub generation: Option<u32>,
    /// The time since its start.
    pub uptime: Duration,
    /// The state of its metadata server, if it has one.
    pub metadata_server: Option<&'static str>,
    /// The version of `nodes_config` that it knows.
    pub nodes_config_version: u32,
    /// `nodes_config` in the store that it runs on.
    pub own_store: StoreReading,
}

/// What a node reads from the store that it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreReading {
    /// It was not asked.
    #[default]
    NotAsked,
    /// The entry; `None` if the store does not have it.
    Read(Option<Entry>),
    /// Nothing, for this reason.
    Failed(String),
}

/// The report of an admin node about the partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionsReport {
    /// The ids of all partitions.
    pub ids: Vec<u16>,
    /// The partition processors, as the nodes last reported them.
    pub processors: Vec<PartitionProcessor>,
}

/// The processor of one partition on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionProcessor {
    /// The partition.
    pub partition: u16,
    /// Id and generation of the node.
    pub node: (u32, u32),
    /// The mode that it is in.
    pub mode: ProcessorMode,
}

/// The mode of a partition processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessorMode {
    /// It leads the partition and serves it.
    ActiveLeader,
    /// It is to lead, and does not serve yet.
    OtherLeader,
    /// It follows.
    Follower,
}

/// The state of the port at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortState {
    /// A server accepts connections.
    Open,
    /// Nothing listens there, for this reason.
    Closed(String),
    /// There is no such host, or no way to it, for this reason: seen from elsewhere, there may be.
    Absent(String),
    /// Not known, for this reason.
    Unknown(String),
}
