//! The progress of a migration, kept so that it can be reported however the run ends.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::prior_report::PriorReport;
use crate::commands::Unfinished;
use crate::commands::run_report::RunReport;
use crate::commands::write_record::{record_begun, record_not_written, record_written};
use crate::model::{
    Change, Key, MemberCount, ObservedNode, Plan, RecordedWrites, Step, WriteState,
};
use crate::outcome::{
    Code, CommandResult, Failure, Finding, Migration, MigrationOutcome, Outcome, StoreName, exit,
    judge_readiness,
};
use crate::pipeline::apply::Journal;
use crate::wording::plural;

/// The findings, plan and writes so far; shared by the run and by what ends it.
pub(super) struct MigrationState {
    started: Instant,
    state: Mutex<Migration>,
    /// The keys that an earlier write of this run has changed, or may have.
    changed_before: Mutex<BTreeSet<Key>>,
    /// The report of a run before this one, as long as this one continues it.
    prior_report: Mutex<Option<PriorReport>>,
    /// How to resume the run, for an end that the run itself can't describe.
    resume_hints: Mutex<Vec<String>>,
    /// `true` once the run replaces what it has written itself: the source has changed.
    is_catching_up: AtomicBool,
}

impl MigrationState {
    pub(super) fn new(started: Instant) -> Self {
        MigrationState {
            started,
            state: Mutex::default(),
            changed_before: Mutex::default(),
            prior_report: Mutex::default(),
            resume_hints: Mutex::default(),
            is_catching_up: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, Migration> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed_before(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.changed_before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the report of the run before.
    pub(super) fn prior_report(&self) -> MutexGuard<'_, Option<PriorReport>> {
        self.prior_report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Continues the report of a run before this one: what that run did to keys stays in it.
    pub(super) fn continue_report(&self, prior: RunReport) {
        *self.prior_report() = Some(PriorReport::new(prior));
    }

    /// Adds what an interrupted run is known to have written.
    pub(super) fn add_earlier_writes(&self, writes: RecordedWrites) {
        self.state().earlier = writes;
    }

    /// Returns the documented state of the migration, with what the run before did. `is_writing` tells whether
    /// this run may have written.
    fn describe(&self, is_writing: bool) -> Migration {
        let mut migration = self.state().clone();
        if let Some(prior) = &*self.prior_report() {
            prior.add_to(&mut migration, is_writing);
        }
        migration.elapsed_ms =
            u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        migration
    }

    pub(super) fn set_source(&self, name: StoreName) {
        self.state().source = Some(name);
    }

    /// Returns the name of the source, once it is open.
    pub(super) fn source_name(&self) -> Option<String> {
        self.state().source.as_ref().map(|source| source.name.clone())
    }

    pub(super) fn set_target(&self, name: StoreName) {
        self.state().target = Some(name);
    }

    pub(super) fn set_nodes(&self, nodes: Vec<ObservedNode>) {
        self.state().nodes = nodes;
    }

    pub(super) fn set_quorum(&self, count: MemberCount) {
        self.state().quorum = Some(count);
    }

    /// Records that the real run would not go through, for a reason that is no check's.
    pub(super) fn set_not_ready(&self) {
        self.state().ready = Some(false);
    }

    /// Records, once every check is made, whether the real run would go through.
    pub(super) fn set_readiness(&self) {
        let mut state = self.state();
        state.ready = judge_readiness(&state.checks);
    }

    pub(super) fn add_finding(&self, finding: Finding) {
        self.state().checks.push(finding);
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.state().checks.clone()
    }

    pub(super) fn set_plan(&self, plan: Plan) {
        let mut state = self.state();
        state.record_writes();
        state.plan = plan;
    }

    pub(super) fn plan(&self) -> Plan {
        self.state().plan.clone()
    }

    /// Records that the run begins to replace what it has written itself.
    pub(super) fn set_catching_up(&self) {
        self.is_catching_up.store(true, Ordering::Relaxed);
    }

    /// Returns whether the target may mix what the run has written at different times.
    pub(super) fn is_catching_up(&self) -> bool {
        self.is_catching_up.load(Ordering::Relaxed)
    }

    /// Records how to resume the run, before its first write.
    pub(super) fn set_resume_hints(&self, hints: Vec<String>) {
        *self.resume_hints.lock().unwrap_or_else(PoisonError::into_inner) = hints;
    }

    pub(super) fn set_backup(&self, path: PathBuf) {
        self.state().backup = Some(path);
    }

    /// Records where the source is saved, with the digest of the file if it is this run's own.
    pub(super) fn set_source_backup(&self, path: PathBuf, digest: Option<String>) {
        let mut state = self.state();
        (state.source_backup, state.source_backup_sha256) = (Some(path), digest);
    }

    /// Returns the digest of the file with the source, if this run wrote it.
    pub(super) fn source_digest(&self) -> Option<String> {
        self.state().source_backup_sha256.clone()
    }

    /// Returns the file with the source as it was copied.
    pub(super) fn source_backup_path(&self) -> Option<PathBuf> {
        self.state().source_backup.clone()
    }

    /// Returns the file with what the target held before.
    pub(super) fn backup_path(&self) -> Option<PathBuf> {
        self.state().backup.clone()
    }

    /// Adds a plan that a later round carries out.
    pub(super) fn merge_plan(&self, later: Plan) {
        let mut state = self.state();
        state.record_writes();
        // What was written is recorded; of what is still to be written, nothing is yet.
        for change in later.changes() {
            if let Some(write) = state.writes.get_mut(&change.key) {
                *write = WriteState::NotWritten;
            }
        }
        state.plan.merge_later(later);
    }

    pub(super) fn set_outcome(&self, outcome: MigrationOutcome) {
        self.state().outcome = outcome;
    }

    pub(super) fn has_begun_writing(&self) -> bool {
        self.state().may_have_written()
    }

    /// Returns the number of keys whose write ended so.
    pub(super) fn count_writes(&self, wanted: WriteState) -> usize {
        self.state().keys_in_state(wanted).count()
    }

    /// Returns the steps whose write may or may not have been carried out.
    pub(super) fn unconfirmed_steps(&self) -> Vec<Step> {
        let state = self.state();
        let is_unknown = |step: &&Step| state.write_state(step) == WriteState::Unknown;
        state.plan.steps.iter().filter(is_unknown).cloned().collect()
    }

    /// Records that the target was read and holds this key as planned.
    pub(super) fn confirm_write(&self, key: &Key) {
        self.state().writes.insert(key.clone(), WriteState::Written);
    }

    /// Records that everything has been written, read back and compared.
    pub(super) fn set_migrated(&self, next_steps: Vec<String>) {
        let mut state = self.state();
        state.outcome = MigrationOutcome::Migrated;
        state.verified = true;
        state.next_steps = next_steps;
    }

    /// Records that there was nothing to do.
    pub(super) fn set_already_done(&self) {
        self.state().already_done = true;
    }

    /// Returns the outcome of a run that is killed while it carries out this plan: each key of it may be
    /// written or not.
    pub(super) fn outcome_if_killed(&self, plan: &Plan, failure: Failure) -> Outcome {
        let mut migration = self.describe(true);
        migration.outcome = MigrationOutcome::Interrupted;
        let changes = plan.changes().into_iter();
        migration.writes.extend(changes.map(|change| (change.key, WriteState::Unknown)));
        Outcome {
            result: Some(CommandResult::Migrate(Box::new(migration))),
            failure: Some(failure),
        }
    }

    /// Records that a signal has ended the run, and adds to its failure what is known of the writes.
    pub(super) fn describe_interruption(&self, failure: Failure) -> Failure {
        self.set_outcome(MigrationOutcome::Interrupted);
        let written = self.count_writes(WriteState::Written);
        let writes = match self.has_begun_writing() {
            true => format!("{} written, others unconfirmed", plural(written, "key")),
            false => "nothing was written".to_owned(),
        };
        Failure { message: format!("{}; {writes}", failure.message), ..failure }
    }

    /// Returns the outcome of the run.
    pub(super) fn outcome(&self, failure: Option<Failure>) -> Outcome {
        let has_changed_target = self.state().may_have_changed_target();
        let mut migration = self.describe(has_changed_target);
        let failure = failure.map(|failure| fail_after_writing(failure, &mut migration));
        Outcome { result: Some(CommandResult::Migrate(Box::new(migration))), failure }
    }
}

/// Gives a run that failed after its first write the exit code for that, unless the final comparison
/// or a signal has one of its own.
fn fail_after_writing(failure: Failure, migration: &mut Migration) -> Failure {
    if migration.outcome == MigrationOutcome::Interrupted {
        return failure;
    }
    migration.outcome = if migration.may_have_written() {
        MigrationOutcome::Failed
    } else {
        MigrationOutcome::Refused
    };
    if migration.may_have_written() && failure.exit != exit::DIFFERENT {
        failure.after_writing()
    } else {
        failure
    }
}

impl Unfinished for MigrationState {
    fn outcome_so_far(&self, failure: Failure) -> Outcome {
        let mut failure = match failure.code {
            Code::Interrupted => self.describe_interruption(failure),
            _ => failure,
        };
        if self.has_begun_writing() {
            let hints = self.resume_hints.lock().unwrap_or_else(PoisonError::into_inner);
            failure.hints.extend(hints.iter().cloned());
        }
        self.outcome(Some(failure))
    }
}

impl Journal for MigrationState {
    fn begin_writes(&self, changes: &[Change]) {
        let again = record_begun(changes, &mut self.state().writes);
        self.changed_before().extend(again);
    }

    fn add_written(&self, changes: &[Change]) {
        let Migration { plan, writes, .. } = &mut *self.state();
        record_written(changes, plan, writes);
    }

    fn add_not_written(&self, changes: &[Change]) {
        record_not_written(changes, &self.changed_before(), &mut self.state().writes);
    }
}
