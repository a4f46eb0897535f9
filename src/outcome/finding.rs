//! The finding of a check: its status, the items that it names, and what to do.

use std::fmt;

use super::failure::{Code, Failure};
use crate::shell::quote_word;

/// The checks, in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Check {
    Source,
    DataLoss,
    Values,
    Consistency,
    ServerVersion,
    MigrationMode,
    Quorum,
    Target,
    Environment,
    TargetWritable,
    Limits,
    TargetKeys,
    TargetCluster,
    TargetNewer,
    StoreProbe,
    Tls,
}

impl Check {
    /// Returns the name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Check::Source => "source",
            Check::DataLoss => "data-loss",
            Check::Values => "values",
            Check::Consistency => "consistency",
            Check::ServerVersion => "server-version",
            Check::MigrationMode => "migration-mode",
            Check::Quorum => "quorum",
            Check::Target => "target",
            Check::Environment => "environment",
            Check::TargetWritable => "target-writable",
            Check::Limits => "limits",
            Check::TargetKeys => "target-keys",
            Check::TargetCluster => "target-cluster",
            Check::TargetNewer => "target-newer",
            Check::StoreProbe => "store-probe",
            Check::Tls => "tls",
        }
    }
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CheckStatus {
    Ok,
    Failed,
    Warning,
    Skipped,
}

impl CheckStatus {
    /// Returns the name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Ok => "ok",
            CheckStatus::Failed => "failed",
            CheckStatus::Warning => "warning",
            CheckStatus::Skipped => "skipped",
        }
    }
}

/// An option that permits to destroy what `--force` alone does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `--overwrite-cluster NAME`: the target holds the metadata of another cluster.
    OverwriteCluster(String),
    /// `--overwrite-cluster unknown`: the target has Restate keys, but no readable `nodes_config`.
    OverwriteUnknown,
    /// `--overwrite-newer`: keys of the target are newer.
    OverwriteNewer,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Permission::OverwriteCluster(name) => {
                write!(f, "--overwrite-cluster {}", quote_word(name))
            }
            Permission::OverwriteUnknown => f.write_str("--overwrite-cluster unknown"),
            Permission::OverwriteNewer => f.write_str("--overwrite-newer"),
        }
    }
}

/// What a finding says of the real run, once every node is in migration mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// The run would go through unless the check failed.
    #[default]
    ByStatus,
    /// The run would go through: the check fails only for the mode in which nodes run now.
    AfterRestart,
    /// Unknown: the check could not be made, and may refuse the real run.
    Unknown,
}

/// The finding of a check.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check that was made.
    pub check: Check,
    /// The result.
    pub status: CheckStatus,
    /// The finding in one line.
    pub detail: String,
    /// The keys or nodes that it is about, each in one line.
    pub items: Vec<String>,
    /// The error code of a failed check; for a warning, the one that the real run would fail with.
    pub code: Option<Code>,
    /// The steps that solve it, each a sentence of its own.
    pub hints: Vec<String>,
    /// The option that permits what the check refuses, beside `--force`; the hint ends with it.
    pub permission: Option<Permission>,
    /// What it says of the real run.
    pub readiness: Readiness,
}

impl Finding {
    pub(crate) fn new(check: Check, status: CheckStatus, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (items, hints) = (Vec::new(), Vec::new());
        let (code, permission, readiness) = (None, None, Readiness::default());
        Finding { check, status, detail, items, code, hints, permission, readiness }
    }

    pub(crate) fn ok(check: Check, detail: impl Into<String>) -> Self {
        Finding::new(check, CheckStatus::Ok, detail)
    }

    /// Returns the finding of a check that could not be made.
    pub fn skipped(check: Check, detail: impl Into<String>) -> Self {
        Finding::new(check, CheckStatus::Skipped, detail)
    }

    pub(crate) fn failed(check: Check, code: Code, detail: impl Into<String>) -> Self {
        Finding { code: Some(code), ..Finding::new(check, CheckStatus::Failed, detail) }
    }

    pub(crate) fn of_failure(check: Check, failure: Failure) -> Self {
        let Failure { code, message, hints, .. } = failure;
        Finding { hints, ..Finding::failed(check, code, message) }
    }

    pub(crate) fn items(mut self, items: Vec<String>) -> Self {
        self.items = items;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn permitted_by(mut self, option: Permission) -> Self {
        self.permission = Some(option);
        self
    }

    /// Sets what the finding says of the real run.
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Turns the finding into one that stops nothing.
    pub(crate) fn into_warning(mut self) -> Self {
        self.status = CheckStatus::Warning;
        self
    }

    /// Returns detail and items in one text.
    pub fn text(&self) -> String {
        if self.items.is_empty() {
            return self.detail.clone();
        }
        format!("{}: {}", self.detail, self.items.join("; "))
    }
}

/// Returns whether the real run would go through once every node is in migration mode; `None` where a check
/// that could refuse it could not be made.
pub fn judge_readiness(findings: &[Finding]) -> Option<bool> {
    let has_failed = |finding: &Finding| {
        finding.status == CheckStatus::Failed && finding.readiness == Readiness::ByStatus
    };
    if findings.iter().any(has_failed) {
        return Some(false);
    }
    let is_unknown = |finding: &Finding| finding.readiness == Readiness::Unknown;
    (!findings.iter().any(is_unknown)).then_some(true)
}
