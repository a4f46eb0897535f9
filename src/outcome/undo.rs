//! The result of `metadata undo`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::finding::Finding;
use super::store_name::StoreName;
use crate::model::{Action, Key, Plan, Step, WriteState};

/// The end that an undo came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UndoOutcome {
    /// Nothing of what the run wrote is left.
    Undone,
    /// A dry run came to its end.
    Planned,
    /// Nothing was written.
    #[default]
    Refused,
    /// Something was written.
    Failed,
    /// A signal ended it.
    Interrupted,
}

impl UndoOutcome {
    /// Returns the name in documents.
    pub fn name(self) -> &'static str {
        match self {
            UndoOutcome::Undone => "undone",
            UndoOutcome::Planned => "planned",
            UndoOutcome::Refused => "refused",
            UndoOutcome::Failed => "failed",
            UndoOutcome::Interrupted => "interrupted",
        }
    }
}

/// `metadata undo`, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Undo {
    /// The end that it came to.
    pub outcome: UndoOutcome,
    /// The target, once it is open.
    pub target: Option<StoreName>,
    /// The report of the run that is taken back.
    pub report: String,
    /// Every check that was made.
    pub checks: Vec<Finding>,
    /// The plan, once it was decided: a value that is restored is the source of its step.
    pub plan: Plan,
    /// Each key that was begun to be deleted or restored, and what came of it.
    pub writes: BTreeMap<Key, WriteState>,
    /// The backup file of what the target held before.
    pub backup: Option<PathBuf>,
    /// The report of an earlier run by which there is more to take back from the target.
    pub kept_report: Option<PathBuf>,
    /// Milliseconds since the start.
    pub elapsed_ms: u64,
}

impl Undo {
    /// Returns what came of one step.
    pub fn write_state(&self, step: &Step) -> WriteState {
        self.writes.get(&step.key).copied().unwrap_or_default()
    }

    /// Returns whether anything may have been written.
    pub fn may_have_written(&self) -> bool {
        self.writes.values().any(|state| *state != WriteState::NotWritten)
    }

    /// Returns the keys that are to be deleted or restored, and whose write ended so.
    pub fn keys_in_state(&self, state: WriteState) -> impl Iterator<Item = &Key> {
        let is_written = |step: &&Step| !matches!(step.action, Action::Skip | Action::Conflict);
        let steps = self.plan.steps.iter().filter(is_written);
        steps.filter(move |step| self.write_state(step) == state).map(|step| &step.key)
    }

    /// Returns the keys whose action has this name in documents; of those that are kept, the ones that are there.
    pub fn keys_with_action(&self, name: &str) -> impl Iterator<Item = &Key> {
        let is_shown = |step: &&Step| step.action != Action::Skip || step.target.is_some();
        let steps = self.plan.steps.iter().filter(is_shown);
        steps.filter(move |step| undo_action_name(step.action) == name).map(|step| &step.key)
    }
}

/// Returns the name of an action of an undo in documents.
pub fn undo_action_name(action: Action) -> &'static str {
    match action {
        Action::Create | Action::Overwrite => "restore",
        Action::Delete => "delete",
        Action::Skip => "keep",
        Action::Conflict => "conflict",
    }
}
