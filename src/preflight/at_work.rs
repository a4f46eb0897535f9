//! Servers that are at work on a store which is copied or overwritten.

use super::{Check, Finding, Status};
use crate::codec::Node;
use crate::outcome::Code;

/// A node that is at work on a store which is a side of the migration.
#[derive(Clone, Debug)]
pub struct AtWork {
    /// As the store knows it.
    pub node: Node,
    /// Which side the store is.
    pub side: &'static str,
    /// What it runs with that it would not have in migration mode.
    pub roles: Vec<String>,
}

const STOP: &str =
    "stop these nodes first: what they write meanwhile would be lost, or break the copy";

/// Whether nodes are at work on a store that is the source or the target; `finding` says what is known
/// without them. For a dry run it stops nothing.
pub fn check_at_work(at_work: &[AtWork], finding: Finding, dry_run: bool) -> Finding {
    if at_work.is_empty() {
        return finding;
    }
    let items = at_work.iter().map(|AtWork { node, side, roles }| {
        format!("{node} runs on the {side} with its normal roles {}", roles.join(", "))
    });
    if matches!(finding.status, Status::Failed | Status::Warning) {
        let all = finding.items.iter().cloned().chain(items).collect();
        return finding.items(all).hint(STOP);
    }
    let detail = "nodes are at work on what is to be copied or overwritten";
    let finding = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
        .items(items.collect())
        .hint(STOP);
    if dry_run { finding.into_warning() } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_work_refuses_and_only_warns_a_dry_run() {
        let unseen = || Finding::skipped(Check::MigrationMode, "none was seen");
        assert_eq!(check_at_work(&[], unseen(), false).detail, "none was seen");
        let node =
            Node { id: 1, name: "a".into(), address: "http://a:1".into(), ..Node::default() };
        let at_work =
            [AtWork { node, side: "source", roles: vec!["worker".into(), "log-server".into()] }];
        let finding = check_at_work(&at_work, unseen(), false);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        let told = "N1 (a, http://a:1) runs on the source with its normal roles worker, log-server";
        assert_eq!(finding.items, [told]);
        assert_eq!(check_at_work(&at_work, unseen(), true).status, Status::Warning);
        // Beside what is wrong already.
        let wrong = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, "1 of 1 nodes")
            .items(vec!["N7".to_owned()]);
        assert_eq!(check_at_work(&at_work, wrong, false).items, ["N7", told]);
    }
}
