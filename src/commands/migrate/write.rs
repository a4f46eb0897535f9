//! After the checks: the writes, and the proof that they arrived and the source stood still.

use tokio::join;

use super::MigrateArgs;
use super::gather::{migration_mode, nodes_of};
use super::record::Record;
use crate::apply;
use crate::backends::Target;
use crate::backends::cluster::Cluster;
use crate::commands::Context;
use crate::model::Snapshot;
use crate::outcome::{Code, Failure};
use crate::plan::Action;
use crate::preflight::Status;
use crate::snapshot;
use crate::verify::{Verdict, compare};
use crate::watch::Stage;

/// Carries the plan out.
pub(super) async fn carry_out(
    target: &dyn Target,
    context: &Context<'_>,
    record: &Record,
) -> Result<(), Failure> {
    let plan = record.plan();
    let written = apply::carry_out(&plan, target, record, context.watch).await;
    written.map_err(|error| {
        let mut failure = Failure::of_target(&error);
        let planned = plan.steps.len() - plan.count(Action::Skip);
        failure.message = format!(
            "{}; {} of {planned} key(s) are known to be written",
            failure.message,
            record.written_count()
        );
        failure
    })
}

/// Reads the target back and the source again: each key must be there, equal, and unchanged.
pub(super) async fn read_back(
    before: &Snapshot,
    source: &Cluster,
    target: &dyn Target,
    args: &MigrateArgs,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let (target_now, source_now) = join!(
        snapshot::read(target, Stage::ReadBack, context.watch),
        snapshot::read(source, Stage::ReadSourceAgain, context.watch),
    );
    let unread = |failure: Failure| {
        let reason = format!("all keys are written, but could not be verified: {failure}");
        Failure { message: reason, ..failure }
    };
    let target_now = target_now.map_err(|error| unread(Failure::of_target(&error)))?;
    let source_now = source_now.map_err(|error| unread(Failure::of_source(&error)))?;
    faults(&compare(before, &target_now)).map_or(Ok(()), |keys| {
        let reason = format!("the target does not hold what was written to it: {keys}");
        Err(Failure::new(Code::VerificationFailed, reason).hint(
            "another writer is at work on the target: stop it, then run again with --resume --force",
        ))
    })?;
    if let Some(keys) = faults(&compare(before, &source_now)) {
        let reason = format!("the source changed while it was copied: {keys}");
        return Err(Failure::new(Code::SourceChanged, reason).hint(
            "make sure that nobody uses the admin API, then run again with --resume --force",
        ));
    }
    still_at_rest(&source_now, source, args).await
}

/// A node that was restarted without the flag meanwhile may be writing already.
async fn still_at_rest(
    now: &Snapshot,
    source: &Cluster,
    args: &MigrateArgs,
) -> Result<(), Failure> {
    let Some(nodes) = nodes_of(now) else { return Ok(()) };
    let finding = migration_mode(args, &nodes, source).await;
    match (finding.status, finding.code) {
        (Status::Failed, Some(code)) => {
            let reason =
                format!("the cluster left migration mode while it was copied: {}", finding.text());
            Err(finding.hints.into_iter().fold(Failure::new(code, reason), Failure::hint))
        }
        _ => Ok(()),
    }
}

fn faults(verdict: &Verdict) -> Option<String> {
    let faults: Vec<_> =
        verdict.faults(false).map(|row| format!("{} is {}", row.key, row.status.name())).collect();
    (!faults.is_empty()).then(|| faults.join(", "))
}
