//! A roll-back that is asked again after it has finished: nothing is written, and its next steps are
//! reported again.
//!
//! Its nodes need not be in migration mode any more: the servers stop one after the other once they see
//! what was put last.

use super::checks::{self, Desired};
use super::job::Job;
use super::next_steps::describe_next_steps;
use super::prepared::Prepared;
use super::sides::Sides;
use crate::model::Entry;
use crate::outcome::{Check, CheckStatus, Finding, MigrationOutcome};
use crate::pipeline::nodes_config_merge::RollbackState;
use crate::pipeline::plan::{self, OnExisting};
use crate::wording::plural;

/// Returns the findings about a live target to which the source was already rolled back; `None` if it was
/// not, or if one of the checks on it or in `content` failed.
pub(super) fn find_finished(
    sides: &Sides,
    desired: &Result<Desired, &'static str>,
    content: &[Finding],
) -> Option<Vec<Finding>> {
    let desired = desired.as_ref().ok().filter(|one| one.rollback == RollbackState::Done)?;
    let held = sides.target.snapshot.as_ref().ok()?;
    let keys = plural(held.values().filter_map(Entry::value).count(), "key");
    let [reached, _] = checks::check_target_access(&sides.target);
    let findings = vec![
        Finding::skipped(Check::MigrationMode, "see target-keys: nothing is to be written"),
        checks::check_quorum(sides, Some(desired)),
        reached,
        Finding::ok(
            Check::TargetKeys,
            format!(
                "already done: the target holds the source's {keys}, and nodes_config is the merge of both"
            ),
        ),
    ];
    let has_failed = |finding: &Finding| finding.status == CheckStatus::Failed;
    let is_sound = !content.iter().chain(&findings).any(has_failed);
    is_sound.then_some(findings)
}

/// Ends a run that has nothing to do.
pub(super) fn end_finished(job: &Job<'_>, prepared: &Prepared) {
    let (desired, held) = (&prepared.desired, &prepared.target_snapshot);
    job.state.set_plan(plan::decide_plan(desired, held, OnExisting::Resume));
    if job.args.dry_run {
        job.state.set_outcome(MigrationOutcome::Planned);
        return;
    }
    job.state.set_already_done();
    job.state.set_migrated(describe_next_steps(job, prepared, &prepared.source_snapshot));
}
