//! `metadata undo`, as a line: open, check, plan, confirm, save, write, read back.

mod args;
mod checks;
mod confirm;
mod inputs;
mod job;
mod kept_reports;
mod nodes;
mod state;
mod write;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::commands::Context;
use crate::commands::input::name_input;
use crate::commands::open_store::store_name;
use crate::model::Plan;
use crate::outcome::{Code, Failure, Outcome, UndoOutcome};
use crate::terminal::confirmation::is_pre_confirmed;
use crate::terminal::signals::Signal;
pub use args::UndoArgs;
use job::UndoJob;
use kept_reports::find_next_report;
use state::{AGAIN_HINT, UndoState};

/// The longest time that an interrupted program spends on reading the target once more.
const READ_BACK_LIMIT: Duration = Duration::from_secs(2);

/// The longest time for reading the reports of earlier runs.
const KEPT_REPORTS_LIMIT: Duration = Duration::from_secs(5);

/// Takes back what a run wrote, until it ends or a signal ends it.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(args: &UndoArgs, context: &Context<'_>) -> Result<Outcome> {
    let state = Arc::new(UndoState::new(context.started, name_input(&args.report)));
    context.unfinished.set(Arc::<UndoState>::clone(&state));
    let opened = tokio::select! {
        opened = inputs::open_inputs(args, context) => opened,
        signal = context.interruption.wait() => Err(state.describe_interruption(signal.failure())),
    };
    let inputs = match opened {
        Ok(inputs) => inputs,
        Err(failure) => return Ok(state.outcome(Some(failure))),
    };
    state.set_target(store_name(inputs.target.as_ref()));
    let job = UndoJob { args, context, state: &state, inputs: &inputs };
    let ended = tokio::select! {
        ended = undo(&job) => ended,
        signal = context.interruption.wait() => Err(describe_interruption(signal, &job).await),
    };
    Ok(state.outcome(ended.err()))
}

async fn undo(job: &UndoJob<'_>) -> Result<(), Failure> {
    if !job.inputs.run.may_have_written() {
        // The target need not respond for that: it may be what the run has failed at.
        checks::plan_nothing(job);
        end_undo(job, None).await;
        return Ok(());
    }
    let held = checks::check_and_plan(job).await?;
    write::check_backup_folder(job)?;
    confirm::confirm(job).await?;
    let plan = job.state.plan();
    let writes = !job.args.dry_run && !plan.changes().is_empty();
    if writes && !is_pre_confirmed(job.context.options.yes) {
        checks::check_nodes_again(job, &held).await?;
    }
    checks::check_store(job).await?;
    if writes {
        write::save_target(job, &held).await?;
        write::take_back(job).await.map_err(|failure| add_hint(failure, job))?;
    }
    end_undo(job, Some(&plan)).await;
    Ok(())
}

/// Records that all is taken back, or would be, and whether an earlier run has left keys too. The plan is there if
/// the target was read.
async fn end_undo(job: &UndoJob<'_>, plan: Option<&Plan>) {
    let target = store_name(job.target());
    let found = find_next_report(job.args, &target, plan);
    let found = tokio::time::timeout(KEPT_REPORTS_LIMIT, found).await;
    job.state.set_kept_report(found.ok().flatten());
    job.state.set_outcome(match job.args.dry_run {
        true => UndoOutcome::Planned,
        false => UndoOutcome::Undone,
    });
}

async fn describe_interruption(signal: Signal, job: &UndoJob<'_>) -> Failure {
    // A probe may have been broken off.
    let removal = job.target().remove_scratch_objects();
    let _ = tokio::time::timeout(READ_BACK_LIMIT, removal).await;
    if job.state.has_begun_writing() {
        write::confirm_writes(job, READ_BACK_LIMIT).await;
    }
    add_hint(job.state.describe_interruption(signal.failure()), job)
}

/// Adds how to go on, where something may have been written.
fn add_hint(failure: Failure, job: &UndoJob<'_>) -> Failure {
    if !job.state.has_begun_writing() {
        return failure;
    }
    let differs = failure.code == Code::VerificationFailed;
    match differs {
        true => failure.hint("find and stop the other writer on the target, then run this again"),
        false => failure.hint(AGAIN_HINT),
    }
}
