//! The writing stages: save what the target holds, delete and restore, and read it back.

use std::time::Duration;

use super::checks;
use super::job::UndoJob;
use crate::backends::backup::{BackupOrigin, Destination};
use crate::codec;
use crate::commands::save_backup::{check_destination, save_entries};
use crate::commands::write_record::confirm_steps;
use crate::events::Event;
use crate::model::{Action, Snapshot, Step};
use crate::outcome::{Code, Failure};
use crate::pipeline::{apply, snapshot};
use crate::wording::join_first;

/// The time for reading the keys whose write was left without an answer: the target may be gone.
const READ_BACK_LIMIT: Duration = Duration::from_secs(5);

/// Checks that what is deleted or replaced could be saved: also in a dry run, and before the operator is asked.
///
/// # Errors
/// [`Code::BackupFailed`].
pub(super) fn check_backup_folder(job: &UndoJob<'_>) -> Result<(), Failure> {
    match job.state.plan().changes().is_empty() {
        true => Ok(()),
        false => check_destination(&Destination::Folder(job.args.backup_dir.clone())),
    }
}

/// Saves what the target holds, if any of it is deleted or replaced.
///
/// # Errors
/// [`Code::BackupFailed`].
pub(super) async fn save_target(job: &UndoJob<'_>, held: &Snapshot) -> Result<(), Failure> {
    let is_replaced = |step: &&Step| step.change().is_some() && step.target.is_some();
    if !job.state.plan().steps.iter().any(|step| is_replaced(&step)) {
        return Ok(());
    }
    let target = job.target();
    // A failed count says no more than one that the store does not permit.
    let foreign = target.count_foreign_keys().await.unwrap_or_default();
    let origin = BackupOrigin {
        store: target.name(),
        cluster: codec::cluster_of(held),
        complete: snapshot::describe_missing_keys(target, held, foreign).is_none(),
        data_loss: None,
        overwritten_with: None,
    };
    let destination = Destination::Folder(job.args.backup_dir.clone());
    let saved = save_entries(&destination, &origin, held, job.context.events)?;
    job.context.events.emit(Event::BackedUp(&saved.path, held.len()));
    job.state.set_backup(saved.path);
    Ok(())
}

/// Deletes and restores: `nodes_config` first, an old one last.
///
/// # Errors
/// The target's answer to the first failed write; [`Code::VerificationFailed`] if the target does not hold
/// afterwards what it is to hold.
pub(super) async fn take_back(job: &UndoJob<'_>) -> Result<(), Failure> {
    let plan = job.state.plan();
    let written =
        apply::carry_out(plan.changes(), job.target(), job.state, job.context.events).await;
    if let Err(failed) = written {
        confirm_writes(job, READ_BACK_LIMIT).await;
        let failure = Failure::of_target(&failed.error);
        let message = format!("{}; {}", failure.message, job.state.describe_writes());
        return Err(Failure { message, ..failure });
    }
    read_back(job).await
}

/// Reads the keys whose write is unconfirmed, and records those that the target holds as planned.
pub(super) async fn confirm_writes(job: &UndoJob<'_>, limit: Duration) -> bool {
    let steps = job.state.unconfirmed_steps();
    confirm_steps(job.target(), &steps, limit, &|key| job.state.confirm_write(key)).await
}

/// Reads the target again: nothing of the run may be left, nor have come since, as from a run that still writes.
async fn read_back(job: &UndoJob<'_>) -> Result<(), Failure> {
    let held = checks::read_again(job).await.map_err(|error| {
        let failure = Failure::of_target(&error);
        let reason =
            format!("all keys are taken back, but could not be verified: {}", failure.message);
        Failure { message: reason, ..failure }
    })?;
    let left = checks::decide_from(job, &held);
    let is_left = |step: &&Step| step.change().is_some() || step.action == Action::Conflict;
    let mut keys = left.steps.iter().filter(is_left).map(|step| step.key.to_string()).peekable();
    if keys.peek().is_none() {
        return Ok(());
    }
    let reason = format!(
        "all keys are taken back, and the target was changed in the meantime: {}",
        join_first(keys)
    );
    Err(Failure::new(Code::VerificationFailed, reason))
}
