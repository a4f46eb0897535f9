//! What is told when a run stops midway: what is in the target, and how to go on.

use std::time::Duration;

use super::state::MigrationState;
use super::{MigrateArgs, next_steps};
use crate::backends::Target;
use crate::commands::Context;
use crate::events::{NoopSink, Stage};
use crate::model::{CasToken, Entry, Plan};
use crate::outcome::{Code, Failure, MigrationOutcome};
use crate::pipeline::snapshot;
use crate::terminal::signals::Signal;

/// Whoever interrupts the program wants it to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a signal ended the run.
pub(super) async fn told(
    signal: Signal,
    target: &dyn Target,
    args: &MigrateArgs,
    context: &Context<'_>,
    record: &MigrationState,
) -> Failure {
    record.progress(MigrationOutcome::Interrupted);
    let failure = signal.failure();
    if !record.is_writing() {
        return Failure { message: format!("{}; nothing was written", failure.message), ..failure };
    }
    let state = match state(target, &record.plan()).await {
        Some(state) => state,
        None => format!(
            "there was no time to read the target again; {} key(s) are known to be written, and what was \
             under way may be, too",
            record.written_count()
        ),
    };
    let message =
        format!("{}; {state}; each key in the target is whole or absent", failure.message);
    with_hints(Failure { message, ..failure }, target, args, context)
}

/// What of the plan the target holds now.
async fn state(target: &dyn Target, plan: &Plan) -> Option<String> {
    let planned = plan.steps.iter().filter_map(|step| {
        let value = step.source.clone()?;
        let tag = CasToken::Version(value.version);
        Some((step.key.clone(), Entry::Intact(value, tag)))
    });
    // A target that can't list is asked for what was to be written.
    let planned = planned.collect();
    let read = snapshot::read_beside(target, &planned, Stage::ReadTarget, &NoopSink);
    let now = tokio::time::timeout(PATIENCE, read).await.ok()?.ok()?;
    let done = plan
        .steps
        .iter()
        .filter(|step| now.get(&step.key).and_then(Entry::value) == step.source.as_ref());
    let (done, all) = (done.count(), plan.steps.len());
    Some(match done == all {
        true => format!("all {all} keys are written, but not verified"),
        false => format!("{done} of {all} keys are as planned in the target"),
    })
}

/// What differs is not gone on with by --resume alone; such a failure has hints of its own.
pub(super) fn add_resume(
    failure: Failure,
    target: &dyn Target,
    args: &MigrateArgs,
    context: &Context<'_>,
    record: &MigrationState,
) -> Failure {
    let differs = matches!(failure.code, Code::SourceChanged | Code::VerificationFailed);
    match record.is_writing() && !differs {
        true => with_hints(failure, target, args, context),
        false if record.is_writing() && target.is_live_cluster() => failure.hint(MIXTURE),
        false => failure,
    }
}

/// A half-written replicated store still has its old `nodes_config`, and would be started on.
const MIXTURE: &str = "until then start no node without --metadata-migration-mode: the target holds keys \
                       of two times";

fn with_hints(
    failure: Failure,
    target: &dyn Target,
    args: &MigrateArgs,
    context: &Context<'_>,
) -> Failure {
    let failure = failure.hint(resume_hint(args, context));
    if target.is_live_cluster() { failure.hint(MIXTURE) } else { failure }
}

fn resume_hint(args: &MigrateArgs, context: &Context<'_>) -> String {
    let command = next_steps::command_again(context);
    let resume = if args.resume { "" } else { " --resume" };
    format!("the source is untouched; go on with: {command}{resume}")
}
