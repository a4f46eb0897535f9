//! The partitions, as an admin node has heard of them from all nodes.

use std::time::Duration;

use tokio::join;

use super::super::request::Request;
use super::super::transport::{Server, Servers};
use crate::codec;
use crate::model::{PartitionProcessor, PartitionsReport, ProcessorMode};
use crate::proto::cluster::node_state::State;
use crate::proto::cluster::{
    Age, AliveNode, ClusterState, PartitionProcessorStatus, ReplayStatus, RunMode,
};
use crate::proto::cluster_ctrl::ClusterStateRequest;
use crate::proto::cluster_ctrl::cluster_ctrl_svc_client::ClusterCtrlSvcClient;
use crate::proto::common::Version;
use crate::proto::node_ctl_svc::node_ctl_svc_client::NodeCtlSvcClient;
use crate::proto::node_ctl_svc::{GetMetadataRequest, MetadataKind};

/// The age from which on what an admin node knows is too old to be believed.
const OLDEST_STATE: Duration = Duration::from_secs(10);

/// The largest cluster state that is accepted: that of some 150,000 partition processors.
const MOST_STATE_BYTES: usize = 16 << 20;

/// The answer of one admin node.
#[derive(Clone, Debug)]
pub(super) struct PartitionsAnswer {
    pub(super) report: PartitionsReport,
    /// The versions of `nodes_config` and of the partition table that it goes by.
    versions: (u32, u32),
    age: Duration,
}

/// Asks an admin node for the partitions, and for who leads them.
///
/// # Errors
/// The reason why it can't tell, in words.
pub(super) async fn get_partitions(
    peers: &Servers,
    server: &Server,
) -> Result<PartitionsAnswer, String> {
    let (state, ids) = join!(get_cluster_state(peers, server), get_partition_ids(peers, server));
    let (state, ids) = (state?, ids?);
    let age = state.last_refreshed.as_ref().map(to_duration).unwrap_or_default();
    if age > OLDEST_STATE {
        return Err(format!("has heard nothing of the other nodes for {} s", age.as_secs()));
    }
    let version = |version: Option<&Version>| version.map_or(0, |version| version.value);
    let versions = (
        version(state.nodes_config_version.as_ref()),
        version(state.partition_table_version.as_ref()),
    );
    Ok(PartitionsAnswer {
        report: PartitionsReport { ids, processors: list_processors(&state) },
        versions,
        age,
    })
}

/// Returns the answer that goes by the newest configuration, or else the youngest.
pub(super) fn choose_newest(answers: Vec<&PartitionsAnswer>) -> Option<&PartitionsAnswer> {
    answers.into_iter().max_by_key(|answer| (answer.versions, std::cmp::Reverse(answer.age)))
}

async fn get_cluster_state(peers: &Servers, server: &Server) -> Result<ClusterState, String> {
    let limit = peers.message_limit().min(MOST_STATE_BYTES);
    let ask = |channel| async move {
        let mut client = ClusterCtrlSvcClient::new(channel).max_decoding_message_size(limit);
        client.get_cluster_state(ClusterStateRequest {}).await
    };
    let answer = peers.call_once(server, &Request::without_key("cluster state"), ask).await?;
    answer.cluster_state.ok_or_else(|| "has no cluster state".to_owned())
}

/// Reads the ids from the partition table that the node has cached.
async fn get_partition_ids(peers: &Servers, server: &Server) -> Result<Vec<u16>, String> {
    let limit = peers.message_limit();
    let ask = |channel| async move {
        let mut client = NodeCtlSvcClient::new(channel).max_decoding_message_size(limit);
        let request = GetMetadataRequest { kind: MetadataKind::PartitionTable.into() };
        client.get_metadata(request).await
    };
    let what = Request::without_key("cached partition_table");
    let table = peers.call_once(server, &what, ask).await?.encoded;
    codec::partition_ids_in(&table).map_err(|reason| format!("its partition_table {reason}"))
}

fn list_processors(state: &ClusterState) -> Vec<PartitionProcessor> {
    let alive = state.nodes.values().filter_map(|node| match &node.state {
        Some(State::Alive(alive)) => Some(alive),
        _ => None,
    });
    alive.flat_map(processors_of).collect()
}

fn processors_of(node: &AliveNode) -> Vec<PartitionProcessor> {
    let id = node.generational_node_id.as_ref().map(|id| (id.id, id.generation));
    let partitions = node.partitions.iter().filter_map(|(partition, status)| {
        let partition = u16::try_from(*partition).ok()?;
        Some(PartitionProcessor { partition, node: id?, mode: mode_of(status) })
    });
    partitions.collect()
}

fn mode_of(status: &PartitionProcessorStatus) -> ProcessorMode {
    match (status.effective_mode(), status.planned_mode(), status.replay_status()) {
        (RunMode::Leader, RunMode::Leader, ReplayStatus::Active) => ProcessorMode::ActiveLeader,
        (RunMode::Leader, _, _) | (_, RunMode::Leader, _) => ProcessorMode::OtherLeader,
        _ => ProcessorMode::Follower,
    }
}

/// A time that the node can't have meant is no age.
fn to_duration(age: &Age) -> Duration {
    let seconds = u64::try_from(age.seconds).unwrap_or_default();
    let nanos = u32::try_from(age.nanos).unwrap_or_default();
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into()))
}
