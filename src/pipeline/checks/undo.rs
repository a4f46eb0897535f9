//! Checks before what a run wrote is taken back.

use crate::model::{Action, Entry, Key, Plan, Step, StoreError};
use crate::outcome::{Check, CheckStatus, Code, Finding};
use crate::wording::plural;

use super::live_nodes::{NodeObservation, check_live_nodes};
use super::target::check_target_writable;

const CHANGED_HINT: &str = "if a cluster was started on the target since, its metadata is there now: do not take \
                            the copy back. Otherwise find what changed with `metadata list --from` and the target's TOML";

/// Checks that every key that the run wrote is absent, as the run wrote it, or as it was before.
pub fn check_written_keys(plan: &Plan) -> Finding {
    let conflicts: Vec<_> = plan.conflicts().map(describe_conflict).collect();
    if conflicts.is_empty() {
        let count = plan.changes().len();
        let detail = match count {
            0 => "nothing is left of what the run wrote".to_owned(),
            count => format!("{} as the run left them", plural(count, "key")),
        };
        return Finding::ok(Check::TargetKeys, detail);
    }
    let keys = plural(conflicts.len(), "key");
    let detail = format!("{keys} of the target changed since the run wrote them");
    let finding = Finding::failed(Check::TargetKeys, Code::TargetChanged, detail);
    finding.items(conflicts).hint(CHANGED_HINT)
}

fn describe_conflict(step: &Step) -> String {
    match &step.target {
        None => format!("{} is missing", step.key),
        Some(Entry::Damaged { reason, .. }) => format!("{} {reason}", step.key),
        Some(Entry::Intact(value, _)) => {
            format!("{} is at version {}, with another value", step.key, value.version)
        }
    }
}

/// Checks that `nodes_config` of the target is the run's own, or the one that it found.
pub fn check_nodes_config(is_explained: bool) -> Finding {
    if is_explained {
        let detail = "nodes_config is what the run wrote or found, or is absent";
        return Finding::ok(Check::TargetCluster, detail);
    }
    let detail = "nodes_config of the target is neither what the run wrote nor what it found there";
    Finding::failed(Check::TargetCluster, Code::TargetChanged, detail).hint(CHANGED_HINT)
}

/// Warns of what the backup can't restore; `None` without any.
pub fn warn_of_unrestorable(keys: &[Key]) -> Option<Finding> {
    let items: Vec<_> = keys.iter().map(ToString::to_string).collect();
    let detail = format!(
        "{} damaged before the run, and can't be put back; the backup of the run has their parts",
        plural(keys.len(), "key")
    );
    let finding = Finding::new(Check::Values, CheckStatus::Warning, detail).items(items);
    (!keys.is_empty()).then_some(finding)
}

/// Checks that no node runs on the target. `unasked` is the reason why none was asked, if none was.
pub fn check_nodes_on_target(nodes: &[NodeObservation], unasked: Option<&str>) -> Finding {
    let finding = match unasked {
        Some(reason) => Finding::skipped(Check::MigrationMode, reason),
        None => Finding::ok(Check::MigrationMode, "no node runs on the target"),
    };
    check_live_nodes(nodes, finding, false)
}

/// Checks that the target accepts the writes of the plan. A full store may still accept deletions: an etcd
/// whose database has not come to its quota does, after it has raised its alarm.
pub fn check_undo_writable(probe: &Result<(), StoreError>, plan: &Plan) -> Finding {
    let restores = plan.count(Action::Overwrite) + plan.count(Action::Create) > 0;
    match probe {
        Err(error @ StoreError::Full { .. }) if !restores => {
            let detail =
                format!("it may still accept deletions, which is all that is to be done: {error}");
            Finding::ok(Check::TargetWritable, detail).into_warning()
        }
        probe => check_target_writable(probe, None),
    }
}
