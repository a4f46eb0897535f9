//! The progress of an undo, kept so that it can be reported however it ends.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::commands::Unfinished;
use crate::commands::write_record::{record_begun, record_not_written, record_written};
use crate::model::{Change, Key, Plan, Step, WriteState};
use crate::outcome::{
    Code, CommandResult, Failure, Finding, Outcome, StoreName, Undo, UndoOutcome, exit,
};
use crate::pipeline::apply::Journal;
use crate::wording::plural;

/// The hint of an undo that may have written.
pub(super) const AGAIN_HINT: &str = "run the same command again: it goes on from what is left";

/// The findings, plan and writes so far; shared by the run and by what ends it.
pub(super) struct UndoState {
    started: Instant,
    undo: Mutex<Undo>,
    /// The keys that an earlier write of this run has changed, or may have.
    changed_before: Mutex<BTreeSet<Key>>,
}

impl UndoState {
    /// Starts an undo of the run with this report.
    pub(super) fn new(started: Instant, report: String) -> Self {
        let undo = Mutex::new(Undo { report, ..Undo::default() });
        UndoState { started, undo, changed_before: Mutex::default() }
    }

    fn undo(&self) -> MutexGuard<'_, Undo> {
        self.undo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed_before(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.changed_before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_target(&self, target: StoreName) {
        self.undo().target = Some(target);
    }

    pub(super) fn add_finding(&self, finding: Finding) {
        self.undo().checks.push(finding);
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.undo().checks.clone()
    }

    pub(super) fn set_plan(&self, plan: Plan) {
        self.undo().plan = plan;
    }

    pub(super) fn plan(&self) -> Plan {
        self.undo().plan.clone()
    }

    pub(super) fn set_backup(&self, path: PathBuf) {
        self.undo().backup = Some(path);
    }

    /// Records the report of an earlier run by which there is more to take back.
    pub(super) fn set_kept_report(&self, path: Option<PathBuf>) {
        self.undo().kept_report = path;
    }

    pub(super) fn set_outcome(&self, outcome: UndoOutcome) {
        self.undo().outcome = outcome;
    }

    pub(super) fn has_begun_writing(&self) -> bool {
        self.undo().may_have_written()
    }

    /// Returns the steps whose write may or may not have been carried out.
    pub(super) fn unconfirmed_steps(&self) -> Vec<Step> {
        let undo = self.undo();
        let is_unknown = |step: &&Step| undo.write_state(step) == WriteState::Unknown;
        undo.plan.steps.iter().filter(is_unknown).cloned().collect()
    }

    /// Records that the target was read and holds this key as planned.
    pub(super) fn confirm_write(&self, key: &Key) {
        self.undo().writes.insert(key.clone(), WriteState::Written);
    }

    /// Describes how many keys are taken back.
    pub(super) fn describe_writes(&self) -> String {
        let undo = self.undo();
        let count = |state| undo.keys_in_state(state).count();
        let (written, unknown) = (count(WriteState::Written), count(WriteState::Unknown));
        let all = plural(written + unknown + count(WriteState::NotWritten), "key");
        let others = if unknown > 0 { format!(", {unknown} unconfirmed") } else { String::new() };
        format!("{written} of {all} taken back{others}")
    }

    /// Records that a signal has ended the run, and adds to its failure what is known of the writes.
    pub(super) fn describe_interruption(&self, failure: Failure) -> Failure {
        self.set_outcome(UndoOutcome::Interrupted);
        let writes = match self.has_begun_writing() {
            true => self.describe_writes(),
            false => "nothing was written".to_owned(),
        };
        Failure { message: format!("{}; {writes}", failure.message), ..failure }
    }

    /// Returns the outcome of the run.
    pub(super) fn outcome(&self, failure: Option<Failure>) -> Outcome {
        let mut undo = self.undo().clone();
        undo.elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failure = failure.map(|failure| fail_after_writing(failure, &mut undo));
        Outcome { result: Some(CommandResult::Undo(Box::new(undo))), failure }
    }
}

/// Gives a run that failed after its first write the exit code for that, unless the final comparison or a signal
/// has one of its own.
fn fail_after_writing(failure: Failure, undo: &mut Undo) -> Failure {
    if undo.outcome == UndoOutcome::Interrupted {
        return failure;
    }
    let may_have_written = undo.may_have_written();
    undo.outcome = if may_have_written { UndoOutcome::Failed } else { UndoOutcome::Refused };
    match may_have_written && failure.exit != exit::DIFFERENT {
        true => failure.after_writing(),
        false => failure,
    }
}

impl Unfinished for UndoState {
    fn outcome_so_far(&self, failure: Failure) -> Outcome {
        let failure = match failure.code {
            Code::Interrupted => self.describe_interruption(failure),
            _ => failure,
        };
        self.outcome(Some(match self.has_begun_writing() {
            true => failure.hint(AGAIN_HINT),
            false => failure,
        }))
    }
}

impl Journal for UndoState {
    fn begin_writes(&self, changes: &[Change]) {
        let again = record_begun(changes, &mut self.undo().writes);
        self.changed_before().extend(again);
    }

    fn add_written(&self, changes: &[Change]) {
        let Undo { plan, writes, .. } = &mut *self.undo();
        record_written(changes, plan, writes);
    }

    fn add_not_written(&self, changes: &[Change]) {
        record_not_written(changes, &self.changed_before(), &mut self.undo().writes);
    }
}
