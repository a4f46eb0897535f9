//! The check of the nodes: of those of the source, of those that still run on the target, and, in a roll-back, of those
//! that have to run there.

use crate::commands::migrate::args::MigrateArgs;
use crate::commands::migrate::observations::NodeObservations;
use crate::commands::migrate::sides::{Sides, SourceKind};
use crate::model::{Entry, Key, UsesReplicatedStore};
use crate::outcome::{Check, CheckStatus, Finding, Readiness};
use crate::pipeline::checks::{self, Answers};

pub(super) const TARGET_UNREADABLE: &str = "the target could not be read";

/// Checks that no node is in normal operation on a store that is read or written, as far as that can be observed.
pub(super) fn check_migration_mode(
    sides: &Sides,
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
    let of_source = check_source_nodes(sides.source.kind, observed, args);
    let finding = checks::check_live_nodes(&observed.on_target, of_source, args.dry_run);
    match observed.is_target_unasked && finding.status != CheckStatus::Failed {
        true => finding.readiness(Readiness::Unknown),
        false => finding,
    }
}

/// Checks that each node of the source runs in migration mode on the live target, whose `nodes_config`
/// is `held`; without `answers`, the target names no nodes.
pub(in crate::commands::migrate) fn check_rollback_nodes(
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
fn check_source_nodes(
    kind: SourceKind,
    observed: &NodeObservations,
    args: &MigrateArgs,
) -> Finding {
    let skipped = |reason| Finding::skipped(Check::MigrationMode, reason);
    match kind {
        SourceKind::LiveCluster => {
            checks::check_migration_mode(&observed.of_cluster, &args.ignore_node, args.dry_run)
        }
        SourceKind::BackupFile => skipped("the source is a backup file"),
        SourceKind::StoppedNodes | SourceKind::ExternalStore => {
            let unproven = skipped(describe_unproven(observed));
            let unproven = match observed.are_unasked {
                true => unproven.readiness(Readiness::Unknown),
                false => unproven,
            };
            checks::check_live_nodes(&observed.on_source, unproven, args.dry_run)
        }
    }
}

/// Checks after the writes that no node of the source is in normal operation.
pub(in crate::commands::migrate) fn check_source_nodes_again(
    kind: SourceKind,
    observed: &NodeObservations,
) -> Finding {
    match kind {
        SourceKind::LiveCluster => checks::check_normal_roles(&observed.of_cluster),
        SourceKind::BackupFile | SourceKind::StoppedNodes | SourceKind::ExternalStore => {
            let finding = Finding::skipped(Check::MigrationMode, describe_unproven(observed));
            checks::check_live_nodes(&observed.on_source, finding, false)
        }
    }
}

/// Describes what is not known of the nodes of a source that is not a live cluster.
fn describe_unproven(observed: &NodeObservations) -> &'static str {
    match observed.are_unasked {
        true => {
            "the source is not a live cluster; with --single-address, none of the nodes in its nodes_config was \
             asked. Make sure that no server uses this store"
        }
        false => {
            "the source is not a live cluster; no node in its nodes_config responded as running on it. This \
             cannot be proven: make sure that no server uses this store"
        }
    }
}
