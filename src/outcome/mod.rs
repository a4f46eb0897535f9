//! The end of a command: its result, or its failure with the codes that runbooks are
//! written against. They are listed in `docs/exit-codes.md`.

mod description;
mod failure;
mod finding;
mod known_fields;
mod migration;
mod status;
mod store_name;
mod undo;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{
    Comparison, DocumentChange, Entry, Key, MetadataFinding, SavedFile, Version, WriteState,
};
pub use description::{
    DescribedDeployment, DescribedLog, DescribedNode, DescribedPartition, DescribedRule,
    DescribedSegment, DescribedService, DescribedSubscription, Description, DescriptionPart,
    DescriptionResult,
};
pub use failure::{Code, Failure, exit};
pub use finding::{Check, CheckStatus, Finding, Permission, Readiness, judge_readiness};
pub use known_fields::KnownFields;
pub use migration::{Migration, MigrationOutcome};
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
    /// A command that only reads, and failed before it had its result.
    Known(Box<KnownFields>),
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
