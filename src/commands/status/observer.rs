//! Observes a cluster: asks all nodes anew, over new connections, and judges what they report.
//!
//! A node may have been restarted, replaced or moved between two looks, so that nothing but addresses is kept.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use super::on_store::OnStore;
use crate::backends::Source;
use crate::backends::cluster::{self, Cluster, ClusterOptions, ClusterReport, Questions};
use crate::backends::transport::Address;
use crate::codec::{Node, NodesConfiguration};
use crate::commands::live_nodes::find_listeners;
use crate::commands::{Context, cluster_options};
use crate::model::{Key, NodeState, Quorum, StoreError};
use crate::outcome::{Code, Failure, StatusResult, StoreAnswer, StoreVerdict};
use crate::pipeline::checks::{judge_response, judge_unasked};
use crate::pipeline::cluster_status::{
    ClusterFacts, Condition, NodeFacts, find_unknown_ids, is_leadership_frozen, judge_cluster,
    judge_store_use,
};

/// How often a node that knows a newer `nodes_config` is followed.
const MOST_FOLLOWED: usize = 3;

/// The most addresses that are kept beside those that were named.
const MOST_ADDRESSES: usize = 64;

/// The time after which it is looked again whether partitions are frozen.
const FROZEN_INTERVAL: Duration = Duration::from_secs(60);

/// Observes a cluster once or again.
pub struct Observer<'a> {
    context: &'a Context<'a>,
    options: ClusterOptions,
    ignored: &'a [u32],
    on: Option<OnStore>,
    /// The addresses of the nodes that were found.
    found: Vec<Address>,
    leaderless: Leaderless,
    /// How long the same partitions have to be without a leader before they may be frozen.
    frozen_after: Duration,
}

/// The partitions that had no leader at the last look.
#[derive(Default)]
struct Leaderless {
    ids: Vec<u16>,
    since: Option<Instant>,
    /// Those that are frozen, and when that was read.
    frozen: Option<(Instant, BTreeSet<u16>)>,
}

/// A connected cluster, and what it reports.
struct Seen {
    cluster: Cluster,
    report: ClusterReport,
}

impl<'a> Observer<'a> {
    /// Creates an observer of the cluster at `--address`.
    ///
    /// # Errors
    /// [`Code::Usage`] for addresses or TLS options that can't be used.
    pub fn new(
        context: &'a Context<'a>,
        ignored: &'a [u32],
        on: Option<OnStore>,
    ) -> Result<Self, Failure> {
        let options = cluster_options::default_cluster_options(context.options)?;
        let (found, leaderless) = (Vec::new(), Leaderless::default());
        let frozen_after = Duration::ZERO;
        Ok(Observer { context, options, ignored, on, found, leaderless, frozen_after })
    }

    /// Takes partitions for frozen only after they have had no leader for this long: that is read from as many keys.
    #[must_use]
    pub fn with_frozen_after(self, frozen_after: Duration) -> Self {
        Observer { frozen_after, ..self }
    }

    /// Asks every node, and returns what is seen, with the reasons why the condition does not hold.
    ///
    /// # Errors
    /// [`Code::SourceUnavailable`] if no node responds, and [`Code::Usage`] for a node to skip that the cluster does not
    /// have.
    pub async fn observe(&mut self, condition: Condition) -> Result<StatusResult, Failure> {
        let Seen { cluster, report } = self.look(condition).await?;
        let known = cluster.known_nodes();
        let mut facts = self.collect_facts(&cluster, report);
        let skipped = facts.nodes.iter_mut().filter(|node| self.ignored.contains(&node.node.id));
        find_listeners(skipped.map(|node| (&*node.node.address, &mut node.state)).collect()).await;
        let unknown = find_unknown_ids(&facts.nodes, self.ignored);
        if !unknown.is_empty() && !known.nodes.is_empty() {
            return Err(unknown_ids_failure(&unknown));
        }
        if self.on.is_some() {
            facts.on = Some(self.judge_on(&facts, known).await?);
        }
        let mut result = judge_cluster(&facts, condition);
        // Without a quorum, no key can be read, unless the cluster runs on an external store.
        let has_no_quorum = matches!(facts.quorum, Quorum::Lost(_) | Quorum::NoLeader(_));
        let is_readable = facts.on.is_some() || !has_no_quorum;
        if is_readable && let Some(frozen) = self.find_frozen(&cluster, &result).await {
            facts.frozen = frozen;
            result = judge_cluster(&facts, condition);
        }
        result.cluster = Some((known.cluster_name.clone(), known.fingerprint));
        self.keep_addresses(&facts);
        Ok(result)
    }

    /// Finds the nodes by the newest `nodes_config` that one of them knows, or, if they stop in the meantime, by the one
    /// that the first to respond knew.
    ///
    /// # Errors
    /// [`Code::SourceUnavailable`] if no node responds.
    pub async fn find_nodes(&self) -> Result<NodesConfiguration, Failure> {
        let first = cluster::connect(&self.options).await;
        let first = first.map_err(|error| unreachable_failure(&error))?;
        let newest = self.look(Condition::Responding).await;
        Ok(newest.map_or(first, |seen| seen.cluster).known_nodes().clone())
    }

    /// Connects and asks all nodes; a node that knows a newer `nodes_config` is asked for that.
    async fn look(&self, condition: Condition) -> Result<Seen, Failure> {
        let mut newer: Vec<Address> = Vec::new();
        loop {
            let mut options = self.options.clone();
            if !options.only_these {
                options.addresses.extend(newer.iter().chain(&self.found).cloned());
                remove_duplicates(&mut options.addresses);
            }
            let cluster = cluster::connect(&options).await;
            let cluster = cluster.map_err(|error| unreachable_failure(&error))?;
            let report = cluster.inspect(self.questions(condition, &cluster)).await;
            let follows = !options.only_these && newer.len() < MOST_FOLLOWED;
            match find_newer(&report, cluster.known_nodes()).filter(|_| follows) {
                Some(address) if !options.addresses.contains(&address) => newer.push(address),
                _ => return Ok(Seen { cluster, report }),
            }
        }
    }

    fn questions(&self, condition: Condition, cluster: &Cluster) -> Questions {
        let is_server = |node: &Node| node.has_role("metadata-server");
        let is_external = !cluster.known_nodes().nodes.iter().any(is_server);
        Questions {
            partitions: matches!(condition, Condition::Working | Condition::Running),
            own_store: self.on.is_some() || is_external && condition != Condition::Responding,
        }
    }

    fn collect_facts(&self, cluster: &Cluster, report: ClusterReport) -> ClusterFacts {
        let name = &cluster.known_nodes().cluster_name;
        let is_partly_reached = cluster.is_partly_reached();
        let nodes = report.nodes.into_iter().map(|inspected| {
            let node = inspected.node;
            let Some(answer) = inspected.report else {
                return NodeFacts { state: judge_unasked(&node), node, report: None };
            };
            let ident = answer.as_ref().map(|report| report.ident.clone()).map_err(Clone::clone);
            let state = match judge_response(&node, name, ident) {
                NodeState::NoResponse(reason) if is_partly_reached => NodeState::OutOfReach(reason),
                state => state,
            };
            let is_itself = !matches!(state, NodeState::AnotherNode(_));
            NodeFacts { node, state, report: answer.ok().filter(|_| is_itself) }
        });
        ClusterFacts {
            nodes: nodes.collect(),
            ignored: self.ignored.to_vec(),
            quorum: report.quorum,
            partitions: report.partitions,
            frozen: BTreeSet::new(),
            on: None,
        }
    }

    /// Reads the store after the nodes were asked: what it lacks then, no node has written there.
    async fn judge_on(
        &mut self,
        facts: &ClusterFacts,
        known: &NodesConfiguration,
    ) -> Result<StoreVerdict, Failure> {
        let Some(on) = &mut self.on else {
            return Err(Failure::new(Code::Internal, "there is no store to compare with"));
        };
        let (store, read) = on.read_nodes(self.context).await?;
        let counted: Vec<_> = facts.counted().collect();
        let (answer, reason) = match &read {
            Ok(stored) => judge_store_use(&counted, known, stored),
            Err(reason) => (StoreAnswer::CannotTell, Some(reason.clone())),
        };
        Ok(StoreVerdict { store, answer, reason })
    }

    /// Finds the frozen ones of the partitions without a leader, where these are all that is missing.
    async fn find_frozen(
        &mut self,
        cluster: &Cluster,
        result: &StatusResult,
    ) -> Option<BTreeSet<u16>> {
        let ids = result.partitions.as_ref().map(|all| all.not_led.clone()).unwrap_or_default();
        let now = Instant::now();
        if ids != self.leaderless.ids {
            self.leaderless = Leaderless { ids, since: Some(now), frozen: None };
        }
        let Leaderless { ids, since, frozen } = &mut self.leaderless;
        let has_lasted = since.is_some_and(|since| now - since >= self.frozen_after);
        let is_all = self.frozen_after.is_zero() || result.reasons.len() == 1;
        if ids.is_empty() || !has_lasted || !is_all {
            return None;
        }
        if frozen.as_ref().is_none_or(|(read, _)| now - *read >= FROZEN_INTERVAL) {
            *frozen = Some((now, read_frozen(cluster, ids).await));
        }
        frozen.as_ref().map(|(_, frozen)| frozen.clone())
    }

    /// Keeps the addresses of the nodes, so that the cluster is found also when those that were named are down.
    fn keep_addresses(&mut self, facts: &ClusterFacts) {
        let is_ours = |facts: &&NodeFacts| !matches!(facts.state, NodeState::AnotherNode(_));
        let addresses = facts.nodes.iter().filter(is_ours);
        let addresses = addresses.filter_map(|facts| facts.node.address.parse().ok());
        let addresses: Vec<_> = addresses.take(MOST_ADDRESSES).collect();
        // A node that has just started knows none: those of before may still respond.
        if !addresses.is_empty() {
            self.found = addresses;
        }
    }

    /// Forgets the addresses that were found: another cluster may have taken one.
    pub fn forget_addresses(&mut self) {
        self.found.clear();
    }
}

fn remove_duplicates(addresses: &mut Vec<Address>) {
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
}

/// Returns the address of a node that knows a newer `nodes_config` than the one that the nodes were found by.
fn find_newer(report: &ClusterReport, known: &NodesConfiguration) -> Option<Address> {
    let versions = report.nodes.iter().filter_map(|inspected| {
        let report = inspected.report.as_ref()?.as_ref().ok()?;
        let is_itself = report.ident.is_node(inspected.node.id, &known.cluster_name);
        let version = u64::from(report.nodes_config_version);
        (is_itself && version > known.version).then_some((version, &inspected.node.address))
    });
    versions.max_by_key(|(version, _)| *version)?.1.parse().ok()
}

/// Reads which of these partitions have a frozen leadership; one whose epoch can't be read, or not in the time of one
/// request, counts as not frozen.
async fn read_frozen(cluster: &Cluster, ids: &[u16]) -> BTreeSet<u16> {
    let reads = stream::iter(ids.iter().copied()).map(|id| async move {
        let key = Key::PartitionEpoch(id);
        let entry = cluster.read(std::slice::from_ref(&key)).await.ok()?.pop()??;
        let is_frozen = entry.value().is_some_and(|value| is_leadership_frozen(&key, value));
        is_frozen.then_some(id)
    });
    let reads = reads.buffer_unordered(cluster.read_limits().concurrency);
    let limit = tokio::time::sleep(cluster.asking_limit());
    reads.take_until(limit).filter_map(|id| async move { id }).collect().await
}

fn unreachable_failure(error: &StoreError) -> Failure {
    let failure = match error {
        StoreError::Unavailable { .. } => {
            let failure = Failure::new(Code::SourceUnavailable, "");
            failure.hint(
                "check --address: it is the node-to-node (fabric) address, by default port 5122",
            )
        }
        _ => Failure::of_cluster(error),
    };
    Failure { message: error.to_string(), ..failure }
}

fn unknown_ids_failure(ids: &[u32]) -> Failure {
    let names: Vec<_> = ids.iter().map(|id| format!("N{id}")).collect();
    let names = names.join(", ");
    let reason = format!("--ignore-node names nodes that the cluster does not have: {names}");
    Failure::new(Code::Usage, reason)
}
