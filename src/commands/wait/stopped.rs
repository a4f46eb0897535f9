//! Waits until nothing listens at the addresses of the nodes.
//!
//! It is no proof that their processes have ended: a server closes its port some seconds before that.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use super::progress::WaitProgress;
use crate::backends::Source;
use crate::backends::cluster::{self, ClusterOptions};
use crate::backends::transport::{Address, probe_port};
use crate::codec::{self, Node, NodesConfiguration};
use crate::commands::open_store::{OpenSource, open_source};
use crate::commands::status::Observer;
use crate::commands::{Context, cluster_options, store_arg};
use crate::model::{Entry, Key, NodeState, ObservedNode, PortState};
use crate::outcome::{Code, Failure, StatusNode, StatusResult};

const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// How long a port has to be closed, where nothing else is said: a supervisor may start a node again.
const STABLE_FOR: Duration = Duration::from_secs(3);

const PROBES_AT_ONCE: usize = 64;

const FROM_HINT: &str =
    "name a store that holds the cluster's nodes with --from, such as a backup file";

/// The nodes that are to stop.
pub(super) struct NodesToStop<'a> {
    nodes: NodesConfiguration,
    ignored: &'a [u32],
    options: ClusterOptions,
    /// How long a port has to be closed.
    stable_for: Duration,
}

/// A node, and the probes in a row that found its port closed.
struct WatchedNode {
    node: Node,
    address: Result<Address, String>,
    closed: u32,
    /// The time of the first of them.
    closed_since: Instant,
    last: PortState,
}

impl WatchedNode {
    fn add_probe(&mut self, state: PortState, now: Instant) {
        match (&state, self.closed) {
            (PortState::Closed(_) | PortState::Absent(_), 0) => {
                (self.closed, self.closed_since) = (1, now);
            }
            (PortState::Closed(_) | PortState::Absent(_), before) => {
                self.closed = before.saturating_add(1);
            }
            (PortState::Open | PortState::Unknown(_), _) => self.closed = 0,
        }
        self.last = state;
    }

    /// Returns whether the port was closed for this long, in one probe a second at least: this process may have been
    /// suspended between two.
    fn has_stopped(&self, stable_for: Duration) -> bool {
        let is_long = self.closed_since.elapsed() >= stable_for;
        is_long && u64::from(self.closed) > stable_for.as_secs()
    }
}

impl<'a> NodesToStop<'a> {
    /// Finds the nodes in the store of `--from`, or asks the cluster for them.
    ///
    /// # Errors
    /// [`Code::SourceUnavailable`] if they can't be known.
    pub(super) async fn find(
        from: Option<&OsStr>,
        ignored: &'a [u32],
        stable_for: Option<Duration>,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let options = cluster_options::default_cluster_options(context.options)?;
        let nodes = find_nodes(from, context).await?;
        let is_unknown = |id: &&u32| nodes.nodes.iter().all(|node| node.id != **id);
        if let Some(id) = ignored.iter().find(is_unknown) {
            let reason =
                format!("--ignore-node names a node that the cluster does not have: N{id}");
            return Err(Failure::new(Code::Usage, reason));
        }
        let stable_for = stable_for.unwrap_or(STABLE_FOR);
        Ok(NodesToStop { nodes, ignored, options, stable_for })
    }

    /// Probes all nodes until each is closed.
    pub(super) async fn wait_until_stopped(&self, progress: &WaitProgress<'_>) {
        let watch = |node: &Node| WatchedNode {
            node: node.clone(),
            address: node.address.parse(),
            closed: 0,
            closed_since: Instant::now(),
            last: PortState::Unknown("not asked yet".to_owned()),
        };
        let mut watched: Vec<_> = self.nodes.nodes.iter().map(watch).collect();
        loop {
            self.probe_all(&mut watched).await;
            let mut reasons = Vec::new();
            for node in &watched {
                reasons.extend(self.describe_fault(node).await);
            }
            let has_stopped = reasons.is_empty();
            progress.set_last(self.to_result(&watched, reasons));
            if has_stopped {
                self.warn_of_absent_hosts(&watched, progress);
                return;
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    async fn probe_all(&self, watched: &mut [WatchedNode]) {
        let limit = self.options.limits.connect;
        let probes = watched.iter().map(|node| async move {
            match &node.address {
                Ok(address) => probe_port(address, limit).await,
                Err(reason) => PortState::Unknown(reason.clone()),
            }
        });
        let states: Vec<_> = stream::iter(probes).buffered(PROBES_AT_ONCE).collect().await;
        let now = Instant::now();
        for (node, state) in watched.iter_mut().zip(states) {
            node.add_probe(state, now);
        }
    }

    /// Describes a node that is not known to have stopped.
    async fn describe_fault(&self, watched: &WatchedNode) -> Option<String> {
        let WatchedNode { node, last, .. } = watched;
        let is_ignored = self.ignored.contains(&node.id);
        match last {
            PortState::Closed(_) | PortState::Absent(_)
                if is_ignored || watched.has_stopped(self.stable_for) =>
            {
                None
            }
            PortState::Closed(reason) | PortState::Absent(reason) => {
                let time = humantime::format_duration(self.stable_for);
                Some(format!("{node} seems to have stopped, for less than {time}: {reason}"))
            }
            PortState::Unknown(_) if is_ignored => None,
            PortState::Unknown(reason) => {
                Some(format!("{node} is not known to have stopped: {reason}"))
            }
            PortState::Open if is_ignored && !self.is_itself(watched).await => None,
            PortState::Open if is_ignored => {
                Some(format!("{node} responds, so it cannot be skipped with --ignore-node"))
            }
            PortState::Open => Some(format!("{node} accepts connections")),
        }
    }

    /// Warns of nodes whose hosts can't be found from here: a node that still runs looks the same from a machine that
    /// lacks the cluster's names or routes.
    fn warn_of_absent_hosts(&self, watched: &[WatchedNode], progress: &WaitProgress<'_>) {
        let describe = |WatchedNode { node, last, .. }: &WatchedNode| match last {
            PortState::Absent(reason) if !self.ignored.contains(&node.id) => {
                Some(format!("{node}: {reason}"))
            }
            _ => None,
        };
        let absent: Vec<_> = watched.iter().filter_map(describe).collect();
        if !absent.is_empty() {
            progress.warn(&format!(
                "counted as stopped because no host was found from here: {}. Unless their names and addresses are \
                 removed with the nodes, as in Kubernetes, make sure on each host that the process has ended",
                absent.join(", ")
            ));
        }
    }

    /// Returns whether the node itself may be what listens at its address.
    async fn is_itself(&self, watched: &WatchedNode) -> bool {
        let Ok(address) = &watched.address else { return true };
        let ident = cluster::identify_node_at(&self.options, address).await;
        ident.map_or(true, |ident| ident.is_node(watched.node.id, &self.nodes.cluster_name))
    }

    fn to_result(&self, watched: &[WatchedNode], reasons: Vec<String>) -> StatusResult {
        let cluster = Some((self.nodes.cluster_name.clone(), self.nodes.fingerprint));
        let nodes = watched.iter().map(describe_node).collect();
        StatusResult { cluster, nodes, reasons, ..StatusResult::default() }
    }
}

fn describe_node(watched: &WatchedNode) -> StatusNode {
    let Node { id, name, address, .. } = watched.node.clone();
    let state = match &watched.last {
        PortState::Open => NodeState::Listening,
        PortState::Closed(reason) | PortState::Absent(reason) | PortState::Unknown(reason) => {
            NodeState::NoResponse(reason.clone())
        }
    };
    StatusNode {
        observed: ObservedNode { id, name, address, state },
        mode: None,
        roles: Vec::new(),
        generation: None,
        metadata_server: None,
        uptime: None,
        partitions: None,
    }
}

async fn find_nodes(
    from: Option<&OsStr>,
    context: &Context<'_>,
) -> Result<NodesConfiguration, Failure> {
    let loaded = store_arg::load_optional(from, context).await.map_err(into_unknown_nodes)?;
    let Some(from) = loaded else {
        // The first node that responds may not know of one that has joined since.
        let observer = Observer::new(context, &[], None)?;
        let nodes = observer.find_nodes().await.map_err(into_unknown_nodes)?;
        return require_nodes(Some(nodes), "the cluster");
    };
    let opened = open_source(Some(from), context).await.map_err(into_unknown_nodes)?;
    let nodes = match &opened {
        OpenSource::Cluster(cluster) => Some(cluster.known_nodes().clone()),
        OpenSource::Store(store) => read_nodes(store.as_ref()).await?,
    };
    require_nodes(nodes, opened.source().name())
}

fn require_nodes(
    nodes: Option<NodesConfiguration>,
    store: &str,
) -> Result<NodesConfiguration, Failure> {
    nodes.filter(|nodes| !nodes.nodes.is_empty()).ok_or_else(|| {
        let reason = format!("{store} names no nodes");
        Failure::new(Code::SourceUnavailable, reason).hint(FROM_HINT)
    })
}

async fn read_nodes(store: &dyn Source) -> Result<Option<NodesConfiguration>, Failure> {
    let read = store.read(&[Key::NodesConfig]).await;
    let entries = read.map_err(|error| into_unknown_nodes(Failure::of_source(&error)))?;
    let entry = entries.into_iter().flatten().next();
    Ok(entry.as_ref().and_then(Entry::value).and_then(codec::nodes_in))
}

/// Turns a failure to read into that of nodes that can't be known.
fn into_unknown_nodes(failure: Failure) -> Failure {
    match failure.code {
        Code::Usage | Code::ConfigInvalid => failure,
        _ => {
            let message = format!("cannot know which nodes are to stop: {}", failure.message);
            Failure::new(Code::SourceUnavailable, message).hint(FROM_HINT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_has_to_be_closed_in_every_probe_of_three_seconds() {
        let mut watched = WatchedNode {
            node: Node::default(),
            address: Err(String::new()),
            closed: 0,
            closed_since: Instant::now(),
            last: PortState::Open,
        };
        let closed = || PortState::Closed("connection refused".to_owned());
        let long_ago = Instant::now().checked_sub(STABLE_FOR);
        let long_ago = long_ago.expect("the machine has run for some seconds");
        // As after a suspension: two probes prove little, however far apart.
        watched.add_probe(closed(), long_ago);
        watched.add_probe(closed(), Instant::now());
        assert!(!watched.has_stopped(STABLE_FOR));
        watched.add_probe(closed(), Instant::now());
        watched.add_probe(closed(), Instant::now());
        assert!(watched.has_stopped(STABLE_FOR));
        watched.add_probe(PortState::Unknown("no response".to_owned()), Instant::now());
        assert!(!watched.has_stopped(Duration::ZERO));
        for _ in 0..4 {
            watched.add_probe(closed(), Instant::now());
        }
        assert!(!watched.has_stopped(STABLE_FOR));
        assert!(watched.has_stopped(Duration::ZERO));
    }
}
