//! `metadata migrate`, as a line: open, read, observe, check, confirm, write, verify, next steps.

mod args;
mod checks;
mod command_lines;
mod confirm_overwrite;
mod environment;
mod finished_rollback;
mod interrupted;
mod job;
mod live_nodes;
mod next_steps;
mod observations;
mod open;
mod prepared;
mod prior_report;
mod prior_run;
mod report_start;
mod rollback;
mod sides;
mod source_backup;
mod state;
mod target_state;
mod verify_copy;
mod write;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::join;
use tokio::task::yield_now;

use crate::commands::Context;
use crate::commands::open_store::OpenSource;
use crate::commands::store_arg::StoreArg;
use crate::events::Event;
use crate::model::{Key, Plan, Quorum, StoreError};
use crate::outcome::{Check, Code, Failure, Finding, MigrationOutcome, Outcome, Readiness};
use crate::pipeline::checks::{check_environment, check_store_probe, check_tls, refusal};
use crate::pipeline::plan::{self, OnExisting};
pub use args::MigrateArgs;
use checks::Desired;
use job::Job;
use observations::Observations;
use prepared::Prepared;
use report_start::{
    keep_report_of_another_target, settle_prior_report, take_up_later_report, take_up_report,
};
use sides::Sides;
use state::MigrationState;

/// Migrates, until it ends or a signal ends it.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(args: &MigrateArgs, context: &Context<'_>) -> Result<Outcome> {
    let state = Arc::new(MigrationState::new(context.started));
    context.unfinished.set(Arc::<MigrationState>::clone(&state));
    if let Err(failure) = take_up_report(context, &state) {
        return Ok(state.outcome(Some(failure)));
    }
    let opened = tokio::select! {
        opened = open::open_stores(args, context) => opened,
        signal = context.interruption.wait() => Err(state.describe_interruption(signal.failure())),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(failure) => return Ok(state.outcome(Some(failure))),
    };
    let (target, target_file) = (&opened.target, &opened.target_file);
    let job = Job { args, context, state: &state, target, target_file };
    let ended = tokio::select! {
        ended = migrate(&job, opened.from) => ended,
        signal = context.interruption.wait() => {
            Err(interrupted::describe_interruption(signal, &job).await)
        }
    };
    Ok(state.outcome(ended.err()))
}

async fn migrate(job: &Job<'_>, from: Option<StoreArg>) -> Result<(), Failure> {
    keep_report_of_another_target(job)?;
    let (opened, sides) = sides::read_sides(from, job).await?;
    let desired = checks::decide_desired(&sides);
    // All at once: the first needs the processor, the others wait for responses.
    let (content, nodes, limit_violations) = join!(
        report_source_content(job, &sides),
        live_nodes::observe_sides(job, opened.as_ref(), &sides),
        find_limit_violations(job, &sides, &desired),
    );
    record_nodes(job, &sides, &nodes);
    let finished = finished_rollback::find_finished(&sides, &desired, &content);
    let held = sides.target.snapshot.as_ref().ok().and_then(|held| held.get(&Key::NodesConfig));
    if let Some(findings) = finished.filter(|_| !nodes.has_node_on_source(held)) {
        findings.into_iter().for_each(|finding| add_access_finding(job, finding));
        check_backup_destinations(job, &sides, None)?;
        check_last(job).await?;
        let prepared = prepare(opened, sides, desired, Observations::default())?;
        if !job.args.dry_run {
            source_backup::save_source(job, &prepared)?;
        }
        finished_rollback::end_finished(job, &prepared);
        return Ok(());
    }
    let of_nodes = checks::check_nodes_and_access(&sides, &desired, &nodes, job.args);
    of_nodes.into_iter().for_each(|finding| add_access_finding(job, finding));
    let observed = Observations {
        limit_violations,
        capacity: desired
            .as_ref()
            .ok()
            .and_then(|desired| job.target_store().describe_capacity(&desired.snapshot)),
        prior_backup: find_prior_backup(job, &sides, &desired),
    };
    let assessment = checks::check_both_sides(&sides, &desired, &observed, job.args);
    assessment.findings.into_iter().for_each(|finding| job.add_finding(finding));
    job.state.set_plan(assessment.plan.unwrap_or_default());
    let saved_before =
        observed.prior_backup.as_deref().filter(|_| sides.target.may_be_half_written());
    check_backup_destinations(job, &sides, saved_before)?;
    confirm_overwrite::confirm(job, &sides, saved_before).await?;
    check_last(job).await?;
    let prepared = prepare(opened, sides, desired, observed)?;
    if job.args.dry_run {
        job.state.set_outcome(MigrationOutcome::Planned);
        return Ok(());
    }
    write_and_verify(job, &prepared).await
}

/// Checks the source alone, and reports that before the nodes have responded, which can take a while.
///
/// The checks leave the processor to nobody, so they begin once those who wait for responses have sent their requests.
/// On a thread of their own they would cost memory: what it has freed, no other one uses again.
async fn report_source_content(job: &Job<'_>, sides: &Sides) -> Vec<Finding> {
    yield_now().await;
    let findings = checks::check_source_content(sides, job.args);
    findings.iter().cloned().for_each(|finding| job.add_finding(finding));
    findings
}

/// Adds a finding, and behind that of the target the one about this program's environment.
fn add_access_finding(job: &Job<'_>, finding: Finding) {
    let is_of_target = finding.check == Check::Target;
    job.add_finding(finding);
    if is_of_target {
        let overrides = environment::list_overrides(&job.target_file.section);
        check_environment(overrides).into_iter().for_each(|one| job.add_finding(one));
    }
}

/// Keeps what is known of the nodes and of the metadata servers as data.
fn record_nodes(job: &Job<'_>, sides: &Sides, nodes: &observations::NodeObservations) {
    let target = sides.target.nodes().unwrap_or_default();
    job.state.set_nodes(nodes.describe_nodes(&target.cluster_name));
    let quorum = sides.target.quorum.as_ref().or(sides.source.quorum.as_ref());
    if let Some(count) = quorum.and_then(Quorum::members) {
        job.state.set_quorum(count.clone());
    }
}

fn prepare(
    opened: Option<OpenSource>,
    sides: Sides,
    desired: Result<Desired, &'static str>,
    observed: Observations,
) -> Result<Prepared, Failure> {
    let missing = || Failure::new(Code::Internal, "a side is missing after its check succeeded");
    Prepared::from_parts(opened, sides, desired, observed).ok_or_else(missing)
}

async fn find_limit_violations(
    job: &Job<'_>,
    sides: &Sides,
    desired: &Result<Desired, &'static str>,
) -> observations::LimitViolations {
    let (Ok(desired), Ok(held), Ok(()) | Err(StoreError::Unconditional { .. })) =
        (desired, &sides.target.snapshot, &sides.target.write_probe)
    else {
        return None;
    };
    let (existing, unlisted) = (checks::on_existing(job.args), &sides.target.unlisted);
    let plan = plan::decide_sparing_plan(&desired.snapshot, held, existing, unlisted);
    Some(match job.target_store().find_limit_violations(&desired.snapshot).await {
        // Values that do not fit are named even where there is no room either.
        Ok(violations) if violations.is_empty() => {
            job.target_store().check_space(&plan.changes()).await.map(|()| violations)
        }
        found => found,
    })
}

fn find_prior_backup(
    job: &Job<'_>,
    sides: &Sides,
    desired: &Result<Desired, &'static str>,
) -> Option<std::path::PathBuf> {
    let (Ok(desired), Ok(held)) = (desired, &sides.target.snapshot) else { return None };
    if checks::on_existing(job.args) != OnExisting::ResumeAndOverwrite {
        return None;
    }
    let target = prior_run::TargetContent {
        store: &sides.target.name,
        entries: held,
        is_live: sides.target.is_live_cluster(),
    };
    prior_run::find_matching_backup(&job.args.backup_dir, &desired.snapshot, &target)
}

/// Checks that all that the run has to save could be saved: also in a dry run, and before the operator is asked.
///
/// # Errors
/// [`Code::BackupFailed`]: a real run would be refused as well.
fn check_backup_destinations(
    job: &Job<'_>,
    sides: &Sides,
    saved_before: Option<&Path>,
) -> Result<(), Failure> {
    write::check_backup_folder(job, saved_before)
        .and_then(|()| source_backup::check_file(job, sides))
        .inspect_err(|_| job.state.set_not_ready())
}

/// Makes the checks that come last: the probe that writes, and the warning about TLS.
///
/// # Errors
/// The refusal that the failed checks make together.
async fn check_last(job: &Job<'_>) -> Result<(), Failure> {
    if !job.target_store().guarantees_conditional_writes() {
        job.add_finding(probe_store(job).await);
    }
    if job.context.options.insecure_skip_tls_verify {
        job.add_finding(check_tls());
    }
    job.state.set_readiness();
    refusal(&job.state.findings()).map_or(Ok(()), Err)
}

/// Makes the only check that writes, if only a scratch object, after all others have succeeded.
async fn probe_store(job: &Job<'_>) -> Finding {
    let skipped = |reason| Finding::skipped(Check::StoreProbe, reason);
    if job.args.skip_store_probe {
        return skipped("--skip-store-probe: it is not known whether conditional writes work");
    }
    if job.args.dry_run && !job.args.store_probe {
        let finding = skipped(
            "a dry run writes nothing; the real run probes conditional writes first. Restate supports only \
             Amazon S3",
        );
        return finding.readiness(Readiness::Unknown);
    }
    if refusal(&job.state.findings()).is_some() {
        return skipped("other checks failed").readiness(Readiness::Unknown);
    }
    check_store_probe(&job.target_store().probe_conditional_writes().await)
}

fn refuse_without_report(failure: Failure) -> Failure {
    Failure { message: format!("nothing was written: {}", failure.message), ..failure }
}

/// Saves, before the first write, what the run is about to do and what it replaces.
async fn record_plan(job: &Job<'_>, prepared: &Prepared) -> Result<(), Failure> {
    let plan: Plan = job.state.plan();
    job.context.events.emit(Event::Planned(&plan));
    take_up_later_report(job).map_err(refuse_without_report)?;
    write::back_up_target(job, prepared).await?;
    source_backup::save_source(job, prepared)?;
    settle_prior_report(job, prepared, &plan).map_err(refuse_without_report)?;
    interrupted::save_interim_report(job, &plan).map_err(refuse_without_report)
}

async fn write_and_verify(job: &Job<'_>, prepared: &Prepared) -> Result<(), Failure> {
    let with_resume = |failure| interrupted::add_resume_hint(failure, job);
    record_plan(job, prepared).await?;
    if let Some(cluster) = job.target.cluster() {
        rollback::check_before_writing(job, prepared, cluster).await?;
    }
    write::write_plan(job, prepared).await.map_err(with_resume)?;
    let copied = verify_copy::verify_copy(job, prepared).await.map_err(with_resume)?;
    if let Some(cluster) = job.target.cluster() {
        rollback::put_nodes_config(job, prepared, cluster).await.map_err(with_resume)?;
    }
    job.state.set_migrated(next_steps::describe_next_steps(job, prepared, &copied));
    Ok(())
}
