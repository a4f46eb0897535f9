//! The report of a run that stopped midway: what is in the target, and how to resume.

use std::time::Duration;

use super::command_lines::repeat_command;
use super::job::Job;

use crate::events::{NoopSink, Stage};
use crate::model::{CasToken, Entry, Plan, Step};
use crate::outcome::{Code, Failure, MigrationOutcome};
use crate::pipeline::snapshot;
use crate::pipeline::verify::are_same;
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
    let written = match describe_written(job, &job.state.plan()).await {
        Some(written) => written,
        None => format!(
            "{} written, others unconfirmed: there was no time to read the target again",
            plural(job.state.written_count(), "key")
        ),
    };
    let message = format!("{}; {written}; no key is partially written", failure.message);
    add_hints(Failure { message, ..failure }, job)
}

/// Describes how much of the plan the target holds now; `None` if it does not respond in time.
async fn describe_written(job: &Job<'_>, plan: &Plan) -> Option<String> {
    let planned = plan.steps.iter().filter_map(|step| {
        let value = step.source.clone()?;
        let token = CasToken::Version(value.version);
        Some((step.key.clone(), Entry::Intact(value, token)))
    });
    // A target that can't list is asked for what was to be written.
    let planned = planned.collect();
    let read = snapshot::read_beside(job.target_store(), &planned, Stage::ReadTarget, &NoopSink);
    let now = tokio::time::timeout(READ_BACK_LIMIT, read).await.ok()?.ok()?;
    let is_done = |step: &&Step| match &step.source {
        Some(source) => {
            let now = now.get(&step.key).and_then(Entry::value);
            are_same(&step.key, Some(source), now)
        }
        None => !now.contains_key(&step.key),
    };
    let (done, all) = (plan.steps.iter().filter(is_done).count(), plan.steps.len());
    Some(match done == all {
        true => format!("all {} written, but not verified", plural(all, "key")),
        false => format!("{done} of {} are in the target as planned", plural(all, "key")),
    })
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

fn add_hints(failure: Failure, job: &Job<'_>) -> Failure {
    let resume = if job.args.resume { "" } else { " --resume" };
    let command = repeat_command(job.context);
    let failure = failure.hint(format!("the source is untouched; resume with: {command}{resume}"));
    failure.hint(match job.target_store().is_live_cluster() {
        true => MIXED_KEYS_HINT,
        false => FRESH_NODE_HINT,
    })
}
