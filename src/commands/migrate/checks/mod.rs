//! The checks before the first write, and the plan: pure functions of what was read and observed.

mod nodes;

use std::path::Path;
use std::sync::Arc;

use super::args::MigrateArgs;
use super::observations::{NodeObservations, Observations};
use super::sides::{Sides, SourceKind, TargetState};
use crate::codec::{self, NodesConfiguration};
use crate::commands::open_store::FOLDERS_DENIED_HINT;
use crate::model::{Key, Plan, Snapshot, StoreError, UsesReplicatedStore};
use crate::outcome::{Check, Failure, Finding};
use crate::pipeline::checks::{self, FINISHED_ROLLBACK_HINT, OverwriteCluster, Permits};
use crate::pipeline::nodes_config_merge::{self, RollbackState};
use crate::pipeline::plan::{self, OnExisting};
use crate::pipeline::same_store::UnaskedSide;
use crate::pipeline::soundness::check_soundness;

use nodes::{TARGET_UNREADABLE, check_migration_mode};
pub(super) use nodes::{check_rollback_nodes, check_source_nodes_again};

const SOURCE_UNREADABLE: &str = "the source could not be read";
const NODES_UNREADABLE: &str = "nodes_config could not be read";

/// The checks that compare both sides, and can't be made where one of them is unknown.
const CHECKS_OF_BOTH_SIDES: [Check; 4] =
    [Check::Limits, Check::TargetKeys, Check::TargetCluster, Check::TargetNewer];

/// The content that the target is to have: the source's, but for a `nodes_config` that is merged.
pub(super) struct Desired {
    pub(super) snapshot: Arc<Snapshot>,
    /// How far a live target has it already; [`RollbackState::Open`] for any other.
    pub(super) rollback: RollbackState,
    /// The reasons why `nodes_config` can't be merged; `None` if it is, or need not be.
    merge_faults: Option<Vec<String>>,
}

impl Desired {
    fn unmerged(source: &Arc<Snapshot>, merge_faults: Option<Vec<String>>) -> Self {
        Desired { snapshot: Arc::clone(source), rollback: RollbackState::Open, merge_faults }
    }

    /// Returns the nodes of the merged `nodes_config`; `None` where there is no merge.
    fn merged_nodes(&self) -> Option<NodesConfiguration> {
        codec::nodes_of(&self.snapshot).filter(|_| self.merge_faults.is_none())
    }
}

/// The findings of the checks of both sides, and the plan where it could be decided.
pub(super) struct Assessment {
    pub(super) findings: Vec<Finding>,
    pub(super) plan: Option<Plan>,
}

/// Decides the content that the target is to have.
///
/// # Errors
/// The reason why it can't be known, as the detail of the checks that need it.
pub(super) fn decide_desired(sides: &Sides) -> Result<Desired, &'static str> {
    let Ok(held) = &sides.target.snapshot else { return Err(TARGET_UNREADABLE) };
    if matches!(
        sides.target.uses_replicated_store,
        Some(UsesReplicatedStore::No | UsesReplicatedStore::Unknown)
    ) {
        return Err("what was read is not known to be what the replicated store holds");
    }
    let Ok(source) = &sides.source.snapshot else { return Err(SOURCE_UNREADABLE) };
    if ![Key::NodesConfig, Key::PartitionTable].iter().all(|key| source.contains_key(key)) {
        return Err("the source is not a Restate store");
    }
    if !sides.target.is_live_cluster() {
        return Ok(Desired::unmerged(source, None));
    }
    Ok(match nodes_config_merge::desired_snapshot(source, held) {
        Ok((snapshot, rollback)) => {
            Desired { snapshot: Arc::new(snapshot), rollback, merge_faults: None }
        }
        // Planned as it is, so that the plan can be shown; the check of the cluster refuses it.
        Err(merge_faults) => Desired::unmerged(source, Some(merge_faults)),
    })
}

/// Returns what the options permit to do with existing keys.
pub(super) fn on_existing(args: &MigrateArgs) -> OnExisting {
    OnExisting::from_flags(args.resume, args.force)
}

/// Checks both sides against each other, and plans; every check that can be made is made.
pub(super) fn check_both_sides(
    sides: &Sides,
    desired: &Result<Desired, &'static str>,
    observed: &Observations,
    args: &MigrateArgs,
) -> Assessment {
    let mut findings = Vec::new();
    let (source, held) = (&sides.source.snapshot, &sides.target.snapshot);
    let (Ok(desired), Ok(source), Ok(held)) = (desired, source, held) else {
        let reason = desired.as_ref().err().copied().unwrap_or(SOURCE_UNREADABLE);
        findings.extend(CHECKS_OF_BOTH_SIDES.map(|check| Finding::skipped(check, reason)));
        return Assessment { findings, plan: None };
    };
    let unlisted = &sides.target.unlisted;
    let existing = on_existing(args);
    let plan = plan::decide_sparing_plan(&desired.snapshot, held, existing, unlisted);
    let is_live = sides.target.is_live_cluster();
    findings.push(match &observed.limit_violations {
        Some(violations) => {
            let limit = sides.target.snapshot_limit;
            let finding = checks::check_limits(violations, &desired.snapshot, limit);
            checks::add_capacity(finding, observed.capacity.as_deref())
        }
        None => Finding::skipped(Check::Limits, "the target accepts no writes"),
    });
    findings.push(match (&sides.target.is_source, sides.source.describe_use_of(held)) {
        (Ok(false), None) => {
            let finding = checks::check_target_keys(&plan, is_live);
            checks::add_unlisted_keys(finding, &plan, unlisted)
        }
        (Ok(false), Some(description)) => checks::refuse_store_in_use(description),
        (Ok(true), _) => checks::refuse_source_as_target(),
        (Err(side), _) => Finding::of_failure(
            Check::TargetKeys,
            match side {
                UnaskedSide::Source(error) => Failure::of_source(error),
                UnaskedSide::Target(error) => Failure::of_target(error),
            },
        ),
    });
    let permits = collect_permits(args, observed.prior_backup.as_deref());
    findings.push(match (is_live, desired.merge_faults.as_deref()) {
        (true, None) => checks::check_running_cluster(source, held, Ok(()), &permits),
        (true, Some(faults)) => checks::check_running_cluster(source, held, Err(faults), &permits),
        (false, _) => checks::check_target_cluster(source, held, &permits),
    });
    // A merged `nodes_config` is above both versions, and no sign of a cluster that moved on.
    let compared = if is_live { plan.without(&Key::NodesConfig) } else { plan.clone() };
    let mut newer = checks::check_target_newer(&compared, &permits);
    if desired.rollback == RollbackState::Newer {
        newer.hints.insert(0, RUNNING_SINCE_HINT.to_owned());
    }
    findings.push(newer);
    Assessment { findings, plan: Some(plan) }
}

fn collect_permits<'a>(args: &'a MigrateArgs, prior_backup: Option<&'a Path>) -> Permits<'a> {
    Permits {
        overwrite_cluster: args.overwrite_cluster.as_deref().map(OverwriteCluster::from_option),
        overwrite_newer: args.overwrite_newer,
        prior_backup,
    }
}

/// Checks the source alone: its content, and the versions of its servers.
pub(super) fn check_source_content(sides: &Sides, args: &MigrateArgs) -> Vec<Finding> {
    let source = &sides.source;
    let nodes = source.nodes();
    let is_cluster = source.kind == SourceKind::LiveCluster;
    let of_source = checks::check_source(source.snapshot.as_deref(), nodes.as_ref(), is_cluster);
    let of_source = match (&source.snapshot, source.kind) {
        (Err(StoreError::Denied { .. }), SourceKind::StoppedNodes) => {
            of_source.hint(FOLDERS_DENIED_HINT)
        }
        _ => of_source,
    };
    // A check of its own says what may be missing after a loss.
    let missing = source.missing_keys.as_deref().filter(|_| source.data_loss.is_none());
    let read = source.snapshot.as_deref().ok();
    let (stopped, loss) = (source.stopped.as_ref(), source.data_loss.as_ref());
    let of_loss = read.and_then(|_| checks::check_data_loss(stopped, loss, args.accept_data_loss));
    let of_versions = match nodes {
        Some(nodes) => {
            let versions = nodes_of_both(&nodes, &sides.target);
            checks::check_server_version(&versions, args.accept_version)
        }
        None => Finding::skipped(Check::ServerVersion, NODES_UNREADABLE),
    };
    let of_source = [warn_of_missing_keys(of_source, missing)];
    let of_values = check_source_values(read, args).into_iter().chain([of_versions]);
    of_source.into_iter().chain(of_loss).chain(of_values).collect()
}

/// Checks each value of the source alone, and what they say together.
fn check_source_values(snapshot: Option<&Snapshot>, args: &MigrateArgs) -> [Finding; 2] {
    let Some(snapshot) = snapshot else {
        return [Check::Values, Check::Consistency]
            .map(|check| Finding::skipped(check, SOURCE_UNREADABLE));
    };
    let soundness = check_soundness(snapshot);
    [
        checks::check_values(snapshot, &soundness, &args.allow_undecoded),
        checks::check_consistency(snapshot, &soundness, &args.accept_finding),
    ]
}

fn warn_of_missing_keys(finding: Finding, reason: Option<&str>) -> Finding {
    match reason {
        Some(reason) if finding.code.is_none() => {
            finding.items(vec![reason.to_owned()]).into_warning()
        }
        _ => finding,
    }
}

/// Checks the nodes, and that the target can be reached and written.
pub(super) fn check_nodes_and_access(
    sides: &Sides,
    desired: &Result<Desired, &'static str>,
    observed: &NodeObservations,
    args: &MigrateArgs,
) -> Vec<Finding> {
    let mut mode = match sides.source.nodes() {
        Some(nodes) => find_unknown_ignored(&nodes, sides, args)
            .unwrap_or_else(|| check_migration_mode(sides, observed, args)),
        // Without a quorum, the nodes are those that the nodes themselves know.
        None if !observed.of_cluster.is_empty() => check_migration_mode(sides, observed, args),
        None => Finding::skipped(Check::MigrationMode, NODES_UNREADABLE),
    };
    let desired = desired.as_ref().ok();
    let may_be_finished = desired.is_some_and(|one| one.rollback == RollbackState::Newer);
    if may_be_finished && !args.overwrite_newer {
        // The nodes need not be brought back for what may be finished.
        mode =
            Finding::skipped(Check::MigrationMode, "see target-newer: nothing may be left to do");
    }
    let quorum = check_quorum(sides, desired);
    let [target, writable] = check_target_access(&sides.target);
    let access = [target, checks::permit_unprobed_store(writable, args.skip_store_probe)];
    [mode, quorum].into_iter().chain(access).collect()
}

/// Finds nodes to skip that the cluster of a source without servers does not have. Those of a live one are asked.
fn find_unknown_ignored(
    nodes: &NodesConfiguration,
    sides: &Sides,
    args: &MigrateArgs,
) -> Option<Finding> {
    let ids: Vec<_> = nodes.nodes.iter().map(|node| node.id).collect();
    let has_servers = sides.source.kind == SourceKind::LiveCluster;
    checks::check_ignored_ids(&ids, &args.ignore_node).filter(|_| !has_servers)
}

/// The hint for a target that has the merge, and keys that are newer.
const RUNNING_SINCE_HINT: &str = "if an earlier run of this roll-back reported completion, do nothing: the cluster has run on the \
                                  target since";

/// Returns the nodes whose versions count: those of a live target as well.
fn nodes_of_both(source: &NodesConfiguration, target: &TargetState) -> NodesConfiguration {
    let mut nodes = source.clone();
    if let Some(theirs) = target.nodes().filter(|_| target.is_live_cluster()) {
        nodes.nodes.extend(theirs.nodes);
    }
    nodes
}

/// Checks the quorum of the live cluster; that of a target also after the roll-back.
pub(super) fn check_quorum(sides: &Sides, desired: Option<&Desired>) -> Finding {
    match (&sides.target.quorum, &sides.source.quorum, sides.source.kind) {
        (Some(quorum), _, _) => {
            let finding = checks::check_target_quorum(quorum);
            match desired.and_then(Desired::merged_nodes) {
                Some(kept) => {
                    checks::check_members(finding, sides.target.membership(&kept).as_ref())
                }
                None => finding,
            }
        }
        (None, Some(quorum), _) => checks::check_quorum(quorum),
        (None, None, SourceKind::LiveCluster) => Finding::skipped(Check::Quorum, SOURCE_UNREADABLE),
        (None, None, _) => Finding::skipped(Check::Quorum, "the source is not a live cluster"),
    }
}

/// Checks that the target can be read and written.
pub(super) fn check_target_access(target: &TargetState) -> [Finding; 2] {
    let reached = checks::check_target(&target.name, target.snapshot.as_ref(), target.access_hint);
    [
        match (&target.snapshot, target.is_live_cluster()) {
            // After its last put, the servers of a roll-back stop.
            (Err(_), true) => reached.hint(FINISHED_ROLLBACK_HINT),
            _ => checks::add_endpoint_faults(reached, &target.endpoint_faults),
        },
        match &target.snapshot {
            Ok(_) => checks::check_target_writable(&target.write_probe, target.untried_writes),
            Err(_) => Finding::skipped(Check::TargetWritable, TARGET_UNREADABLE),
        },
    ]
}

#[cfg(test)]
mod tests;
