//! The checks before anything is written, each a function that returns its finding. All findings
//! are reported, not only the first that fails.

mod guards;
mod live_nodes;
mod rollback;
mod source;
mod target;

use crate::outcome::{Check, CheckStatus, Code, Failure, Finding, exit};

pub use guards::{Permits, check_target_cluster, check_target_newer};
pub use live_nodes::{NodeObservation, NodeState, check_at_work};
pub use rollback::{Answers, check_running_cluster, check_running_nodes, check_target_quorum};
pub use source::{
    Ignored, check_migration_mode, check_quorum, check_server_version, check_source, check_tls,
    check_values, not_of_migration,
};
pub use target::{
    CHECK_TARGET, check_limits, check_store_probe, check_target, check_target_keys,
    check_target_writable, runs_on_target,
};

/// What the failed checks mean together: the code of the first, and the exit code of the gravest,
/// wrong usage before an unreachable store before a refusal.
pub fn refusal(findings: &[Finding]) -> Option<Failure> {
    let failed: Vec<_> =
        findings.iter().filter(|finding| finding.status == CheckStatus::Failed).collect();
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
