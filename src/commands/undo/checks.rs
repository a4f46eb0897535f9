//! Reads the target, makes every check, and plans: all before the first write.

use tokio::join;

use super::job::UndoJob;
use super::nodes::check_nodes;
use crate::backends::Target;
use crate::events::Stage;
use crate::model::{CasToken, Entry, Plan, RecordedWrites, Snapshot, StoreError, Value, Version};
use crate::outcome::{Check, Failure, Finding};
use crate::pipeline::checks::{
    add_endpoint_faults, check_nodes_config, check_store_probe, check_target, check_tls,
    check_undo_writable, check_written_keys, permit_unprobed_store, refusal, warn_of_unrestorable,
};
use crate::pipeline::snapshot;
use crate::pipeline::undo::{
    UndoInput, decide_undo, find_unrestorable_keys, is_nodes_config_explained,
};

/// Checks and plans; returns what the target holds.
///
/// # Errors
/// The refusal that the failed checks make together.
pub(super) async fn check_and_plan(job: &UndoJob<'_>) -> Result<Snapshot, Failure> {
    let held = read_target(job).await?;
    let input = input_of(job, &held);
    let plan = decide_undo(input);
    let is_idle = plan.changes().is_empty() && plan.conflicts().next().is_none();
    if !is_idle {
        job.add_finding(check_nodes(job, &held).await);
    }
    check_access(job, &held, &plan).await;
    if job.context.options.insecure_skip_tls_verify {
        job.add_finding(check_tls());
    }
    if let Some(finding) = warn_of_unrestorable(&find_unrestorable_keys(input)) {
        job.add_finding(finding);
    }
    job.add_finding(check_written_keys(&plan));
    // Where nothing is to be written, it does not matter whose the target is.
    if !is_idle {
        job.add_finding(check_nodes_config(is_nodes_config_explained(input)));
    }
    if let Err(error) = check_space(job.target(), &plan).await {
        job.add_finding(Finding::of_failure(Check::Limits, Failure::of_target(&error)));
    }
    job.state.set_plan(plan);
    refusal(&job.state.findings()).map_or(Ok(held), Err)
}

/// Plans to keep every key, of a run that has certainly written nothing.
pub(super) fn plan_nothing(job: &UndoJob<'_>) {
    let (run, before, held) = (&job.inputs.run.keys, &Snapshot::new(), &Snapshot::new());
    job.state.set_plan(decide_undo(UndoInput { run, before, held }));
}

/// Checks once more that no node runs on the target, after an operator had all the time to start one.
///
/// # Errors
/// The refusal of that check.
pub(super) async fn check_nodes_again(job: &UndoJob<'_>, held: &Snapshot) -> Result<(), Failure> {
    let finding = check_nodes(job, held).await;
    let failure = refusal(std::slice::from_ref(&finding));
    if failure.is_some() {
        job.add_finding(finding);
    }
    failure.map_or(Ok(()), Err)
}

/// Decides what is to be taken back from a target that holds this.
pub(super) fn decide_from(job: &UndoJob<'_>, held: &Snapshot) -> Plan {
    decide_undo(input_of(job, held))
}

fn input_of<'a>(job: &'a UndoJob<'_>, held: &'a Snapshot) -> UndoInput<'a> {
    UndoInput { run: &job.inputs.run.keys, before: &job.inputs.before, held }
}

/// Reads the target after the last write.
///
/// # Errors
/// The target's.
pub(super) async fn read_again(job: &UndoJob<'_>) -> Result<Snapshot, StoreError> {
    read_keys(job, Stage::ReadBack).await
}

async fn read_keys(job: &UndoJob<'_>, stage: Stage) -> Result<Snapshot, StoreError> {
    let at_hand = list_keys_by_name(&job.inputs.run.keys, &job.inputs.before);
    snapshot::read_beside(job.target(), &at_hand, stage, job.context.events).await
}

async fn read_target(job: &UndoJob<'_>) -> Result<Snapshot, Failure> {
    let target = job.target();
    read_keys(job, Stage::ReadTarget).await.map_err(|error| {
        job.add_finding(check_target(target.name(), Err(&error), target.access_hint()));
        refusal(&job.state.findings()).unwrap_or_else(|| Failure::of_target(&error))
    })
}

/// Checks that every endpoint of the target responds, and that it accepts what is to be written.
async fn check_access(job: &UndoJob<'_>, held: &Snapshot, plan: &Plan) {
    let target = job.target();
    let (faults, probe) = join!(target.find_endpoint_faults(), target.probe_write());
    let finding = check_target(target.name(), Ok(held), target.access_hint());
    job.add_finding(add_endpoint_faults(finding, &faults));
    if !plan.changes().is_empty() {
        let writable = check_undo_writable(&probe, target.untried_writes(), plan);
        job.add_finding(permit_unprobed_store(writable, job.args.skip_store_probe));
    }
}

/// Checks that what is restored finds room; deletions need none.
async fn check_space(target: &dyn Target, plan: &Plan) -> Result<(), StoreError> {
    let mut changes = plan.changes();
    changes.retain(|change| change.value().is_some());
    match changes.is_empty() {
        true => Ok(()),
        false => target.check_space(&changes).await,
    }
}

/// Returns the keys of the report and of the backup, so that the target is asked for each by name: a listing alone
/// is no proof that a key is gone.
fn list_keys_by_name(run: &RecordedWrites, before: &Snapshot) -> Snapshot {
    let unread = || {
        let version = Version(0);
        Entry::Intact(Value { version, bytes: Default::default() }, CasToken::Version(version))
    };
    let mut keys: Snapshot = run.keys().map(|key| (key.clone(), unread())).collect();
    keys.extend(before.iter().map(|(key, entry)| (key.clone(), entry.clone())));
    keys
}

/// Probes conditional writes on a scratch object, after all other checks have succeeded.
///
/// # Errors
/// The refusal of a store that does not honour them.
pub(super) async fn check_store(job: &UndoJob<'_>) -> Result<(), Failure> {
    let target = job.target();
    let writes = !job.state.plan().changes().is_empty();
    if target.guarantees_conditional_writes() || !writes {
        return Ok(());
    }
    let reason = match (job.args.skip_store_probe, job.args.dry_run) {
        (true, _) => Some("--skip-store-probe: it is not known whether conditional writes work"),
        (_, true) => Some("a dry run writes nothing; the real run probes conditional writes first"),
        _ => None,
    };
    job.add_finding(match reason {
        Some(reason) => Finding::skipped(Check::StoreProbe, reason),
        None => check_store_probe(&target.probe_conditional_writes().await),
    });
    refusal(&job.state.findings()).map_or(Ok(()), Err)
}
