//! The checks before the first write, and the plan: pure functions of what was read and observed.

use std::path::Path;

use super::args::MigrateArgs;
use super::observations::{NodeObservations, Observations};
use super::sides::{Sides, SourceKind, TargetState};
use crate::codec::NodesConfiguration;
use crate::model::{Entry, Key, Plan, Snapshot, UsesReplicatedStore};
use crate::outcome::{Check, Finding};
use crate::pipeline::checks::{self, Answers, OverwriteCluster, Permits};
use crate::pipeline::nodes_config_merge;
use crate::pipeline::plan::{self, OnExisting};

const SOURCE_UNREADABLE: &str = "the source could not be read";
const NODES_UNREADABLE: &str = "nodes_config could not be read";
const TARGET_UNREADABLE: &str = "the target could not be read";

/// The checks that compare both sides, and can't be made where one of them is unknown.
const CHECKS_OF_BOTH_SIDES: [Check; 4] =
    [Check::Limits, Check::TargetKeys, Check::TargetCluster, Check::TargetNewer];

/// The content that the target is to have: the source's, but for a `nodes_config` that is merged.
pub(super) struct Desired {
    pub(super) snapshot: Snapshot,
    /// The reasons why `nodes_config` can't be merged; `None` if it is, or need not be.
    merge_faults: Option<Vec<String>>,
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
pub(super) fn decide_desired(sides: &Sides, args: &MigrateArgs) -> Result<Desired, &'static str> {
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
        return Ok(Desired { snapshot: source.clone(), merge_faults: None });
    }
    Ok(match nodes_config_merge::desired_snapshot(source, held, on_existing(args)) {
        Ok(snapshot) => Desired { snapshot, merge_faults: None },
        // Planned as it is, so that the plan can be shown; the check of the cluster refuses it.
        Err(merge_faults) => Desired { snapshot: source.clone(), merge_faults: Some(merge_faults) },
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
    let plan = plan::decide_plan(&desired.snapshot, held, on_existing(args));
    findings.push(match &observed.limit_violations {
        Some(violations) => checks::check_limits(violations, &desired.snapshot),
        None => Finding::skipped(Check::Limits, "the target accepts no writes"),
    });
    let is_live = sides.target.is_live_cluster();
    let same_store = sides.source.describe_use_of(held);
    findings.push(checks::check_target_keys(&plan, same_store, is_live));
    let permits = collect_permits(args, observed.prior_backup.as_deref());
    findings.push(match (is_live, desired.merge_faults.as_deref()) {
        (true, None) => checks::check_running_cluster(source, held, Ok(()), &permits),
        (true, Some(faults)) => checks::check_running_cluster(source, held, Err(faults), &permits),
        (false, _) => checks::check_target_cluster(source, held, &permits),
    });
    // A merged `nodes_config` is above both versions, and no sign of a cluster that moved on.
    let compared = if is_live { plan.without(&Key::NodesConfig) } else { plan.clone() };
    findings.push(checks::check_target_newer(&compared, &permits));
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
pub(super) fn check_source_content(sides: &Sides, args: &MigrateArgs) -> [Finding; 3] {
    let source = &sides.source;
    let nodes = source.nodes();
    let is_cluster = source.kind == SourceKind::LiveCluster;
    [
        checks::check_source(source.snapshot.as_ref(), nodes.as_ref(), is_cluster),
        match &source.snapshot {
            Ok(snapshot) => checks::check_values(snapshot, &args.allow_undecoded),
            Err(_) => Finding::skipped(Check::Values, SOURCE_UNREADABLE),
        },
        match nodes {
            Some(nodes) => {
                let versions = nodes_of_both(&nodes, &sides.target);
                checks::check_server_version(&versions, args.accept_version)
            }
            None => Finding::skipped(Check::ServerVersion, NODES_UNREADABLE),
        },
    ]
}

/// Checks the nodes, and that the target can be reached and written.
pub(super) fn check_nodes_and_access(
    sides: &Sides,
    observed: &NodeObservations,
    args: &MigrateArgs,
) -> Vec<Finding> {
    let mode = match sides.source.nodes() {
        Some(nodes) => check_migration_mode(sides, &nodes, observed, args),
        None => Finding::skipped(Check::MigrationMode, NODES_UNREADABLE),
    };
    let access = check_target_access(&sides.target);
    [mode, check_quorum(sides)].into_iter().chain(access).collect()
}

/// Returns the nodes whose versions count: those of a live target as well.
fn nodes_of_both(source: &NodesConfiguration, target: &TargetState) -> NodesConfiguration {
    let mut nodes = source.clone();
    if let Some(theirs) = target.nodes().filter(|_| target.is_live_cluster()) {
        nodes.nodes.extend(theirs.nodes);
    }
    nodes
}

fn check_migration_mode(
    sides: &Sides,
    nodes: &NodesConfiguration,
    observed: &NodeObservations,
    args: &MigrateArgs,
) -> Finding {
    let target = &sides.target;
    let held = match (&target.snapshot, target.is_live_cluster()) {
        (Ok(held), true) => {
            let uses = target.uses_replicated_store.unwrap_or(UsesReplicatedStore::Unknown);
            let held = held.get(&Key::NodesConfig);
            return check_rollback_nodes(observed.rollback.as_ref(), held, uses, args.dry_run);
        }
        (Err(_), true) => return Finding::skipped(Check::MigrationMode, TARGET_UNREADABLE),
        (held, false) => held.as_ref().ok(),
    };
    if held.is_some_and(|held| sides.source.describe_use_of(held).is_some()) {
        return Finding::skipped(Check::MigrationMode, "see target-keys: nothing is to be copied");
    }
    let of_source = check_source_nodes(sides.source.kind, nodes, observed, args);
    checks::check_live_nodes(&observed.on_target, of_source, args.dry_run)
}

/// Checks that each node of the source runs in migration mode on the live target, whose `nodes_config`
/// is `held`; without `answers`, the target names no nodes.
pub(super) fn check_rollback_nodes(
    answers: Option<&Answers>,
    held: Option<&Entry>,
    uses: UsesReplicatedStore,
    dry_run: bool,
) -> Finding {
    match (answers, uses) {
        (None, UsesReplicatedStore::Yes) => {
            Finding::skipped(Check::MigrationMode, "the target has no intact nodes_config")
        }
        (None, _) => checks::check_running_nodes(&Answers::default(), held, uses, dry_run),
        (Some(answers), _) => checks::check_running_nodes(answers, held, uses, dry_run),
    }
}

/// Checks that no node of the source is in normal operation, as far as that can be observed.
pub(super) fn check_source_nodes(
    kind: SourceKind,
    nodes: &NodesConfiguration,
    observed: &NodeObservations,
    args: &MigrateArgs,
) -> Finding {
    let skipped = |reason| Finding::skipped(Check::MigrationMode, reason);
    match kind {
        SourceKind::LiveCluster => {
            checks::check_migration_mode(nodes, &observed.ignored, args.dry_run)
        }
        SourceKind::BackupFile => skipped("the source is a backup file"),
        SourceKind::ExternalStore => {
            checks::check_live_nodes(&observed.on_source, skipped(NOT_LIVE), args.dry_run)
        }
    }
}

const NOT_LIVE: &str = "the source is not a live cluster; no node in its nodes_config responded as running \
                        on it. This cannot be proven: make sure that no server uses this store";

fn check_quorum(sides: &Sides) -> Finding {
    match (&sides.target.quorum, &sides.source.quorum, sides.source.kind) {
        (Some(quorum), _, _) => checks::check_target_quorum(quorum),
        (None, Some(quorum), _) => checks::check_quorum(quorum),
        (None, None, SourceKind::LiveCluster) => Finding::skipped(Check::Quorum, SOURCE_UNREADABLE),
        (None, None, _) => Finding::skipped(Check::Quorum, "the source is not a live cluster"),
    }
}

fn check_target_access(target: &TargetState) -> [Finding; 2] {
    [
        checks::check_target(&target.name, target.snapshot.as_ref()),
        match &target.snapshot {
            Ok(_) => checks::check_target_writable(&target.write_probe),
            Err(_) => Finding::skipped(Check::TargetWritable, TARGET_UNREADABLE),
        },
    ]
}

#[cfg(test)]
mod tests;
