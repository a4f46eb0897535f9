//! How a command ended: what it found, and what went wrong, with the codes that runbooks are
//! written against. They are listed in `docs/exit-codes.md`.

mod failure;
mod finding;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use crate::model::{Comparison, Entry, Key, Plan, SavedFile, Version};
pub use failure::{Code, Failure, exit};
pub use finding::{Check, CheckStatus, Finding, Permission};

/// A store as documents name it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreName {
    /// As a `[metadata-client]` section calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Text without secrets.
    pub name: String,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a command ended with.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it found or did, as far as it came.
    pub result: Option<CommandResult>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// A command that did what it was asked for.
    pub fn done(result: CommandResult) -> Self {
        Outcome { result: Some(result), failure: None }
    }

    /// The exit code.
    pub fn exit(&self) -> u8 {
        self.failure.as_ref().map_or(exit::DONE, |failure| failure.exit)
    }
}

/// What each command tells.
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
    /// `metadata verify`.
    Verify(VerifyResult),
    /// `metadata patch` and `metadata put`.
    Edit(Box<EditResult>),
    /// `metadata migrate`.
    Migrate(Box<Migration>),
}

/// `metadata list`.
#[derive(Debug)]
pub struct ListResult {
    /// Where.
    pub store: StoreName,
    /// Name and fingerprint, where `nodes_config` is there and says them.
    pub cluster: Option<(String, Option<u64>)>,
    /// The keys in their order.
    pub rows: Vec<ListedKey>,
    /// The number of keys not owned by Restate; `None` if the store can't tell.
    pub foreign: Option<u64>,
    /// What is damaged, by key.
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
    /// Which key.
    pub key: Key,
    /// The version beside the value.
    pub version: Version,
    /// The name of its codec.
    pub encoding: &'static str,
    /// The decoded value.
    pub value: serde_json::Value,
    /// What is not as it should be.
    pub warning: Option<String>,
}

/// `metadata backup`.
#[derive(Debug)]
pub struct BackupResult {
    /// What was saved.
    pub store: StoreName,
    /// Where to.
    pub saved: SavedFile,
    /// What is damaged, by key.
    pub warnings: Vec<String>,
}

/// `metadata verify`.
#[derive(Debug)]
pub struct VerifyResult {
    /// What was compared.
    pub source: StoreName,
    /// And with what.
    pub target: StoreName,
    /// Key by key.
    pub verdict: Comparison,
    /// Whether all that differs is permitted to.
    pub equal: bool,
    /// What is to be thought of, although it is equal.
    pub warning: Option<&'static str>,
}

/// `metadata patch` and `metadata put`, as far as they came.
#[derive(Debug, Default)]
pub struct EditResult {
    /// Where, once it is open.
    pub store: Option<StoreName>,
    /// Which key.
    pub key: String,
    /// The version that was read; `None` for a key that is absent.
    pub old_version: Option<Version>,
    /// The version of the new value.
    pub version: Option<Version>,
    /// The new value, decoded.
    pub value: Option<serde_json::Value>,
    /// What changes, for people.
    pub diff: String,
    /// Where the old value was saved.
    pub backup: Option<PathBuf>,
    /// Whether it was only to be shown.
    pub dry_run: bool,
    /// Whether the new value is in the store.
    pub written: bool,
}

/// How far a migration came.
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
#[derive(Debug, Default)]
pub struct Migration {
    /// How far.
    pub progress: MigrationOutcome,
    /// From where, once it is open.
    pub source: Option<StoreName>,
    /// To where, once it is open.
    pub target: Option<StoreName>,
    /// Every check that was made.
    pub checks: Vec<Finding>,
    /// What was to be done, once it was decided.
    pub plan: Plan,
    /// The keys that are known to be in the target, or gone from it, as planned, by this run.
    pub written: BTreeSet<Key>,
    /// Whether anything may have been written.
    pub writing: bool,
    /// Where what the target held was saved before it was replaced.
    pub backup: Option<PathBuf>,
    /// Whether target and source were read again and compared equal.
    pub verified: bool,
    /// Milliseconds since the start.
    pub elapsed_ms: u64,
    /// What the operator does next, one text a step.
    pub next_steps: Vec<String>,
}
