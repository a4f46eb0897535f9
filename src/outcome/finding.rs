//! What a check found: its status, the items that it names, and what to do.

use super::failure::{Code, Failure};

/// The checks, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Check {
    Source,
    Values,
    ServerVersion,
    MigrationMode,
    Quorum,
    Target,
    TargetWritable,
    Limits,
    TargetKeys,
    TargetCluster,
    TargetNewer,
    StoreProbe,
    Tls,
}

impl Check {
    /// The name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Check::Source => "source",
            Check::Values => "values",
            Check::ServerVersion => "server-version",
            Check::MigrationMode => "migration-mode",
            Check::Quorum => "quorum",
            Check::Target => "target",
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

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CheckStatus {
    Ok,
    Failed,
    Warning,
    Skipped,
}

impl CheckStatus {
    /// The name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Ok => "ok",
            CheckStatus::Failed => "failed",
            CheckStatus::Warning => "warning",
            CheckStatus::Skipped => "skipped",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found, in one line.
    pub detail: String,
    /// What it was found of: keys, nodes. Each one line.
    pub items: Vec<String>,
    /// What a failed check means for the run; for a warning, what is to be done.
    pub code: Option<Code>,
    /// What to do about it.
    pub hints: Vec<String>,
    /// The option that lets a run pass all the same, beside `--force`; the hint ends with it.
    pub permitted_by: Option<String>,
}

impl Finding {
    pub(crate) fn new(check: Check, status: CheckStatus, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (items, hints) = (Vec::new(), Vec::new());
        Finding { check, status, detail, items, code: None, hints, permitted_by: None }
    }

    pub(crate) fn ok(check: Check, detail: impl Into<String>) -> Self {
        Finding::new(check, CheckStatus::Ok, detail)
    }

    /// A check that could not be made, because another one failed.
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

    pub(crate) fn permitted_by(mut self, option: String) -> Self {
        self.permitted_by = Some(option);
        self
    }

    /// The same where it stops nothing.
    pub(crate) fn into_warning(mut self) -> Self {
        self.status = CheckStatus::Warning;
        self
    }

    /// Detail and items in one text.
    pub fn text(&self) -> String {
        if self.items.is_empty() {
            return self.detail.clone();
        }
        format!("{}: {}", self.detail, self.items.join("; "))
    }
}
