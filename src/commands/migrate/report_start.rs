//! The file of `--report` before the first write: whether this run goes on with the report of the run before, or keeps
//! it under another name.

use super::job::Job;
use super::prepared::Prepared;
use super::prior_report::PriorReport;
use super::prior_run::list_writes_since;
use super::state::MigrationState;
use super::write;
use crate::commands::Context;
use crate::commands::open_store::store_name;
use crate::commands::run_report::RunReport;
use crate::events::InterimReport;
use crate::model::Plan;
use crate::outcome::Failure;

/// Takes up the report of the run before in the file of `--report`; one that can't be read is kept as it is.
pub(super) fn take_up_report(context: &Context<'_>, state: &MigrationState) -> Result<(), Failure> {
    let earlier = context.report.and_then(InterimReport::earlier_document);
    match earlier.map(|earlier| RunReport::parse(&earlier)) {
        None => Ok(()),
        Some(Ok(prior)) => {
            state.continue_report(prior);
            Ok(())
        }
        Some(Err(_)) => context.keep_earlier_report(),
    }
}

/// Keeps the report of the run before under another name if its target is another.
pub(super) fn keep_report_of_another_target(job: &Job<'_>) -> Result<(), Failure> {
    let target = store_name(job.target_store());
    let is_other = |prior: &PriorReport| !prior.is_of_target(&target);
    // The file may hang: nothing that describes the run may wait for it.
    let has_other = job.state.prior_report().as_ref().is_some_and(is_other);
    if has_other {
        job.context.keep_earlier_report()?;
        job.state.prior_report().take();
    }
    Ok(())
}

/// Takes up what another run has put into the file of `--report` since this one started: it may have written the keys
/// that this one finds in the target.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code) if it can't be read, or kept where this run does not go on with it.
pub(super) fn take_up_later_report(job: &Job<'_>) -> Result<(), Failure> {
    if !job.context.report.map_or(Ok(false), InterimReport::reread_earlier)? {
        return Ok(());
    }
    job.state.prior_report().take();
    take_up_report(job.context, job.state)?;
    keep_report_of_another_target(job)
}

/// Decides, before the first write, whether this run goes on with the report of the run before.
///
/// What is replaced is saved as a whole. Without --resume, or where the backup of the run before does not explain
/// it, it is not what that run has left: its report says nothing about it. Nor does it where the target has lost what
/// that run left: `undo` would put back what was there before, into a target that was empty. What an overwriting run
/// without a report has left is known by its backup.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code) if the report can't be kept.
pub(super) fn settle_prior_report(
    job: &Job<'_>,
    prepared: &Prepared,
    plan: &Plan,
) -> Result<(), Failure> {
    let backup = prepared.prior_backup.as_deref();
    let has_backup =
        |file| job.state.prior_report().as_ref().is_some_and(|prior| prior.has_backup(file));
    let is_known = backup.is_some_and(has_backup);
    let is_half_written = prepared.is_target_half_written && !job.target_store().is_live_cluster();
    let interrupted = backup.filter(|_| !is_known && is_half_written);
    let lacks_keys = |prior: &PriorReport| prior.lacks_left_keys(plan);
    let is_left = !job.state.prior_report().as_ref().is_some_and(lacks_keys);
    let is_explained = is_left && (is_known || !write::replaces_keys(plan));
    if job.args.resume && is_explained && interrupted.is_none() {
        return Ok(());
    }
    job.context.keep_earlier_report()?;
    if let Some(prior) = &mut *job.state.prior_report() {
        prior.replace();
    }
    if let Some(file) = interrupted {
        job.state.add_earlier_writes(list_writes_since(file, &prepared.target_snapshot));
        job.state.set_backup(file.to_owned());
    }
    Ok(())
}
