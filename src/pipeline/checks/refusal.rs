//! One failure for all failed checks.

use crate::outcome::{Check, CheckStatus, Code, Failure, Finding, Permission, exit};
use crate::wording::plural;

/// Returns the failure that the failed checks make together; `None` if none failed.
///
/// Its code is the first one's. Its exit code is the gravest: wrong usage before an unreachable store
/// before a refusal.
pub fn refusal(findings: &[Finding]) -> Option<Failure> {
    failure_of_checks("nothing was written", findings)
}

/// Returns the failure that the failed checks make together, which says this before them; `None` if none failed.
pub fn failure_of_checks(progress: &str, findings: &[Finding]) -> Option<Failure> {
    let failed: Vec<_> =
        findings.iter().filter(|finding| finding.status == CheckStatus::Failed).collect();
    let first = failed.first()?;
    let exits: Vec<u8> =
        failed.iter().filter_map(|finding| Some(Failure::new(finding.code?, "").exit)).collect();
    let gravest = [exit::USAGE, exit::UNAVAILABLE, exit::REFUSED];
    let code = first.code.unwrap_or(Code::Internal);
    let mut failure = Failure::new(code, format!("{progress}: {}", describe_failed(&failed)));
    failure.exit = gravest.into_iter().find(|exit| exits.contains(exit)).unwrap_or(failure.exit);
    for hint in failed.iter().flat_map(|finding| applicable_hints(finding, &failed)) {
        if !failure.hints.contains(&hint) {
            failure.hints.push(hint);
        }
    }
    Some(failure)
}

fn describe_failed(failed: &[&Finding]) -> String {
    let described: Vec<_> = failed
        .iter()
        .map(|finding| format!("{}: {}", finding.check.name(), finding.text()))
        .collect();
    match described.as_slice() {
        [one] => format!("check failed: {one}"),
        more => {
            let checks = plural(more.len(), "check");
            format!("{checks} failed: {}", more.join(" | "))
        }
    }
}

/// Returns the hints of a failed check that still make sense beside the other failed checks.
fn applicable_hints(finding: &Finding, failed: &[&Finding]) -> Vec<String> {
    let other = |check| failed.iter().find(|finding| finding.check == check);
    let (of_cluster, of_newer) = (other(Check::TargetCluster), other(Check::TargetNewer));
    let newer_too = of_newer.and_then(|newer| newer.permission.as_ref());
    // A target whose owner is unknown may be this cluster's own.
    let is_unknown = |finding: &Finding| finding.permission == Some(Permission::OverwriteUnknown);
    let is_other_cluster = of_cluster.is_some_and(|finding| !is_unknown(finding));
    match finding.check {
        // How to replace keys is no advice where more than this cluster's past is at stake.
        Check::TargetKeys if of_cluster.is_some() || of_newer.is_some() => Vec::new(),
        // Versions of two clusters have nothing to do with each other.
        Check::TargetNewer if is_other_cluster => Vec::new(),
        Check::TargetCluster if finding.permission.is_some() => {
            let with_newer =
                |hint: &String| newer_too.map_or(hint.clone(), |option| format!("{hint} {option}"));
            finding.hints.iter().map(with_newer).collect()
        }
        _ => finding.hints.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the hints of the refusal by these checks.
    fn hints_of(failed: &[&Finding]) -> Vec<String> {
        let findings: Vec<_> = failed.iter().map(|&finding| finding.clone()).collect();
        refusal(&findings).unwrap().hints
    }

    #[test]
    fn hints_are_those_that_hold_for_all_failed_checks_together() {
        let failed = |check, hint: &str| Finding::failed(check, Code::TargetNewer, "x").hint(hint);
        let keys = failed(Check::TargetKeys, "keys --force");
        let newer = failed(Check::TargetNewer, "newer --overwrite-newer");
        let newer = newer.permitted_by(Permission::OverwriteNewer);
        let cluster = |permission: Option<Permission>| {
            let hint =
                permission.as_ref().map_or("cluster".to_owned(), |one| format!("cluster {one}"));
            Finding { permission, ..failed(Check::TargetCluster, &hint) }
        };
        let other = cluster(Some(Permission::OverwriteCluster("demo".to_owned())));
        let unknown = cluster(Some(Permission::OverwriteUnknown));
        let unpermitted = cluster(None);
        let sole = failed(Check::Quorum, "quorum");
        for (failed, expected) in [
            (vec![&keys, &sole], "keys --force | quorum"),
            (vec![&keys, &other], "cluster --overwrite-cluster demo"),
            (vec![&keys, &newer], "newer --overwrite-newer"),
            (vec![&keys, &other, &newer], "cluster --overwrite-cluster demo --overwrite-newer"),
            (
                vec![&unknown, &newer],
                "cluster --overwrite-cluster unknown --overwrite-newer | newer --overwrite-newer",
            ),
            (vec![&unpermitted, &newer], "cluster"),
        ] {
            assert_eq!(hints_of(&failed).join(" | "), expected);
        }
    }
}
