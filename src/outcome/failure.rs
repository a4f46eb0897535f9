//! Failures: codes for programs, messages for people, exit codes for both.

use thiserror::Error;

use crate::model::{Key, StoreError};

/// Defines the codes, each with its name.
macro_rules! codes {
    ($($code:ident $name:literal,)*) => {
        /// The `error.code` of JSON documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            /// All of them. `docs/errors.md` has an example of each.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// Returns the name in documents and messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    Usage "usage",
    ConfigInvalid "config-invalid",
    SourceUnavailable "source-unavailable",
    SourceNoQuorum "source-no-quorum",
    TargetUnavailable "target-unavailable",
    TargetDenied "target-denied",
    TargetFull "target-full",
    TargetConflict "target-conflict",
    StoreProbeFailed "store-probe-failed",
    NotInMigrationMode "not-in-migration-mode",
    TargetKeysExist "target-keys-exist",
    TargetOtherCluster "target-other-cluster",
    TargetNewer "target-newer",
    TargetChanged "target-changed",
    ValueTooLarge "value-too-large",
    ValueCorrupt "value-corrupt",
    ServerVersion "server-version",
    NotARestateStore "not-a-restate-store",
    SameStore "same-store",
    SourceChanged "source-changed",
    VerificationFailed "verification-failed",
    VersionMismatch "version-mismatch",
    KeyNotFound "key-not-found",
    BackupFailed "backup-failed",
    BackupDamaged "backup-damaged",
    NotReady "not-ready",
    RollbackUnsafe "rollback-unsafe",
    MetadataInconsistent "metadata-inconsistent",
    DataLoss "data-loss",
    SourceInUse "source-in-use",
    SourceDamaged "source-damaged",
    Interrupted "interrupted",
    Internal "internal",
}

impl Code {
    /// Returns the exit code of a command that ends so before it has written anything.
    fn exit(self) -> u8 {
        match self {
            Code::Usage | Code::ConfigInvalid => exit::USAGE,
            Code::KeyNotFound => exit::KEY_NOT_FOUND,
            Code::VerificationFailed | Code::SourceChanged => exit::DIFFERENT,
            Code::SourceUnavailable
            | Code::SourceNoQuorum
            | Code::TargetUnavailable
            | Code::TargetDenied => exit::UNAVAILABLE,
            Code::Internal | Code::Interrupted => exit::FAILED,
            _ => exit::REFUSED,
        }
    }
}

/// The exit codes.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Failed for a reason that has no code of its own.
    pub const FAILED: u8 = 1;
    /// Wrong usage, or a configuration file that is not valid.
    pub const USAGE: u8 = 2;
    /// The key does not exist.
    pub const KEY_NOT_FOUND: u8 = 3;
    /// Source and target differ.
    pub const DIFFERENT: u8 = 4;
    /// A check did not hold; nothing was written.
    pub const REFUSED: u8 = 5;
    /// The source or the target can't be reached; nothing was written.
    pub const UNAVAILABLE: u8 = 6;
    /// Stopped after the first write.
    pub const STOPPED: u8 = 7;
}

/// The hint for a cluster whose metadata servers have lost their majority.
pub(crate) const LOST_MAJORITY_HINT: &str = "if they are permanently lost, stop all nodes, and read the base directories of the stopped metadata \
                                             servers with --from";

/// A failure: its cause, where it happened, and what to do next.
#[derive(Clone, Debug, Error)]
#[error("{message}{}", self.join_differences())]
pub struct Failure {
    /// The code for programs.
    pub code: Code,
    /// The message for people, in one line.
    pub message: String,
    /// The lines of two documents that differ, which the message announces; empty if it does not.
    pub differences: String,
    /// The steps that help, each a sentence of its own.
    pub hints: Vec<String>,
    /// The exit code.
    pub exit: u8,
}

impl Failure {
    /// Creates a failure with the exit code of its kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let (message, differences) = (message.into(), String::new());
        Failure { code, message, differences, hints: Vec::new(), exit: code.exit() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the lines of two documents that differ.
    #[must_use]
    pub fn differences(mut self, differences: &str) -> Self {
        differences.trim_end().clone_into(&mut self.differences);
        self
    }

    /// Returns the differences as they follow the message.
    fn join_differences(&self) -> String {
        if self.differences.is_empty() { String::new() } else { format!(":\n{}", self.differences) }
    }

    /// Returns the failure for a key that the named store does not have.
    pub fn absent_key(key: &Key, store: &str) -> Self {
        Failure::new(Code::KeyNotFound, format!("the key {key} does not exist in {store}"))
            .hint("list the existing keys with `metadata list` and the same store")
    }

    /// Returns the failure for a store without a single key.
    pub fn no_keys(store: &impl std::fmt::Display) -> Self {
        Failure::new(Code::NotARestateStore, format!("{store} has no Restate keys"))
    }

    /// Gives the failure the exit code of a run that has already written.
    #[must_use]
    pub fn after_writing(mut self) -> Self {
        self.exit = exit::STOPPED;
        self
    }

    /// Creates the failure of a read from a source.
    pub fn of_source(error: &StoreError) -> Self {
        let code = match error {
            StoreError::NoQuorum { .. } => Code::SourceNoQuorum,
            StoreError::Usage(_) => Code::Usage,
            StoreError::Unavailable { .. }
            | StoreError::Untrusted { .. }
            | StoreError::Unusable { .. }
            | StoreError::Throttled { .. }
            | StoreError::Denied { .. } => Code::SourceUnavailable,
            StoreError::TooLarge { .. } => Code::ValueTooLarge,
            StoreError::InUse { .. } => Code::SourceInUse,
            StoreError::Damaged { .. } => Code::SourceDamaged,
            StoreError::NotAMember { .. } => Code::NotARestateStore,
            _ => Code::Internal,
        };
        let failure = match code {
            Code::Usage => Failure::new(code, error.to_string()),
            _ => Failure::new(code, format!("failed to read the source: {error}")),
        };
        failure.hint_for_answer(error)
    }

    /// Adds the step that helps where a store answers what it must not.
    #[must_use]
    fn hint_for_answer(self, error: &StoreError) -> Self {
        match error {
            StoreError::Unusable { .. } => self.hint(
                "ask the store without the gateway, proxy or cache in front of it; if it answers so itself, \
                 use another store",
            ),
            StoreError::Unconditional { .. } => {
                self.hint("use another store: Restate itself would corrupt its metadata there")
            }
            StoreError::InUse { .. } => self
                .hint("stop the node, and wait until its process has ended")
                .hint("if the cluster works, read it with --address instead"),
            StoreError::Damaged { .. } => self
                .hint("copy the folder again, from a node that is stopped, and name the copy")
                .hint("if the folders of a majority are left without it, leave it out of --from"),
            StoreError::NotAMember { .. } => {
                self.hint("name the folder of a node that is a member of the metadata servers")
            }
            _ => self,
        }
    }

    /// Creates the failure of a read from the running cluster.
    pub fn of_cluster(error: &StoreError) -> Self {
        let failure = Failure::of_source(error);
        match error {
            StoreError::NoQuorum { .. } => failure
                .hint(
                    "start the metadata servers that do not respond, until a majority of them runs",
                )
                .hint(LOST_MAJORITY_HINT),
            StoreError::Untrusted { .. } => failure
                .hint(
                    "name the trusted authorities with --tls-ca, and this client's certificate with \
                     --tls-cert and --tls-key",
                )
                .hint("use a host name listed in the node's certificate"),
            StoreError::TooLarge { .. } => failure.hint(
                "name the servers' message-size-limit with --message-size-limit, in bytes",
            ),
            StoreError::Unavailable { .. } | StoreError::Denied { .. } => failure.hint(
                "check --address, or addresses in the file of --from: it is the node-to-node (fabric) \
                 address, by default port 5122",
            ),
            _ => failure,
        }
    }

    /// Creates the failure of a running cluster that is the target, or is compared with, and can't be
    /// reached.
    pub fn of_target_cluster(error: &StoreError) -> Self {
        let failure = Failure::of_target(error);
        match error {
            StoreError::Untrusted { .. } => failure
                .hint(
                    "name the trusted authorities with --tls-ca, and this client's certificate with \
                     --tls-cert and --tls-key, for this cluster as for the source",
                )
                .hint(
                    "use a host name listed in the node's certificate for addresses in the \
                     [metadata-client] section",
                ),
            StoreError::Unavailable { .. } | StoreError::NoQuorum { .. } => failure.hint(
                "check addresses in the [metadata-client] section: they are node-to-node (fabric) \
                 addresses, by default port 5122",
            ),
            _ => failure,
        }
    }

    /// Creates the failure of a read, a check or a write on the target.
    pub fn of_target(error: &StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable { .. }
            | StoreError::Untrusted { .. }
            | StoreError::Unusable { .. }
            | StoreError::Throttled { .. }
            | StoreError::NoQuorum { .. } => Code::TargetUnavailable,
            StoreError::Denied { .. } => Code::TargetDenied,
            StoreError::Full { .. } => Code::TargetFull,
            StoreError::TooLarge { .. } => Code::ValueTooLarge,
            StoreError::Conflict { .. } => Code::TargetConflict,
            StoreError::Unconditional { .. } => Code::StoreProbeFailed,
            StoreError::Usage(_) => Code::ConfigInvalid,
            // A folder is never a target; `verify` compares with one.
            StoreError::InUse { .. } => Code::SourceInUse,
            StoreError::Damaged { .. } => Code::SourceDamaged,
            StoreError::NotAMember { .. } => Code::NotARestateStore,
            StoreError::Other { .. } => Code::Internal,
        };
        let failure = Failure::new(code, format!("failed to use the target: {error}"));
        let failure = failure.hint_for_answer(error);
        match code {
            Code::TargetFull => {
                failure.hint(
                    "free space (for etcd: compact and defragment, or raise --quota-backend-bytes on every member), \
                     then, for etcd, run `etcdctl alarm disarm`",
                )
            }
            _ => failure,
        }
    }
}
