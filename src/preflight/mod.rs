//! The checks before anything is written, each a function that returns its finding. All findings
//! are reported, not only the first that fails.

mod at_work;
mod guards;
mod running;
mod source;
mod target;

use crate::outcome::{Code, Failure, exit};

pub use at_work::{Seen as SeenNode, Sighting, check_at_work};
pub use guards::{Permits, check_target_cluster, check_target_newer};
pub use running::{Answers, check_running_cluster, check_running_nodes, check_target_quorum};
pub use source::{
    Ignored, check_migration_mode, check_quorum, check_server_version, check_source, check_tls,
    check_values, not_of_migration,
};
pub use target::{
    CHECK_TARGET, check_limits, check_store_probe, check_target, check_target_keys,
    check_target_writable, runs_on_target,
};

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
pub enum Status {
    Ok,
    Failed,
    Warning,
    Skipped,
}

impl Status {
    /// The name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Failed => "failed",
            Status::Warning => "warning",
            Status::Skipped => "skipped",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub status: Status,
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
    fn new(check: Check, status: Status, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (items, hints) = (Vec::new(), Vec::new());
        Finding { check, status, detail, items, code: None, hints, permitted_by: None }
    }

    fn ok(check: Check, detail: impl Into<String>) -> Self {
        Finding::new(check, Status::Ok, detail)
    }

    /// A check that could not be made, because another one failed.
    pub fn skipped(check: Check, detail: impl Into<String>) -> Self {
        Finding::new(check, Status::Skipped, detail)
    }

    fn failed(check: Check, code: Code, detail: impl Into<String>) -> Self {
        Finding { code: Some(code), ..Finding::new(check, Status::Failed, detail) }
    }

    fn of_failure(check: Check, failure: Failure) -> Self {
        let Failure { code, message, hints, .. } = failure;
        Finding { hints, ..Finding::failed(check, code, message) }
    }

    fn items(mut self, items: Vec<String>) -> Self {
        self.items = items;
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn permitted_by(mut self, option: String) -> Self {
        self.permitted_by = Some(option);
        self
    }

    /// The same where it stops nothing.
    fn into_warning(mut self) -> Self {
        self.status = Status::Warning;
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

/// What the failed checks mean together: the code of the first, and the exit code of the gravest,
/// wrong usage before an unreachable store before a refusal.
pub fn refusal(findings: &[Finding]) -> Option<Failure> {
    let failed: Vec<_> =
        findings.iter().filter(|finding| finding.status == Status::Failed).collect();
    let first = failed.first()?;
    let exits: Vec<u8> =
        failed.iter().filter_map(|finding| Some(Failure::new(finding.code?, "").exit)).collect();
    let gravest = [exit::USAGE, exit::UNAVAILABLE, exit::REFUSED];
    let told: Vec<_> = failed
        .iter()
        .map(|finding| format!("{}: {}", finding.check.name(), finding.text()))
        .collect();
    let mut failure = Failure::new(
        first.code.unwrap_or(Code::Internal),
        match told.as_slice() {
            [one] => format!("nothing was written, since a check does not hold: {one}"),
            more => format!(
                "nothing was written, since {} checks do not hold: {}",
                more.len(),
                more.join(" | ")
            ),
        },
    );
    failure.exit = gravest.into_iter().find(|exit| exits.contains(exit)).unwrap_or(failure.exit);
    failure.hints = failed.iter().flat_map(|finding| hints(finding, &failed)).fold(
        Vec::new(),
        |mut hints, hint| {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
            hints
        },
    );
    Some(failure)
}

/// What permits to replace keys that do not say whose they are: maybe this cluster's own.
const UNKNOWN_OWNER: &str = "--overwrite-cluster unknown";

/// What to do about a failed check, beside these.
fn hints(finding: &Finding, failed: &[&Finding]) -> Vec<String> {
    let other = |check| failed.iter().find(|finding| finding.check == check);
    let (of_cluster, of_newer) = (other(Check::TargetCluster), other(Check::TargetNewer));
    let newer_too = of_newer.and_then(|newer| newer.permitted_by.as_deref());
    let another =
        of_cluster.filter(|finding| finding.permitted_by.as_deref() != Some(UNKNOWN_OWNER));
    match finding.check {
        // How to replace keys is no advice where more than this cluster's past is at stake.
        Check::TargetKeys if of_cluster.is_some() || of_newer.is_some() => Vec::new(),
        // Versions of two clusters have nothing to do with each other.
        Check::TargetNewer if another.is_some() => Vec::new(),
        Check::TargetCluster if finding.permitted_by.is_some() => {
            let with_newer =
                |hint: &String| newer_too.map_or(hint.clone(), |option| format!("{hint} {option}"));
            finding.hints.iter().map(with_newer).collect()
        }
        _ => finding.hints.clone(),
    }
}

#[cfg(test)]
mod tests;
