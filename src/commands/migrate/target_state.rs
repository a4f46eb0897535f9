//! The target as it is before anything is written: read and probed at the same time.

use std::time::Duration;

use tokio::join;
use tokio::time::timeout;

use super::job::Job;
use crate::backends::{Source, Target};
use crate::codec::{self, NodesConfiguration};
use crate::events::Stage;
use crate::model::{
    EndpointFault, Key, Quorum, Snapshot, StoreError, UnlistedKeys, UsesReplicatedStore,
};
use crate::pipeline::checks::Membership;
use crate::pipeline::same_store::UnaskedSide;
use crate::pipeline::snapshot::{self, StoreContent};

/// The target as far as it could be read.
pub(super) struct TargetState {
    pub(super) name: String,
    pub(super) snapshot: Result<Snapshot, StoreError>,
    /// `true` if the store listed its keys, `false` if it was asked for known names.
    pub(super) is_listed: bool,
    /// The keys of the source that it can be asked for by name only.
    pub(super) unlisted: UnlistedKeys,
    /// The quorum of a live cluster.
    pub(super) quorum: Option<Quorum>,
    /// The answer of a live cluster to whether its own store holds what was read.
    pub(super) uses_replicated_store: Option<UsesReplicatedStore>,
    /// What to do if it denies access.
    pub(super) access_hint: &'static str,
    pub(super) write_probe: Result<(), StoreError>,
    /// What that probe leaves open.
    pub(super) untried_writes: Option<&'static str>,
    /// The endpoints that servers could not use.
    pub(super) endpoint_faults: Vec<EndpointFault>,
    /// The most bytes of all values together.
    pub(super) snapshot_limit: Option<usize>,
    /// The answer to whether it is the source under another name, once both could be read.
    pub(super) is_source: Result<bool, UnaskedSide>,
}

impl TargetState {
    /// Returns whether servers run on the target, so that `nodes_config` is merged and put last.
    pub(super) fn is_live_cluster(&self) -> bool {
        self.quorum.is_some()
    }

    /// Returns whether an interrupted run may have left it half-written. Without `nodes_config` it is so: a run that
    /// needs more than one transaction deletes it first and puts it last. On a live target it always stays.
    pub(super) fn may_be_half_written(&self) -> bool {
        let has_nodes = |held: &Snapshot| held.contains_key(&Key::NodesConfig);
        self.is_live_cluster() || !self.snapshot.as_ref().is_ok_and(has_nodes)
    }

    /// Reads the nodes from `nodes_config`; `None` where it could not be read or decoded.
    pub(super) fn nodes(&self) -> Option<NodesConfiguration> {
        self.snapshot.as_ref().ok().and_then(codec::nodes_of)
    }

    /// Compares the members of the replicated store with the nodes that a merge keeps; `None` for members
    /// that are unknown.
    pub(super) fn membership(&self, kept: &NodesConfiguration) -> Option<Membership> {
        let held = self.nodes().unwrap_or_default();
        let members = self.quorum.as_ref()?.members()?.reported.as_ref()?;
        Some(Membership::new(members, kept, &held))
    }
}

/// Reads the target, and probes whether it accepts writes.
pub(super) async fn read_target(job: &Job<'_>) -> TargetState {
    let target = job.target_store();
    let quorum = match job.target.cluster() {
        Some(cluster) => Some(cluster.prepare_reading().await),
        None => None,
    };
    let (content, (write_probe, endpoint_faults)) = match lost_quorum(quorum.as_ref(), target) {
        Some(error) => (Err(error), NOT_PROBED),
        None => read_and_probe(target, job).await,
    };
    let is_listed = content.as_ref().is_ok_and(|content| content.is_listed);
    let snapshot = content.map(|content| content.snapshot);
    let uses_replicated_store = match (&snapshot, job.target.cluster()) {
        (Ok(_), Some(cluster)) => Some(cluster.uses_replicated_store().await),
        _ => None,
    };
    let name = target.name().to_owned();
    TargetState {
        name,
        snapshot,
        is_listed,
        unlisted: UnlistedKeys::default(),
        quorum,
        uses_replicated_store,
        access_hint: target.access_hint(),
        write_probe,
        untried_writes: target.untried_writes(),
        endpoint_faults,
        snapshot_limit: target.snapshot_limit(),
        is_source: Ok(false),
    }
}

/// What was found out about writes and endpoints.
type Probed = (Result<(), StoreError>, Vec<EndpointFault>);

/// What is known of a target that can't be read.
const NOT_PROBED: Probed = (Ok(()), Vec::new());

/// The time for a probe that was broken off to remove what it may have left.
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);

/// Reads what the target holds, and probes it at the same time. Where it can't be read, no probe is waited for.
async fn read_and_probe(
    target: &dyn Target,
    job: &Job<'_>,
) -> (Result<StoreContent, StoreError>, Probed) {
    let probes = async { join!(target.probe_write(), target.find_endpoint_faults()) };
    let reading = snapshot::read_content(target, Stage::ReadTarget, job.context.events);
    tokio::pin!(probes, reading);
    let (content, probed) = tokio::select! {
        content = &mut reading => (content, None),
        probed = &mut probes => (reading.await, Some(probed)),
    };
    match (content, probed) {
        (Ok(content), Some(probed)) => (Ok(content), probed),
        (Ok(content), None) => (Ok(content), probes.await),
        (Err(error), _) => {
            let _ = timeout(REMOVAL_LIMIT, target.remove_scratch_objects()).await;
            (Err(error), NOT_PROBED)
        }
    }
}

/// Returns the error of every read from a store without a quorum, so that no time-out is waited for.
pub(super) fn lost_quorum<S: Source + ?Sized>(
    quorum: Option<&Quorum>,
    store: &S,
) -> Option<StoreError> {
    match quorum {
        Some(Quorum::Lost(count) | Quorum::NoLeader(count)) => {
            Some(StoreError::NoQuorum { store: store.name().to_owned(), reason: count.to_string() })
        }
        _ => None,
    }
}
