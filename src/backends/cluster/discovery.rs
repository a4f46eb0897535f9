//! Discovers the nodes of one cluster from the addresses on the command line.
//!
//! The nodes are found through what the nodes themselves cache, which they tell also when the
//! metadata store has no quorum: so that a lost quorum is reported as such.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::super::concurrency_limiter::ConcurrencyLimiter;
use super::super::request::Request;
use super::super::transport::{
    Address, Admission, CallFailure, Limits, Server, ServerKind, Servers, TlsOptions,
    classify_status,
};
use super::ident::cached_nodes_limit;
use super::leader_connections::IN_FLIGHT;
use super::stand_ins::StandIns;
use super::{Cluster, NODE_READS_AT_ONCE, READS_NEARBY};
use crate::codec::{self, NodesConfiguration};
use crate::model::{Key, StoreError};
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;
use crate::proto::node_ctl_svc::{GetMetadataRequest, MetadataKind};

/// After the first answer, how long the others are waited for.
const GRACE: Duration = Duration::from_millis(500);

/// The options by which the cluster is reached.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// One or more nodes.
    pub addresses: Vec<Address>,
    /// `true` if only these are asked, not the others that they know.
    pub only_these: bool,
    /// The time limits of a connection and a request.
    pub limits: Limits,
    /// The most requests at once, if that is to be less than what is good.
    pub max_concurrency: Option<NonZeroUsize>,
    /// The options for `https://` addresses.
    pub tls: TlsOptions,
}

const NODE: ServerKind = ServerKind { name: "node", classify: classify_status };

/// The nodes configuration that one node caches.
struct CachedNodes {
    address: Address,
    nodes: NodesConfiguration,
}

/// Finds the nodes of the cluster at the addresses.
///
/// # Errors
/// [`StoreError::Unavailable`] if none answers; [`StoreError::Usage`] for addresses of two clusters
/// or TLS files that can't be used.
pub async fn connect(options: &ClusterOptions) -> Result<Cluster, StoreError> {
    let given = Arc::new(create_servers(&options.addresses, options)?);
    let answers = ask_all(&given).await?;
    check_one_cluster(&answers)?;
    let newest = answers.iter().map(|answer| &answer.nodes).max_by_key(|nodes| nodes.version);
    let known = newest.cloned().unwrap_or_default();
    let addresses = if options.only_these {
        options.addresses.clone()
    } else {
        in_order_of_trust(&answers, &options.addresses, &known)
    };
    let at = addresses.first().map(ToString::to_string).unwrap_or_default();
    let name = match known.cluster_name.as_str() {
        "" => format!("cluster at {at}"),
        cluster => format!("cluster {cluster} at {at}"),
    };
    let own = |answer: &&CachedNodes| is_same_cluster(&answer.nodes, &known);
    let admitted: Vec<_> =
        answers.iter().filter(own).map(|answer| answer.address.clone()).collect();
    let peers = given
        .regroup(&addresses)
        .map_err(StoreError::Usage)?
        .with_admission(&admitted, admission_to(known.clone(), given.clone()));
    let shown = || addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    tracing::debug!("{name}: asked in this order: {}", shown());
    let at_once = options.max_concurrency.map_or(IN_FLIGHT, |most| most.get().min(IN_FLIGHT));
    let pace = ConcurrencyLimiter::new(at_once.min(READS_NEARBY), at_once);
    let (only_these, leader) = (options.only_these, Mutex::default());
    let stand_ins = match only_these {
        true => StandIns::default(),
        false => StandIns::find(&peers, &known, peers.short_limit()).await,
    };
    let is_read_through_others = AtomicBool::new(false);
    Ok(Cluster {
        name,
        peers,
        known,
        only_these,
        at_once,
        pace,
        node_turns: Semaphore::new(NODE_READS_AT_ONCE),
        leader,
        stand_ins,
        is_read_through_others,
    })
}

pub(super) fn create_servers(
    addresses: &[Address],
    options: &ClusterOptions,
) -> Result<Servers, StoreError> {
    Servers::new(NODE, addresses, options.limits, options.tls.clone()).map_err(StoreError::Usage)
}

/// Asks all given nodes; one that hangs is waited for only if no other responds.
async fn ask_all(given: &Servers) -> Result<Vec<CachedNodes>, StoreError> {
    let mut asked: FuturesUnordered<_> = given
        .addresses()
        .map(|address| async move { (address, ask_node(given, address).await) })
        .collect();
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    let mut is_untrusted = false;
    let mut until: Option<Instant> = None;
    loop {
        let next = match until {
            None => asked.next().await,
            Some(until) => timeout_at(until, asked.next()).await.unwrap_or(None),
        };
        match next {
            None => break,
            Some((_, Ok(answer))) => {
                until = until.or_else(|| Some(Instant::now() + GRACE));
                answers.push(answer);
            }
            Some((address, Err(failure))) => {
                is_untrusted = is_untrusted || matches!(failure, CallFailure::Untrusted(_));
                failures.push(format!("{address}: {}", failure.reason()));
            }
        }
    }
    if answers.is_empty() {
        let (store, reason) = ("the cluster".to_owned(), failures.join("; "));
        return Err(match is_untrusted {
            true => StoreError::Untrusted { store, reason },
            false => StoreError::Unavailable { store, reason },
        });
    }
    Ok(answers)
}

/// Returns the check that a node belongs to this cluster: another one may have taken the address of a node
/// that is gone, and would respond with its own metadata.
fn admission_to(known: NodesConfiguration, asking: Arc<Servers>) -> Admission {
    let known = Arc::new(known);
    Box::new(move |server| {
        let (known, asking) = (known.clone(), asking.clone());
        Box::pin(async move {
            let cached = ask_server(&asking, server).await?;
            match is_same_cluster(&cached.nodes, &known) {
                true => Ok(()),
                false => Err(CallFailure::NotHere(describe_other_cluster(&cached.nodes))),
            }
        })
    })
}

fn describe_other_cluster(nodes: &NodesConfiguration) -> String {
    match nodes.cluster_name.as_str() {
        "" => "a node responds that has not joined the cluster".to_owned(),
        _ => format!("a node of another cluster responds: {}", describe_cluster(nodes)),
    }
}

/// Two clusters may have one name.
fn describe_cluster(nodes: &NodesConfiguration) -> String {
    match nodes.fingerprint {
        Some(fingerprint) => format!("{} (fingerprint {fingerprint})", nodes.cluster_name),
        None => nodes.cluster_name.clone(),
    }
}

/// Returns whether both are of one cluster. A cluster without a fingerprint has only its name.
fn is_same_cluster(one: &NodesConfiguration, other: &NodesConfiguration) -> bool {
    let fingerprints = one.fingerprint.zip(other.fingerprint);
    let is_same_number = fingerprints.is_none_or(|(one, other)| one == other);
    is_same_number && one.cluster_name == other.cluster_name
}

async fn ask_node(given: &Servers, address: &Address) -> Result<CachedNodes, CallFailure> {
    let server = given.server_at(address).map_err(CallFailure::NotHere)?;
    ask_server(given, server).await
}

async fn ask_server(given: &Servers, server: Server) -> Result<CachedNodes, CallFailure> {
    let limit = cached_nodes_limit(given);
    let get = |channel| async move {
        let mut client = NodeCtlSvcClient::new(channel).max_decoding_message_size(limit);
        let request = GetMetadataRequest { kind: MetadataKind::NodesConfiguration.into() };
        client.get_metadata(request).await
    };
    let what = Request::without_key("cached nodes_config");
    let encoded = given.call_once(&server, &what, get).await?.encoded;
    // A node that never joined a cluster has nothing cached. One that starts has a placeholder until it has read its
    // store: version 0, no nodes, and the name "Unspecified" (seen).
    let nodes = codec::decode(&Key::NodesConfig, &encoded)
        .ok()
        .and_then(|decoded| codec::nodes_configuration(&decoded).ok())
        .filter(|nodes| nodes.version > 0)
        .unwrap_or_default();
    Ok(CachedNodes { address: server.address, nodes })
}

fn check_one_cluster(answers: &[CachedNodes]) -> Result<(), StoreError> {
    // A node that never joined a cluster has nothing cached.
    let mut known = answers.iter().filter(|answer| !answer.nodes.cluster_name.is_empty());
    let Some(first) = known.next() else { return Ok(()) };
    match known.find(|other| !is_same_cluster(&other.nodes, &first.nodes)) {
        None => Ok(()),
        Some(other) => Err(StoreError::Usage(format!(
            "the addresses belong to two clusters: {} to {}, {} to {}",
            first.address,
            describe_cluster(&first.nodes),
            other.address,
            describe_cluster(&other.nodes)
        ))),
    }
}

/// Orders the nodes: those that have responded, then those that these know, then those that have
/// not.
fn in_order_of_trust(
    answers: &[CachedNodes],
    given: &[Address],
    known: &NodesConfiguration,
) -> Vec<Address> {
    let answered = answers.iter().map(|answer| answer.address.clone());
    let found = known.nodes.iter().filter_map(|node| node.address.parse().ok());
    let mut seen = HashSet::new();
    let all = answered.chain(found).chain(given.iter().cloned());
    all.filter(|address| seen.insert(address.clone())).collect()
}
