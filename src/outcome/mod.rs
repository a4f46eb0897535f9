//! The end of a command: its result, or its failure with the codes that runbooks are
//! written against. They are listed in `docs/exit-codes.md`.

mod description;
mod failure;
mod finding;
mod status;
mod store_name;
mod undo;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{
    Action, Comparison, DocumentChange, Entry, Key, MemberCount, MetadataFinding, ObservedNode,
    Plan, RecordedWrite, RecordedWrites, SavedFile, Step, Version, WriteState,
};
pub use description::{
    DescribedDeployment, DescribedLog, DescribedNode, DescribedPartition, DescribedRule,
    DescribedSegment, DescribedService, DescribedSubscription, Description, DescriptionPart,
    DescriptionResult,
};
pub use failure::{Code, Failure, exit};
pub use finding::{Check, CheckStatus, Finding, Permission, Readiness, judge_readiness};
pub use status::{
    PartitionsStatus, StatusKind, StatusNode, StatusResult, StoreAnswer, StoreVerdict,
};
pub use store_name::StoreName;
pub use undo::{Undo, UndoOutcome, undo_action_name};

/// The end of a command.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The result, as far as the command came.
    pub result: Option<CommandResult>,
    /// The failure, if any.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Creates the outcome of a command that succeeded.
    pub fn done(result: CommandResult) -> Self {
        Outcome { result: Some(result), failure: None }
    }

    /// Returns the work that is done, if the command has changed or made anything.
    pub fn describe_completed_work(&self) -> Option<&'static str> {
        match &self.result {
            Some(CommandResult::Migrate(migration)) => {
                (migration.outcome == MigrationOutcome::Migrated).then_some("the migration")
            }
            Some(CommandResult::Edit(edit)) => {
                (edit.write_state == WriteState::Written).then_some("the edit")
            }
            Some(CommandResult::Backup(_)) => Some("the backup"),
            Some(CommandResult::Undo(undo)) => {
                (undo.outcome == UndoOutcome::Undone).then_some("the undo")
            }
            _ => None,
        }
    }

    /// Returns whether the document has all that the report of an earlier run lists as written.
    pub fn continues_earlier_report(&self) -> bool {
        matches!(&self.result, Some(CommandResult::Migrate(migration)) if migration.continues_earlier)
    }

    /// Returns the exit code.
    pub fn exit(&self) -> u8 {
        self.failure.as_ref().map_or(exit::DONE, |failure| failure.exit)
    }
}

/// The result of each command.
#[derive(Debug)]
pub enum CommandResult {
    /// `metadata list`.
    List(ListResult),
    /// `metadata get`.
    Get(FetchedValue),
    /// `metadata get --raw`, and shell completions: bytes as they are.
    Bytes(Vec<u8>),
    /// `metadata backup`.
    Backup(BackupResult),
    /// `metadata check`.
    Check(CheckResult),
    /// `metadata describe`.
    Describe(Box<DescriptionResult>),
    /// `metadata verify`.
    Verify(VerifyResult),
    /// `metadata patch` and `metadata put`.
    Edit(Box<EditResult>),
    /// `metadata migrate`.
    Migrate(Box<Migration>),
    /// `status`, `nodes list` and `wait`.
    Status(Box<StatusResult>),
    /// `metadata undo`.
    Undo(Box<Undo>),
}

/// `metadata list`.
#[derive(Debug)]
pub struct ListResult {
    /// The store.
    pub store: StoreName,
    /// Name and fingerprint, where `nodes_config` is there and says them.
    pub cluster: Option<(String, Option<u64>)>,
    /// The keys in their order.
    pub rows: Vec<ListedKey>,
    /// The number of keys not owned by Restate; `None` if the store can't tell.
    pub foreign: Option<u64>,
    /// `false` if the store may have more keys than are listed.
    pub complete: bool,
    /// Warnings, each about a damaged key.
    pub warnings: Vec<String>,
}

/// One key of `metadata list`.
#[derive(Debug)]
pub struct ListedKey {
    /// The key.
    pub key: Key,
    /// The stored entry.
    pub entry: Entry,
    /// The name of the value's codec; `None` if the entry is damaged.
    pub encoding: Option<&'static str>,
}

/// `metadata get`.
#[derive(Debug)]
pub struct FetchedValue {
    /// The key.
    pub key: Key,
    /// The version beside the value.
    pub version: Version,
    /// The name of its codec.
    pub encoding: &'static str,
    /// The decoded value.
    pub value: serde_json::Value,
    /// A warning about the value.
    pub warning: Option<String>,
}

/// `metadata backup`.
#[derive(Debug)]
pub struct BackupResult {
    /// The store that was saved.
    pub store: StoreName,
    /// The file.
    pub saved: SavedFile,
    /// `false` if the store may have more keys than are saved.
    pub complete: bool,
    /// Warnings, each about a damaged key.
    pub warnings: Vec<String>,
}

/// `metadata check`.
#[derive(Debug)]
pub struct CheckResult {
    /// The store.
    pub store: StoreName,
    /// Name and fingerprint, where `nodes_config` is there and says them.
    pub cluster: Option<(String, Option<u64>)>,
    /// The number of keys.
    pub keys: usize,
    /// The findings, as many of each class as are named.
    pub findings: Vec<MetadataFinding>,
    /// The number of errors.
    pub errors: usize,
    /// The number of warnings.
    pub warnings: usize,
    /// Why the store may have more keys than were checked.
    pub incomplete: Option<String>,
}

/// `metadata verify`.
#[derive(Debug)]
pub struct VerifyResult {
    /// The source.
    pub source: StoreName,
    /// The target.
    pub target: StoreName,
    /// Key by key.
    pub comparison: Comparison,
    /// `true` if nothing differs but what is permitted to.
    pub equal: bool,
    /// The differences inside the values of each key that has some, if they were asked for.
    pub changes: Option<BTreeMap<Key, Vec<DocumentChange>>>,
    /// A warning although both are equal.
    pub warning: Option<&'static str>,
}

/// `metadata patch` and `metadata put`, as far as they came.
#[derive(Clone, Debug, Default)]
pub struct EditResult {
    /// The store, once it is open.
    pub store: Option<StoreName>,
    /// The key.
    pub key: String,
    /// The version that was read; `None` for a key that is absent.
    pub old_version: Option<Version>,
    /// The version of the new value.
    pub version: Option<Version>,
    /// The new value, decoded.
    pub value: Option<serde_json::Value>,
    /// The difference, for people.
    pub diff: String,
    /// The backup file of the old value.
    pub backup: Option<PathBuf>,
    /// `true` for a dry run.
    pub dry_run: bool,
    /// Whether the new value is in the store.
    pub write_state: WriteState,
}

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
        for step in &self.plan.steps {
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
