//! After the checks: the backup, the writes, and the proof that they arrived and the source stood
//! still.

use tokio::join;

use super::MigrateArgs;
use super::prepare::{Gathered, source_at_rest};
use super::rollback::others;
use super::state::MigrationState;
use crate::backends::Target;
use crate::backends::backup::{self, Destination};
use crate::codec;
use crate::commands::open_store::OpenSource;
use crate::commands::{Context, backup as backup_command};
use crate::events::{Event, Stage};
use crate::model::{Action, Comparison, Key, Plan, Snapshot, StoreError};
use crate::outcome::{CheckStatus, Code, Failure};
use crate::pipeline::apply;
use crate::pipeline::checks;
use crate::pipeline::plan::{self, OnExisting};
use crate::pipeline::snapshot;
use crate::pipeline::verify::compare;

/// How often a source that moves is followed before the run fails.
pub(super) const ROUNDS: usize = 3;

/// One run, from its checks on: what was gathered, where it goes, how it was asked for.
pub(super) struct Run<'a> {
    pub(super) gathered: &'a Gathered,
    pub(super) target: &'a dyn Target,
    pub(super) args: &'a MigrateArgs,
    pub(super) context: &'a Context<'a>,
    pub(super) record: &'a MigrationState,
}

/// Saves what is about to be replaced or deleted, if anything: the whole of what the target holds.
/// Where the backup of an interrupted run holds it already, that one is enough.
pub(super) fn save_target(run: &Run<'_>) -> Result<(), Failure> {
    let Run { gathered, target, args, context, record } = *run;
    let folder = &args.backup_dir;
    let plan = record.plan();
    if plan.count(Action::Overwrite) + plan.count(Action::Delete) == 0 {
        return Ok(());
    }
    let path = match &gathered.former {
        Some(former) => former.clone(),
        None => {
            let cluster = codec::cluster_of(&gathered.held);
            let place = Destination::Folder(folder.to_owned());
            let saved = backup::save(&place, target.name(), cluster, &gathered.held);
            saved
                .map_err(|error| {
                    backup_command::failed(&folder.display().to_string(), &error)
                        .hint("name another folder with --backup-dir")
                })?
                .path
        }
    };
    context.events.emit(Event::BackedUp(&path, gathered.held.len()));
    record.backed_up(path);
    Ok(())
}

/// Carries the recorded plan out.
///
/// With `--resume`, a write of the interrupted run may land while this one is at work, and be met as
/// a conflict. If all that is there now is identical to the source, it is skipped as if it had been
/// there before.
pub(super) async fn carry_out(run: &Run<'_>) -> Result<(), Failure> {
    let Run { gathered, target, args, context, record } = *run;
    let mut rounds = 0;
    loop {
        let plan = record.plan();
        // Where servers run on the target, it is put when all else is proved.
        let now =
            if target.is_live_cluster() { plan.without(&Key::NodesConfig) } else { plan.clone() };
        let Err(error) = apply::carry_out(&now, target, record, context.events).await else {
            return Ok(());
        };
        let landed_late = matches!(error, StoreError::Conflict { .. })
            && args.resume
            && !args.force
            && rounds < ROUNDS;
        if landed_late {
            let now = snapshot::read(target, Stage::ReadTarget, context.events).await;
            let plan = now.map(|now| plan::decide(&gathered.wanted, &now, OnExisting::Resume));
            if let Ok(plan) = plan.map_err(drop)
                && plan.conflicts().next().is_none()
            {
                record.planned(plan);
                rounds += 1;
                continue;
            }
        }
        return Err(unwritten(&error, &plan, record));
    }
}

pub(super) fn unwritten(error: &StoreError, plan: &Plan, record: &MigrationState) -> Failure {
    let failure = Failure::of_target(error);
    let planned = plan.steps.len() - plan.count(Action::Skip);
    let written = record.written_count();
    let message =
        format!("{}; {written} of {planned} key(s) are known to be written", failure.message);
    Failure { message, ..failure }
}

/// Reads the target back and the source again: each key must be there, equal, and unchanged. What
/// changed at the source is copied again, conditional on what this run wrote. Where servers run on the
/// target, its `nodes_config` is still to come.
pub(super) async fn prove(run: &Run<'_>) -> Result<(), Failure> {
    let Run { gathered, context, target, .. } = *run;
    let mut expected = gathered.before.clone();
    let of_target = |snapshot: &Snapshot| match target.is_live_cluster() {
        true => others(snapshot),
        false => snapshot.clone(),
    };
    for round in 0..=ROUNDS {
        let (target_now, source_now) = read_both(run, &expected).await?;
        if let Some(keys) = faults(&compare(&of_target(&expected), &of_target(&target_now))) {
            let reason = format!("the target does not hold what was written to it: {keys}");
            return Err(Failure::new(Code::VerificationFailed, reason).hint(
                "another writer is at work on the target: stop it, then run again with --resume \
                 --force",
            ));
        }
        let Some(keys) = faults(&compare(&expected, &source_now)) else {
            return still_at_rest(&source_now, &gathered.source, run).await;
        };
        if target.is_live_cluster()
            && source_now.get(&Key::NodesConfig) != expected.get(&Key::NodesConfig)
        {
            return Err(source_is_used());
        }
        if round == ROUNDS {
            let reason =
                format!("the source changed again after {ROUNDS} more rounds of copying: {keys}");
            return Err(Failure::new(Code::SourceChanged, reason).hint(
                "make sure that nobody uses the admin API, then run again with --resume --force",
            ));
        }
        let told = format!("the source changed meanwhile ({keys}); copying again");
        context.events.emit(Event::Warning(&told));
        follow(&of_target(&source_now), &of_target(&target_now), run).await?;
        expected = source_now;
    }
    Ok(())
}

/// Each start of a server changes `nodes_config` of its store.
fn source_is_used() -> Failure {
    let reason = "nodes_config of the source changed meanwhile: a server was started on it";
    Failure::new(Code::SourceChanged, reason)
        .hint("stop every server that runs on the source, then run again with --resume --force")
}

async fn read_both(run: &Run<'_>, expected: &Snapshot) -> Result<(Snapshot, Snapshot), Failure> {
    let Run { gathered: Gathered { source, .. }, target, context, .. } = *run;
    let (target_now, source_now) = join!(
        snapshot::read_beside(target, expected, Stage::ReadBack, context.events),
        snapshot::read_beside(source.source(), expected, Stage::ReadSourceAgain, context.events),
    );
    let unread = |failure: Failure| {
        let reason = format!("all keys are written, but could not be verified: {failure}");
        Failure { message: reason, ..failure }
    };
    let target_now = target_now.map_err(|error| unread(Failure::of_target(&error)))?;
    let source_now = source_now.map_err(|error| unread(source.failure(&error)))?;
    Ok((target_now, source_now))
}

/// Copies what changed. The target holds what this run wrote, and each write requires just that.
async fn follow(
    source_now: &Snapshot,
    target_now: &Snapshot,
    run: &Run<'_>,
) -> Result<(), Failure> {
    let Run { target, args, context, record, .. } = *run;
    let mut findings = vec![checks::check_values(source_now, &args.allow_undecoded)];
    findings
        .push(checks::check_limits(&target.find_limit_violations(source_now).await, source_now));
    if let Some(refusal) = checks::refusal(&findings) {
        let reason = format!("the source changed to what can't be copied: {}", refusal.message);
        return Err(Failure { message: reason, ..refusal });
    }
    let plan: Plan = plan::decide(source_now, target_now, OnExisting::ResumeAndOverwrite);
    let written = apply::carry_out(&plan, target, record, context.events).await;
    record.followed(plan);
    written.map_err(|error| Failure::of_target(&error))
}

/// A node that was restarted without the flag meanwhile may be writing already.
async fn still_at_rest(now: &Snapshot, source: &OpenSource, run: &Run<'_>) -> Result<(), Failure> {
    let Some(nodes) = codec::nodes_of(now) else { return Ok(()) };
    let finding = source_at_rest(run.args, &nodes, source, now, run.context).await;
    match (finding.status, finding.code) {
        (CheckStatus::Failed, Some(code)) => {
            let reason =
                format!("the cluster left migration mode while it was copied: {}", finding.text());
            Err(finding.hints.into_iter().fold(Failure::new(code, reason), Failure::hint))
        }
        _ => Ok(()),
    }
}

fn faults(verdict: &Comparison) -> Option<String> {
    let faults: Vec<_> =
        verdict.faults(false).map(|row| format!("{} is {}", row.key, row.status.name())).collect();
    (!faults.is_empty()).then(|| faults.join(", "))
}
