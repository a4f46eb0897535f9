//! The common part of `patch` and `put`: reads the value, edits and checks it, asks for confirmation,
//! saves the old value, and writes the new one on the condition that the old one is still stored.

mod args;
mod confirm;
mod consequences;
mod decision;
mod document;
mod failures;
mod job;
mod state;
mod write;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::timeout;

use crate::backends::Target;
use crate::blocking::run_detached;
use crate::commands::{Context, cluster_options, open_store, store_arg};
use crate::model::{CasToken, Entry, Key, Snapshot};
use crate::outcome::{Code, Failure, Outcome};
use crate::pipeline::checks;
use crate::terminal::signals::Signal;
pub use args::{Edit, EditArgs};
use decision::{EditDecision, EditRequest};
pub use document::{JsonText, read_json_text};
use job::EditJob;
use state::EditState;

/// The time for a probe that was broken off to remove what it may have left.
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);

/// Runs an edit until it ends or a signal ends it.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(
    args: &EditArgs,
    edit: impl Future<Output = Result<Edit, Failure>>,
    context: &Context<'_>,
) -> Result<Outcome> {
    let state = Arc::new(EditState::new(Key::parse(&args.key)));
    context.unfinished.set(Arc::<EditState>::clone(&state));
    let prepare = async {
        cluster_options::tls_options(context.options)?;
        let edit = edit.await?;
        let from = store_arg::load_optional(args.from.as_deref(), context).await?;
        let store = open_store::open_editable(from, context).await?;
        state.set_store(store.target());
        let key = state.key();
        let stored = job::read_stored(&store, &key).await?;
        Ok((edit, EditJob { args, context, state: &state, store, key, stored }))
    };
    let prepared = tokio::select! {
        prepared = prepare => prepared,
        signal = context.interruption.wait() => Err(state.describe_interruption(signal.failure())),
    };
    let (edit, job) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(state.outcome(Some(failure))),
    };
    let result = tokio::select! {
        result = run_job(&job, edit) => result,
        signal = context.interruption.wait() => Err(describe_interruption(signal, &job).await),
    };
    Ok(state.outcome(result.err()))
}

async fn describe_interruption(signal: Signal, job: &EditJob<'_>) -> Failure {
    // A probe may have been broken off.
    let _ = timeout(REMOVAL_LIMIT, job.target().remove_scratch_objects()).await;
    job.state.describe_interruption(signal.failure())
}

async fn run_job(job: &EditJob<'_>, edit: Edit) -> Result<(), Failure> {
    let decision = decide_edit(job, edit).await?;
    job.state.set_decision(&decision, job.args.dry_run);
    check_limits(&decision, job.target()).await?;
    for warning in &decision.warnings {
        job.warn(warning);
    }
    confirm::confirm_edit(job, &decision).await?;
    if job.args.dry_run {
        return Ok(());
    }
    check_conditional_writes(job.target()).await?;
    write::save_old_value(job)?;
    write::write_value(job, &decision).await
}

/// Decides what to write on a thread of its own: large documents take seconds, in which a signal is heard.
async fn decide_edit(job: &EditJob<'_>, edit: Edit) -> Result<EditDecision, Failure> {
    let (key, beside) = (job.key.clone(), job.stored.clone());
    let (expected_version, store_name) =
        (job.args.expected_version, job.target().name().to_owned());
    let decided = run_detached(move || {
        let (edit, beside, store_name) = (&edit, &beside, store_name.as_str());
        let request = EditRequest { key: &key, edit, expected_version, store_name, beside };
        decision::decide_edit(&request, beside.get(&key))
    });
    decided.await.unwrap_or_else(|error| {
        Err(Failure::new(Code::Internal, format!("failed to prepare the edit: {error}")))
    })
}

/// Checks that the store can hold the new value.
async fn check_limits(decision: &EditDecision, target: &dyn Target) -> Result<(), Failure> {
    let token = CasToken::Version(decision.value.version);
    let entry = Entry::Intact(decision.value.clone(), token);
    let desired = Snapshot::from([(decision.key.clone(), entry)]);
    let violations = target.find_limit_violations(&desired).await;
    let violations = violations.map_err(|error| Failure::of_target(&error))?;
    match violations.into_iter().next() {
        None => Ok(()),
        Some(violation) => {
            let reason = format!("{} {}", violation.key, violation.reason);
            Err(Failure::new(Code::ValueTooLarge, reason).hint(violation.hint))
        }
    }
}

/// Checks on a scratch object that the store honours conditional writes: without them, two edits at once
/// would overwrite each other unnoticed.
async fn check_conditional_writes(target: &dyn Target) -> Result<(), Failure> {
    if target.guarantees_conditional_writes() {
        return Ok(());
    }
    let finding = checks::check_store_probe(&target.probe_conditional_writes().await);
    match checks::refusal(&[finding]) {
        None => Ok(()),
        Some(failure) => {
            let hint = "edit the metadata in a store that honours conditional writes";
            Err(Failure { hints: vec![hint.to_owned()], ..failure })
        }
    }
}
