//! The result of `metadata migrate`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::finding::Finding;
use super::store_name::StoreName;
use crate::model::{
    Action, Key, MemberCount, ObservedNode, Plan, RecordedWrite, RecordedWrites, Step, WriteState,
};

/// The end that a migration came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationOutcome {
    /// All is written and verified.
    Migrated,
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

/// `metadata migrate`, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Migration {
    /// The end that it came to.
    pub outcome: MigrationOutcome,
    /// The source, once it is open.
    pub source: Option<StoreName>,
    /// The target, once it is open.
    pub target: Option<StoreName>,
    /// Every check that was made.
    pub checks: Vec<Finding>,
    /// The nodes of the source, or of the target in a roll-back, as they were observed.
    pub nodes: Vec<ObservedNode>,
    /// The members of the replicated store that is read or written, once they were counted.
    pub quorum: Option<MemberCount>,
    /// The answer to whether the real run would go through once every node is in migration mode; `None`
    /// where that is not known.
    pub ready: Option<bool>,
    /// The plan, once it was decided.
    pub plan: Plan,
    /// Each key that this run has begun to write, or to delete, and what came of it. A key that is written
    /// is in the target, or gone from it, as planned.
    pub writes: BTreeMap<Key, WriteState>,
    /// What earlier runs to this target, or earlier rounds of this one, did to the keys.
    pub earlier: RecordedWrites,
    /// `true` if those have all that the report of an earlier run lists as written.
    pub continues_earlier: bool,
    /// The backup file of what the target held before.
    pub backup: Option<PathBuf>,
    /// The backup file of the source as it was copied.
    pub source_backup: Option<PathBuf>,
    /// The digest of that file, if this run wrote it, or the one that it resumes.
    pub source_backup_sha256: Option<String>,
    /// `true` if target and source were read again and compared equal.
    pub verified: bool,
    /// `true` if an earlier run had done all of it.
    pub already_done: bool,
    /// Milliseconds since the start.
    pub elapsed_ms: u64,
    /// The next steps for the operator, one text a step.
    pub next_steps: Vec<String>,
}

impl Migration {
    /// Returns whether anything may have been written.
    pub fn may_have_written(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Returns whether the target may have been changed: a write that was certainly refused did not.
    pub fn may_have_changed_target(&self) -> bool {
        let is_refused = |state: &WriteState| *state == WriteState::NotWritten;
        !self.earlier.is_empty() || !self.writes.values().all(is_refused)
    }

    /// Records what was written so far, before another plan takes the place of this one.
    pub fn record_writes(&mut self) {
        if self.may_have_written() {
            let mut recorded = self.recorded_writes();
            recorded.retain(|_, write| write.may_be_done());
            self.earlier = recorded;
        }
    }

    /// Returns every key of the plan and of the runs before, with all that was done to it.
    pub fn recorded_writes(&self) -> RecordedWrites {
        let mut recorded = self.earlier.clone();
        for step in self.plan.steps.iter() {
            let own = RecordedWrite::from_step(step, self.write_state(step));
            let combined = match recorded.remove(&step.key) {
                Some(earlier) => earlier.followed_by(own),
                None => own,
            };
            recorded.insert(step.key.clone(), combined);
        }
        recorded
    }

    /// Returns what came of one step of the plan.
    pub fn write_state(&self, step: &Step) -> WriteState {
        match step.action {
            Action::Skip | Action::Conflict => WriteState::NotWritten,
            Action::Create | Action::Overwrite | Action::Delete => {
                self.writes.get(&step.key).copied().unwrap_or_default()
            }
        }
    }

    /// Returns the keys of all steps that are to be written, and have ended so.
    pub fn keys_in_state(&self, state: WriteState) -> impl Iterator<Item = &Key> {
        let is_written = |step: &&Step| !matches!(step.action, Action::Skip | Action::Conflict);
        let steps = self.plan.steps.iter().filter(is_written);
        steps.filter(move |step| self.write_state(step) == state).map(|step| &step.key)
    }
}
