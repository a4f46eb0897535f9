//! The stage after the writes: verifies that the copy is complete while the source did not change, and copies
//! again what did.

use std::sync::Arc;

use tokio::join;

use super::checks::check_source_nodes_again;
use super::interrupted::save_interim_report;
use super::job::Job;
use super::live_nodes::observe_source;
use super::prepared::Prepared;
use super::sides::SourceKind;
use super::source_backup::save_source_again;
use super::write::{MAX_CATCH_UP_ROUNDS, back_up_before_round, describe_failed_write};
use crate::codec;
use crate::events::Stage;
use crate::model::{EndpointFaultKind, Entry, Key, Plan, Snapshot, StoreError};
use crate::outcome::{CheckStatus, Code, Failure};
use crate::pipeline::checks;
use crate::pipeline::plan::{self, OnExisting};
use crate::pipeline::soundness::check_soundness;
use crate::pipeline::succession::describe_loss;
use crate::pipeline::verify::{are_same, find_differences};
use crate::pipeline::{apply, snapshot};
use crate::wording::{join_first, plural};

/// Reads the target back and the source again: each key must be there, equal, and unchanged. Returns
/// the source as it was copied.
///
/// What changed at the source is copied again, conditional on what this run wrote. On a live cluster,
/// `nodes_config` is still to come.
///
/// # Errors
/// [`Code::VerificationFailed`] if the target differs; [`Code::SourceChanged`] if the source keeps
/// changing, or lacks what was copied; [`Code::NotInMigrationMode`] if a node left migration mode in the meantime.
pub(super) async fn verify_copy(
    job: &Job<'_>,
    prepared: &Prepared,
) -> Result<Arc<Snapshot>, Failure> {
    let is_live = job.target_store().is_live_cluster();
    let mut expected = Arc::clone(&prepared.source_snapshot);
    for round in 0..=MAX_CATCH_UP_ROUNDS {
        let now = read_both_again(job, prepared, &expected).await?;
        // A live cluster gets nodes_config last, as a merge.
        let is_compared = |key: &Key| !is_live || *key != Key::NodesConfig;
        if let Some(keys) = describe_differences(&expected, &now.target, &is_compared) {
            return Err(copy_differs(&keys));
        }
        let Some(keys) = describe_differences(&expected, &now.source, &|_| true) else {
            if round > 0 {
                check_changed_content(job, &now.source)?;
            }
            let (endpoints, mode, ()) = join!(
                check_endpoints_again(job),
                check_still_in_migration_mode(job, prepared, &now.source),
                warn_of_full_target(job),
            );
            return endpoints.and(mode).map(|()| now.source);
        };
        if let Some(loss) = describe_loss(&expected, &now.source) {
            return Err(source_is_replaced(&loss));
        }
        if is_live && has_other_nodes(&expected, &now.source) {
            return Err(source_is_used());
        }
        if round == MAX_CATCH_UP_ROUNDS {
            return Err(source_keeps_changing(&keys));
        }
        job.warn(&format!("the source changed in the meantime ({keys}); copying again"));
        let only_compared = |snapshot: &Snapshot| keep_keys(snapshot, &is_compared);
        let (source, target) = (only_compared(&now.source), only_compared(&now.target));
        copy_changes(job, prepared, &source, &target).await?;
        save_source_again(job, prepared, &now.source)?;
        expected = now.source;
    }
    Ok(expected)
}

/// Checks of a source that changed what was checked before the first write: once it rests, since its values are not
/// read at one moment.
fn check_changed_content(job: &Job<'_>, source: &Snapshot) -> Result<(), Failure> {
    let nodes = codec::nodes_of(source).unwrap_or_default();
    let findings = [
        checks::check_consistency(source, &check_soundness(source), &job.args.accept_finding),
        checks::check_server_version(&nodes, job.args.accept_version),
    ];
    checks::failure_of_checks("the source changed during the run", &findings).map_or(Ok(()), Err)
}

/// Checks that what was written is there through every endpoint of the target that responds: addresses of
/// several stores are not always known before.
async fn check_endpoints_again(job: &Job<'_>) -> Result<(), Failure> {
    let faults = job.target_store().find_endpoint_faults().await;
    let others = faults.iter().filter(|fault| fault.kind == EndpointFaultKind::OtherStore);
    let others: Vec<_> = others.map(ToString::to_string).collect();
    if others.is_empty() {
        return Ok(());
    }
    let reason =
        format!("what was written is not there through each address: {}", others.join("; "));
    Err(Failure::new(Code::VerificationFailed, reason)
        .hint("name only the members of one etcd in addresses, and start no server before that"))
}

/// Warns of a target that has all keys, and accepts no more writes: the servers could not start on it.
async fn warn_of_full_target(job: &Job<'_>) {
    if let Err(error @ StoreError::Full { .. }) = job.target_store().check_space_left().await {
        job.add_finding(checks::warn_of_full_store(&error));
    }
}

/// Returns whether `nodes_config` is not the same in both.
fn has_other_nodes(one: &Snapshot, other: &Snapshot) -> bool {
    let value =
        |snapshot: &Snapshot| snapshot.get(&Key::NodesConfig).and_then(Entry::value).cloned();
    !are_same(&Key::NodesConfig, value(one).as_ref(), value(other).as_ref())
}

fn copy_differs(keys: &str) -> Failure {
    let reason = format!("the target does not hold what was written to it: {keys}");
    Failure::new(Code::VerificationFailed, reason)
        .hint("find and stop the other writer on the target, then run again with --resume --force")
}

fn source_keeps_changing(keys: &str) -> Failure {
    let rounds = plural(MAX_CATCH_UP_ROUNDS, "more round");
    let reason = format!("the source changed again after {rounds} of copying: {keys}");
    Failure::new(Code::SourceChanged, reason)
        .hint("make sure that nobody uses the admin API, then run again with --resume --force")
}

/// Returns the failure for a source on which a server was started: that changes its `nodes_config`.
fn source_is_used() -> Failure {
    let reason = "nodes_config of the source changed: a server was started on it in the meantime";
    Failure::new(Code::SourceChanged, reason)
        .hint("stop every server that runs on the source, then run again with --resume --force")
}

/// Returns the failure for a source that is not a later state of what was copied: the copy may be the only one.
fn source_is_replaced(loss: &str) -> Failure {
    let reason = format!(
        "the source was emptied, restored or replaced in the meantime, so the target was left as copied before: {loss}"
    );
    Failure::new(Code::SourceChanged, reason)
        .hint("keep the target: it may be the only copy of what it holds")
        .hint("find out what happened to the source before you run again")
}

struct BothSnapshots {
    source: Arc<Snapshot>,
    target: Snapshot,
}

async fn read_both_again(
    job: &Job<'_>,
    prepared: &Prepared,
    expected: &Snapshot,
) -> Result<BothSnapshots, Failure> {
    let (source, events) = (&prepared.source, job.context.events);
    let (target_now, source_now) = join!(
        snapshot::read_beside(job.target_store(), expected, Stage::ReadBack, events),
        snapshot::read_beside(source.source(), expected, Stage::ReadSourceAgain, events),
    );
    let unverified = |failure: Failure| {
        let reason = format!("all keys are written, but could not be verified: {failure}");
        Failure { message: reason, ..failure }
    };
    Ok(BothSnapshots {
        target: target_now.map_err(|error| unverified(Failure::of_target(&error)))?,
        source: Arc::new(source_now.map_err(|error| unverified(source.failure(&error)))?),
    })
}

/// Copies what changed at the source; each write requires exactly what this run wrote before.
async fn copy_changes(
    job: &Job<'_>,
    prepared: &Prepared,
    source_now: &Snapshot,
    target_now: &Snapshot,
) -> Result<(), Failure> {
    let target = job.target_store();
    let violations = target.find_limit_violations(source_now).await;
    let findings = [
        checks::check_values(source_now, &check_soundness(source_now), &job.args.allow_undecoded),
        checks::check_limits(&violations, source_now, target.snapshot_limit()),
    ];
    let changed = "the source changed to what can't be copied";
    if let Some(failure) = checks::failure_of_checks(changed, &findings) {
        return Err(failure);
    }
    let existing = OnExisting::ResumeAndOverwrite;
    let plan = plan::decide_sparing_plan(source_now, target_now, existing, &prepared.unlisted);
    if plan.conflicts().next().is_some() {
        return Err(foreign_content(&plan));
    }
    job.state.merge_plan(plan.clone());
    job.state.set_catching_up();
    back_up_before_round(job, prepared, &plan).await?;
    save_interim_report(job, &plan).map_err(refuse_round)?;
    match apply::carry_out(plan.changes(), target, job.state, job.context.events).await {
        Ok(()) => Ok(()),
        Err(failed) => Err(describe_failed_write(&failed.error, job).await),
    }
}

/// Adds to the failure of a report that nothing of the round was written: `undo` would not know of it.
fn refuse_round(failure: Failure) -> Failure {
    let message = format!("what changed at the source was not copied: {}", failure.message);
    Failure { message, ..failure }
}

/// Returns the failure for keys that changed at the source and whose names the target has for other content.
fn foreign_content(plan: &Plan) -> Failure {
    let reason = format!(
        "the source changed in keys whose names have other content in the target, which is not touched: {}",
        join_first(plan.conflicts().map(|step| step.key.to_string()))
    );
    Failure::new(Code::TargetConflict, reason)
}

/// Checks migration mode again: a node restarted without the flag may already be writing.
async fn check_still_in_migration_mode(
    job: &Job<'_>,
    prepared: &Prepared,
    source_now: &Snapshot,
) -> Result<(), Failure> {
    let observed = observe_source(job, &prepared.source, source_now).await;
    let kind = SourceKind::from_opened(&prepared.source);
    let finding = check_source_nodes_again(kind, &observed);
    match (finding.status, finding.code) {
        (CheckStatus::Failed, Some(code)) => {
            let reason =
                format!("the cluster left migration mode while it was copied: {}", finding.text());
            Err(finding.hints.into_iter().fold(Failure::new(code, reason), Failure::hint))
        }
        (CheckStatus::Warning, _) => {
            job.warn(&finding.text());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Describes what differs in the keys that are to be compared.
fn describe_differences(
    wanted: &Snapshot,
    found: &Snapshot,
    is_compared: &dyn Fn(&Key) -> bool,
) -> Option<String> {
    let mut differing = find_differences(wanted, found)
        .filter(|(key, _)| is_compared(key))
        .map(|(key, status)| format!("{key} is {}", status.name()))
        .peekable();
    differing.peek().is_some().then(|| join_first(differing))
}

fn keep_keys(snapshot: &Snapshot, is_kept: &dyn Fn(&Key) -> bool) -> Snapshot {
    let kept = snapshot.iter().filter(|(key, _)| is_kept(key));
    kept.map(|(key, entry)| (key.clone(), entry.clone())).collect()
}
