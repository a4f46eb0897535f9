//! `metadata describe`: what the values of a store say, as plain data. Values that may be credentials are hidden in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::StoreName;
use crate::model::Key;

/// The parts of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DescriptionPart {
    Nodes,
    Partitions,
    Logs,
    Deployments,
    Rules,
}

/// `metadata describe`.
#[derive(Debug)]
pub struct DescriptionResult {
    /// The store.
    pub store: StoreName,
    /// Name and fingerprint, where `nodes_config` is there and says them.
    pub cluster: Option<(String, Option<u64>)>,
    /// What the values say.
    pub description: Description,
    /// The part that is shown to people; `None` for all of them.
    pub part: Option<DescriptionPart>,
    /// `true` if rows that are alike are shown one by one.
    pub shows_every_row: bool,
    /// Warnings: the keys that could not be described, and an incomplete store.
    pub warnings: Vec<String>,
}

/// What the values of a store say. A part is `None` if its key is absent or can't be decoded.
#[derive(Debug, Default, Serialize)]
pub struct Description {
    /// From `nodes_config`.
    pub nodes: Option<Vec<DescribedNode>>,
    /// From `partition_table` and the epochs.
    pub partitions: Option<Vec<DescribedPartition>>,
    /// From `bifrost_config`.
    pub logs: Option<Vec<DescribedLog>>,
    /// From `schema_registry`.
    pub deployments: Option<Vec<DescribedDeployment>>,
    /// From `schema_registry`.
    pub subscriptions: Option<Vec<DescribedSubscription>>,
    /// From `rule_book`.
    pub rules: Option<Vec<DescribedRule>>,
    /// The keys that are there and could not be described.
    #[serde(skip)]
    pub undescribed: Vec<(Key, String)>,
}

/// A node, or what is left of a removed one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedNode {
    /// The plain id.
    pub id: u64,
    /// `present` or `removed`; a removed node has nothing else.
    pub state: &'static str,
    /// The number of its starts.
    pub generation: Option<u64>,
    /// The configured name.
    pub name: Option<String>,
    /// The roles it last started with.
    pub roles: Vec<String>,
    /// The address of its fabric services.
    pub address: Option<String>,
    /// `member`, `standby` or `provisioning`.
    pub metadata_server: Option<String>,
    /// The state of its log server.
    pub log_server: Option<String>,
    /// The state of its worker.
    pub worker: Option<String>,
    /// Region and zone.
    pub location: Option<String>,
    /// The server version it last started with.
    pub version: Option<String>,
}

/// A partition with its epoch.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedPartition {
    /// The id.
    pub id: u64,
    /// The first key; `None` where the table has only the number of partitions.
    pub start: Option<u64>,
    /// The last key.
    pub end: Option<u64>,
    /// The log, where the table names one.
    pub log: Option<u64>,
    /// `false` if there is no epoch that can be decoded.
    pub has_epoch: bool,
    /// The epoch of the last leader.
    pub leader_epoch: Option<u64>,
    /// The node that last became leader, such as `N1:3`.
    pub leader: Option<String>,
    /// The nodes of the replica set.
    pub replicas: Vec<u64>,
    /// The nodes of the next one, while it changes.
    pub next_replicas: Vec<u64>,
    /// The replication, such as `{node: 2}`.
    pub replication: Option<String>,
    /// The reason why its leadership is frozen.
    pub frozen_leadership: Option<String>,
    /// The reason why its placement is frozen.
    pub frozen_placement: Option<String>,
}

/// A log with its segments.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedLog {
    /// The id.
    pub id: u64,
    /// The segments, the newest last.
    pub segments: Vec<DescribedSegment>,
}

/// A segment of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DescribedSegment {
    /// The number of its first record.
    pub base_lsn: Option<u64>,
    /// The kind, such as `replicated`.
    pub kind: String,
    /// The node that orders its records.
    pub sequencer: Option<String>,
    /// The replication, as the value has it.
    pub replication: Option<String>,
    /// The nodes that hold it.
    pub nodeset: Vec<u64>,
}

/// A deployment with its services.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedDeployment {
    /// The id.
    pub id: String,
    /// Its address, or the ARN of a function.
    pub endpoint: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: Option<u64>,
    /// The names of the headers that it is sent; each value is hidden.
    pub headers: BTreeMap<String, Json>,
    /// The services.
    pub services: Vec<DescribedService>,
}

/// A service.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedService {
    /// The name.
    pub name: String,
    /// `Service`, `VirtualObject` or `Workflow`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The number of its last registration.
    pub revision: Option<u64>,
    /// `false` if only other services may call it.
    pub public: Option<bool>,
    /// The names of its handlers.
    pub handlers: Vec<String>,
}

/// A subscription.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedSubscription {
    /// The id.
    pub id: String,
    /// The source, as the value has it.
    pub source: Json,
    /// The sink, as the value has it.
    pub sink: Json,
    /// The names of its options; each value is hidden.
    pub options: Json,
}

/// A limiter rule.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescribedRule {
    /// The pattern that it applies to.
    pub pattern: String,
    /// The invocations at once; `None` without a limit.
    pub concurrency: Option<u64>,
    /// `true` if it is not applied.
    pub disabled: bool,
    /// The operator's text.
    pub description: Option<String>,
    /// The version of the rule.
    pub version: Option<u64>,
    /// Milliseconds since 1970.
    pub last_modified: Option<u64>,
}
