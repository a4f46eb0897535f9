//! The target before the first write: reads it, makes the checks of it, decides the plan.

use std::path::PathBuf;

use super::prepare::{NO_SOURCE, SourceSide};
use super::state::MigrationState;
use super::{MigrateArgs, prior_run, rollback};
use crate::backends::Target;
use crate::backends::cluster::Cluster;
use crate::codec::{self, NodesConfiguration};
use crate::commands::Context;
use crate::commands::open_store::OpenTarget;
use crate::events::Stage;
use crate::model::{Key, Plan, Quorum, Snapshot, StoreError, UsesReplicatedStore};
use crate::outcome::{Check, Finding};
use crate::pipeline::checks::{self as checks, Permits};
use crate::pipeline::nodes_config_merge;
use crate::pipeline::plan::{self, OnExisting};
use crate::pipeline::snapshot;

/// The target as far as it could be read.
pub(super) struct TargetSide {
    pub(super) read: Result<Snapshot, StoreError>,
    /// Of a running cluster.
    pub(super) quorum: Option<Quorum>,
    /// Of a running cluster: whether what was read is what its own store holds.
    uses_replicated_store: Option<UsesReplicatedStore>,
    probe: Result<(), StoreError>,
}

/// What is to be written, and what explains that something is there already.
pub(super) struct Decided {
    pub(super) wanted: Snapshot,
    /// The backup file of an interrupted run.
    pub(super) former: Option<PathBuf>,
}

/// Reads the target, and probes whether it takes writes.
pub(super) async fn read(
    writable: &OpenTarget,
    at_hand: &Snapshot,
    context: &Context<'_>,
) -> TargetSide {
    let target = writable.target();
    let quorum = match writable.cluster() {
        Some(cluster) => Some(cluster.quorum().await),
        None => None,
    };
    let read = match &quorum {
        // No read would be answered: that is known now, and not after every time-out.
        Some(Quorum::Lost(reason) | Quorum::NoLeader(reason)) => {
            Err(StoreError::NoQuorum { store: target.name().to_owned(), reason: reason.clone() })
        }
        _ => snapshot::read_beside(target, at_hand, Stage::ReadTarget, context.events).await,
    };
    let probe = match &read {
        Ok(_) => target.probe_write().await,
        Err(_) => Ok(()),
    };
    let uses_replicated_store = match (&read, writable.cluster()) {
        (Ok(_), Some(cluster)) => Some(cluster.uses_replicated_store().await),
        _ => None,
    };
    TargetSide { read, quorum, uses_replicated_store, probe }
}

/// The nodes whose versions count: where servers run on the target, its own as well.
pub(super) fn with_nodes_of(
    target: &TargetSide,
    source: &NodesConfiguration,
) -> NodesConfiguration {
    let mut nodes = source.clone();
    if target.quorum.is_some() {
        let theirs = target.read.as_ref().ok().and_then(codec::nodes_of);
        nodes.nodes.extend(theirs.into_iter().flat_map(|theirs| theirs.nodes));
    }
    nodes
}

/// Whether the source's nodes run in migration mode on the target.
pub(super) async fn migration_mode(
    args: &MigrateArgs,
    source: &NodesConfiguration,
    target: &TargetSide,
    cluster: &Cluster,
) -> Finding {
    match &target.read {
        Ok(held) => {
            let uses_replicated_store =
                target.uses_replicated_store.unwrap_or(UsesReplicatedStore::Unknown);
            let held = held.get(&Key::NodesConfig);
            rollback::nodes(cluster, uses_replicated_store, source, held, args.dry_run).await
        }
        Err(_) => Finding::skipped(Check::MigrationMode, "the target could not be read"),
    }
}

/// Makes the checks of the target, and records the plan. `None` if a side could not be read.
pub(super) async fn check(
    args: &MigrateArgs,
    source: &SourceSide,
    existing: &TargetSide,
    target: &dyn Target,
    record: &MigrationState,
    found: &impl Fn(Finding),
) -> Option<Decided> {
    found(checks::check_target(target.name(), existing.read.as_ref()));
    let skip_all = |checks: &[Check], reason: &str| {
        checks.iter().for_each(|check| found(Finding::skipped(*check, reason)));
    };
    const ABOUT_BOTH: [Check; 4] =
        [Check::Limits, Check::TargetKeys, Check::TargetCluster, Check::TargetNewer];
    let Ok(held) = &existing.read else {
        skip_all(&[Check::TargetWritable], "the target could not be read");
        skip_all(&ABOUT_BOTH, "the target could not be read");
        return None;
    };
    found(checks::check_target_writable(&existing.probe));
    if matches!(
        existing.uses_replicated_store,
        Some(UsesReplicatedStore::No | UsesReplicatedStore::Unknown)
    ) {
        skip_all(&ABOUT_BOTH, "what was read is not known to be what the replicated store holds");
        return None;
    }
    let Ok(before) = &source.read else {
        skip_all(&ABOUT_BOTH, NO_SOURCE);
        return None;
    };
    if ![Key::NodesConfig, Key::PartitionTable].iter().all(|key| before.contains_key(key)) {
        skip_all(&ABOUT_BOTH, "the source is no Restate store");
        return None;
    }
    let on_existing = OnExisting::of(args.resume, args.force);
    let merged = match target.is_live_cluster() {
        true => nodes_config_merge::wanted(before, held, on_existing),
        false => Ok(before.clone()),
    };
    // What can't be merged is planned as it is, to be seen: it is refused all the same.
    let wanted = merged.as_ref().unwrap_or(before);
    match &existing.probe {
        Ok(()) => found(checks::check_limits(&target.find_limit_violations(wanted).await, wanted)),
        Err(_) => skip_all(&[Check::Limits], "the target takes no writes"),
    }
    let plan = plan::decide(wanted, held, on_existing);
    let former = match on_existing {
        OnExisting::ResumeAndOverwrite => {
            prior_run::find(&args.backup_dir, wanted, held, target.is_live_cluster())
        }
        _ => None,
    };
    let permits = Permits {
        overwrite_cluster: args.overwrite_cluster.as_deref(),
        overwrite_newer: args.overwrite_newer,
        former: former.as_deref(),
    };
    let runs_there = source.runs_on(held);
    found(checks::check_target_keys(&plan, runs_there, target.is_live_cluster()));
    let faults = merged.as_ref().map(|_| ()).map_err(Vec::as_slice);
    found(match target.is_live_cluster() {
        true => checks::check_running_cluster(before, held, faults),
        false => checks::check_target_cluster(before, held, &permits),
    });
    found(checks::check_target_newer(&compared(&plan, target), &permits));
    record.planned(plan);
    Some(Decided { wanted: wanted.clone(), former })
}

/// What has to be no newer in the target: not what is merged.
fn compared(plan: &Plan, target: &dyn Target) -> Plan {
    match target.is_live_cluster() {
        true => plan.without(&Key::NodesConfig),
        false => plan.clone(),
    }
}
