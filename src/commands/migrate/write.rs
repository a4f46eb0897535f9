//! The writing stages: back up what is replaced, and write the plan.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::job::Job;
use super::prepared::Prepared;
use super::prior_run::{TargetContent, find_matching_backup};
use super::sides::find_missing_keys;
use crate::backends::backup::{BackupOrigin, Destination, PlannedValues};
use crate::codec;
use crate::commands::save_backup::{check_destination, save_entries};
use crate::commands::write_record::confirm_steps;
use crate::events::{Event, Stage};
use crate::model::{Action, Key, Plan, Snapshot, Step, StoreError, WriteState};
use crate::outcome::Failure;
use crate::pipeline::checks::refusal;
use crate::pipeline::plan::{self, OnExisting};
use crate::pipeline::{apply, snapshot};
use crate::wording::plural;

/// The number of times that changes of the source are copied again before the run fails.
pub(super) const MAX_CATCH_UP_ROUNDS: usize = 3;

/// The time for reading the keys whose write was left without an answer: the target may be gone.
const READ_BACK_LIMIT: Duration = Duration::from_secs(5);

/// Checks that a backup could be saved, if the plan needs one: also in a dry run, and before the operator is
/// asked. A run that is refused anyway needs none.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code).
pub(super) fn check_backup_folder(
    job: &Job<'_>,
    prior_backup: Option<&Path>,
) -> Result<(), Failure> {
    let is_refused = refusal(&job.state.findings()).is_some();
    match is_refused || prior_backup.is_some() || !replaces_keys(&job.state.plan()) {
        true => Ok(()),
        false => check_destination(&Destination::Folder(job.args.backup_dir.clone())),
    }
}

/// Returns whether the plan replaces or deletes anything.
pub(super) fn replaces_keys(plan: &Plan) -> bool {
    plan.count(Action::Overwrite) + plan.count(Action::Delete) > 0
}

/// Saves the whole of what the target holds, if the plan replaces or deletes anything.
///
/// The backup of an interrupted run is enough where it accounts for a half-written target: that is no state to
/// come back to.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code).
pub(super) async fn back_up_target(job: &Job<'_>, prepared: &Prepared) -> Result<(), Failure> {
    let plan = job.state.plan();
    if !replaces_keys(&plan) {
        return Ok(());
    }
    let prior = prepared.prior_backup.as_ref().filter(|_| prepared.is_target_half_written);
    match prior.filter(|prior| is_still_there(prior, job, prepared)) {
        Some(prior) => record_backup(job, prior.clone(), prepared.target_snapshot.len()),
        None => save_target(job, &prepared.target_snapshot).await?,
    }
    Ok(())
}

/// Saves the whole of what the target held before the run, if a later round replaces a key of it, and no backup was
/// needed before: a key that was skipped may have to be overwritten once it has changed at the source.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code).
pub(super) async fn back_up_before_round(
    job: &Job<'_>,
    prepared: &Prepared,
    round: &Plan,
) -> Result<(), Failure> {
    let was_there = |step: &&Step| prepared.target_snapshot.contains_key(&step.key);
    let replaces = |step: &&Step| matches!(step.action, Action::Overwrite | Action::Delete);
    let is_needed = round.steps.iter().filter(was_there).any(|step| replaces(&step));
    match is_needed && job.state.backup_path().is_none() {
        true => save_target(job, &prepared.target_snapshot).await,
        false => Ok(()),
    }
}

async fn save_target(job: &Job<'_>, held: &Snapshot) -> Result<(), Failure> {
    let destination = Destination::Folder(job.args.backup_dir.clone());
    let origin = BackupOrigin {
        store: job.target_store().name(),
        cluster: codec::cluster_of(held),
        complete: find_missing_keys(job.target_store(), held).await.is_none(),
        data_loss: None,
        overwritten_with: Some(PlannedValues::from_plan(&job.state.plan())),
    };
    let saved = save_entries(&destination, &origin, held, job.context.events)?;
    record_backup(job, saved.path, held.len());
    Ok(())
}

fn record_backup(job: &Job<'_>, path: PathBuf, keys: usize) {
    job.context.events.emit(Event::BackedUp(&path, keys));
    job.state.set_backup(path);
}

/// Returns whether the backup of the interrupted run still is what it was before the operator was asked.
fn is_still_there(prior: &Path, job: &Job<'_>, prepared: &Prepared) -> bool {
    let target = TargetContent {
        store: job.target_store().name(),
        entries: &prepared.target_snapshot,
        is_live: job.target_store().is_live_cluster(),
    };
    let found = find_matching_backup(&job.args.backup_dir, &prepared.desired, &target);
    found.as_deref() == Some(prior)
}

/// Carries out the recorded plan.
///
/// With `--resume`, a write of the interrupted run may land during this one, and be met as a conflict.
/// If all that the target holds now is identical to the source, it is skipped as if it had been there
/// before.
///
/// # Errors
/// The target's answer to the first failed write.
pub(super) async fn write_plan(job: &Job<'_>, prepared: &Prepared) -> Result<(), Failure> {
    let target = job.target_store();
    let may_have_landed_late = job.args.resume && !job.args.force;
    for round in 0..=MAX_CATCH_UP_ROUNDS {
        let plan = job.state.plan();
        // On a live cluster, `nodes_config` is put once all else is verified.
        let mut changes = plan.changes();
        changes.retain(|change| !target.is_live_cluster() || change.key != Key::NodesConfig);
        let Err(failed) = apply::carry_out(changes, target, job.state, job.context.events).await
        else {
            return Ok(());
        };
        let is_conflict = matches!(failed.error, StoreError::Conflict { .. });
        if !is_conflict || !may_have_landed_late || round == MAX_CATCH_UP_ROUNDS {
            return Err(describe_failed_write(&failed.error, job).await);
        }
        match plan_without_conflicts(job, prepared).await {
            Some(plan) => job.state.set_plan(plan),
            None => return Err(describe_failed_write(&failed.error, job).await),
        }
    }
    Ok(())
}

/// Plans again from what the target holds now; `None` if that is not all identical to the source.
async fn plan_without_conflicts(job: &Job<'_>, prepared: &Prepared) -> Option<Plan> {
    let target = job.target_store();
    let (desired, events) = (&prepared.desired, job.context.events);
    let now = snapshot::read_beside(target, desired, Stage::ReadTarget, events).await.ok()?;
    let plan = plan::decide_plan(desired, &now, OnExisting::Resume);
    let has_conflicts = plan.conflicts().next().is_some();
    (!has_conflicts).then_some(plan)
}

/// Returns the failure of a write, with the number of keys that are written.
///
/// A key whose write was left without an answer is read first, as far as the target still responds.
pub(super) async fn describe_failed_write(error: &StoreError, job: &Job<'_>) -> Failure {
    confirm_writes(job, READ_BACK_LIMIT).await;
    let failure = Failure::of_target(error);
    let count = |state| job.state.count_writes(state);
    let (written, unknown) = (count(WriteState::Written), count(WriteState::Unknown));
    let all = plural(written + unknown + count(WriteState::NotWritten), "key");
    let others = if unknown > 0 { format!(", {unknown} unconfirmed") } else { String::new() };
    let message = format!("{}; {written} of {all} written{others}", failure.message);
    Failure { message, ..failure }
}

/// Reads the keys whose write is unconfirmed, and records those that the target holds as planned. Returns
/// whether the target responded in time.
pub(super) async fn confirm_writes(job: &Job<'_>, limit: Duration) -> bool {
    let steps = job.state.unconfirmed_steps();
    confirm_steps(job.target_store(), &steps, limit, &|key| job.state.confirm_write(key)).await
}
