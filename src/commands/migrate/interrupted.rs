//! The report of a run that stopped midway: what is in the target, and how to resume.

use std::time::Duration;

use super::command_lines::{backup_folder_option, repeat_command, undo_command};
use super::job::Job;
use super::write::confirm_writes;
use crate::model::{Plan, WriteState};
use crate::outcome::{Code, Failure, MigrationOutcome};
use crate::terminal::signals::Signal;
use crate::wording::plural;

/// The longest time that an interrupted program spends on reading the target once more.
const READ_BACK_LIMIT: Duration = Duration::from_secs(2);

/// A half-written replicated store still has its old `nodes_config`, and nodes would start on it.
const MIXED_KEYS_HINT: &str = "until then, start no node without --metadata-migration-mode: the target mixes \
                               old and new keys";

/// A half-written target looks unused to a fresh node, which then provisions a cluster of its own there.
const FRESH_NODE_HINT: &str = "until then, start no fresh node with auto-provision = true on the target: it \
                               would provision a new cluster on what lies there";

/// Describes how a signal ended the run.
pub(super) async fn describe_interruption(signal: Signal, job: &Job<'_>) -> Failure {
    job.state.set_outcome(MigrationOutcome::Interrupted);
    let failure = signal.failure();
    // A probe may have been broken off.
    let removal = job.target_store().remove_scratch_objects();
    let _ = tokio::time::timeout(READ_BACK_LIMIT, removal).await;
    if !job.state.has_begun_writing() {
        return Failure { message: format!("{}; nothing was written", failure.message), ..failure };
    }
    let has_responded = confirm_writes(job, READ_BACK_LIMIT).await;
    let written = describe_written(job, has_responded);
    let message = format!("{}; {written}; no key is partially written", failure.message);
    add_hints(Failure { message, ..failure }, job)
}

/// Describes how much of the plan the target holds, as far as it could still be read.
fn describe_written(job: &Job<'_>, has_responded: bool) -> String {
    let count = |state| job.state.count_writes(state);
    let written = count(WriteState::Written);
    if !has_responded {
        return format!(
            "{} written, others unconfirmed: there was no time to read the target again",
            plural(written, "key")
        );
    }
    let all = written + count(WriteState::Unknown) + count(WriteState::NotWritten);
    match written == all {
        true => format!("all {} written, but not verified", plural(all, "key")),
        false => format!("{written} of {} are in the target as planned", plural(all, "key")),
    }
}

/// Saves in the file of `--report` what a run leaves there that is killed while it carries out this plan.
///
/// # Errors
/// Where the file can't be written, or there is no space for it: then nothing is to be written.
pub(super) fn save_interim_report(job: &Job<'_>, plan: &Plan) -> Result<(), Failure> {
    let message = "the run has not written its report: it is still running, or was killed while it wrote; \
                   no key is partially written";
    let killed = add_hints(Failure::new(Code::Interrupted, message), job);
    job.state.set_resume_hints(killed.hints.clone());
    let Some(report) = job.context.report else { return Ok(()) };
    report.save_interim(&job.state.outcome_if_killed(plan, killed))
}

/// Adds the command that resumes the run, where resuming is what helps.
pub(super) fn add_resume_hint(failure: Failure, job: &Job<'_>) -> Failure {
    // A difference is not settled by --resume alone; such a failure has hints of its own.
    let differs = matches!(failure.code, Code::SourceChanged | Code::VerificationFailed);
    match job.state.has_begun_writing() {
        true if !differs => add_hints(failure, job),
        true if job.target_store().is_live_cluster() => failure.hint(MIXED_KEYS_HINT),
        _ => failure,
    }
}

/// Returns the command that resumes the run, and finds its backup file.
fn resume_command(job: &Job<'_>) -> String {
    let mut command = repeat_command(job.context);
    if !job.args.resume {
        command.push_str(" --resume");
    }
    if job.state.is_catching_up() {
        add_options_of_mixed_copy(&mut command, job);
    }
    let backup = job.state.backup_path();
    if let Some(option) = backup.and_then(|path| backup_folder_option(&path, job.context)) {
        command.push_str(&format!(" {option}"));
    }
    command
}

/// Adds the options without which a run refuses a copy that is older than the source in part, and has lost the
/// `nodes_config` that says whose it is: that is deleted before keys are replaced, but on a live cluster.
fn add_options_of_mixed_copy(command: &mut String, job: &Job<'_>) {
    if !job.args.force {
        command.push_str(" --force");
    }
    if job.args.overwrite_cluster.is_none() && !job.target_store().is_live_cluster() {
        command.push_str(" --overwrite-cluster unknown");
    }
}

fn add_hints(failure: Failure, job: &Job<'_>) -> Failure {
    let failure =
        failure.hint(format!("the source is untouched; resume with: {}", resume_command(job)));
    let failure = match undo_command(job) {
        Some(undo) => failure.hint(format!("or take back what was written with: {undo}")),
        None => failure,
    };
    failure.hint(match job.target_store().is_live_cluster() {
        true => MIXED_KEYS_HINT,
        false => FRESH_NODE_HINT,
    })
}
