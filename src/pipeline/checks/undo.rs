//! Checks before what a run wrote is taken back.

use crate::model::{Action, Entry, Key, Plan, Step, StoreError};
use crate::outcome::{Check, CheckStatus, Code, Finding};
use crate::wording::plural;

use super::live_nodes::{NodeObservation, StoreUse, check_live_nodes};
use super::target::check_target_writable;

const CHANGED_HINT: &str = "if a cluster was started on the target since, its metadata is there now: do not take \
                            the copy back. Otherwise find what changed with `metadata list --from` and the target's TOML";

const LOST_HINT: &str = "check that --toml names the store of the run: keys that it found there, and left, are missing. If the \
                         store was emptied, restore it from a backup instead";

const UNCLEAR_NODES_HINT: &str = "stop what listens at these addresses, or name what the nodes require to be reached, such as \
                                  --tls-ca; with --single-address no node is asked: make sure yourself that none runs \
                                  on the target";

/// Checks that every key that the run wrote is absent, as the run wrote it, or as it was before, and that none which it
/// found and left is missing where others are to be restored.
pub fn check_written_keys(plan: &Plan) -> Finding {
    let conflicts: Vec<_> = plan.conflicts().map(describe_conflict).collect();
    if conflicts.is_empty() {
        let count = plan.changes().len();
        let detail = match count {
            0 => "nothing is left of what the run wrote".to_owned(),
            count => format!("{} as the run left them", plural(count, "key")),
        };
        return Finding::ok(Check::TargetKeys, detail);
    }
    let keys = plural(conflicts.len(), "key");
    let (detail, hint) = match plan.conflicts().any(|step| step.target.is_none()) {
        true => (format!("{keys} of the target are not as the run left them"), LOST_HINT),
        false => (format!("{keys} of the target changed since the run wrote them"), CHANGED_HINT),
    };
    Finding::failed(Check::TargetKeys, Code::TargetChanged, detail).items(conflicts).hint(hint)
}

fn describe_conflict(step: &Step) -> String {
    match &step.target {
        None => format!("{} is missing", step.key),
        Some(Entry::Damaged { reason, .. }) => format!("{} {reason}", step.key),
        Some(Entry::Intact(value, _)) => {
            format!("{} is at version {}, with another value", step.key, value.version)
        }
    }
}

/// Checks that `nodes_config` of the target is the run's own, or the one that it found.
pub fn check_nodes_config(is_explained: bool) -> Finding {
    if is_explained {
        let detail = "nodes_config is what the run wrote or found, or is absent";
        return Finding::ok(Check::TargetCluster, detail);
    }
    let detail = "nodes_config of the target is neither what the run wrote nor what it found there";
    Finding::failed(Check::TargetCluster, Code::TargetChanged, detail).hint(CHANGED_HINT)
}

/// Warns of what the backup can't restore; `None` without any.
pub fn warn_of_unrestorable(keys: &[Key]) -> Option<Finding> {
    let items: Vec<_> = keys.iter().map(ToString::to_string).collect();
    let detail = format!(
        "{} damaged before the run, and can't be put back; the backup of the run has their parts",
        plural(keys.len(), "key")
    );
    let finding = Finding::new(Check::Values, CheckStatus::Warning, detail).items(items);
    (!keys.is_empty()).then_some(finding)
}

/// The nodes that are asked whether they run on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodesToAsk {
    /// None: no `nodes_config` names any.
    None,
    /// Those of its `nodes_config`.
    OfTarget,
    /// These, which the report of the run names: `nodes_config` of the target can't be decoded.
    OfReport(Vec<String>),
}

/// Checks that no node runs on the target.
///
/// A node of which that can't be known refuses where something listens at its address, and is a warning where
/// nothing is reached: it may be switched off.
pub fn check_nodes_on_target(observed: &[NodeObservation], asked: NodesToAsk) -> Finding {
    let is_unclear = |one: &NodeObservation| matches!(one.usage, StoreUse::Unclear(_));
    let finding = match asked {
        _ if observed.iter().any(is_unclear) => {
            let detail = "nodes may still be running on the target";
            Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
                .hint(UNCLEAR_NODES_HINT)
        }
        NodesToAsk::None => {
            let detail = "there is no nodes_config in the target: no node can run on it";
            Finding::skipped(Check::MigrationMode, detail)
        }
        NodesToAsk::OfTarget => Finding::ok(Check::MigrationMode, "no node runs on the target"),
        NodesToAsk::OfReport(nodes) => {
            let detail = match nodes.as_slice() {
                [] => {
                    "nodes_config of the target can't be decoded: it is not known which nodes may run on it"
                }
                _ => {
                    "nodes_config of the target can't be decoded; of the nodes that the report names, none runs on it"
                }
            };
            Finding::ok(Check::MigrationMode, detail).items(nodes).into_warning()
        }
    };
    check_live_nodes(observed, finding, false)
}

/// Returns the warning about nodes that were not asked whether they run on the target, since only one address may be.
pub fn check_unasked_nodes(nodes: Vec<String>) -> Finding {
    let detail = match nodes.as_slice() {
        [] => "--single-address: it is not known which nodes may run on the target",
        _ => "--single-address: these nodes were not asked whether they run on the target",
    };
    Finding::ok(Check::MigrationMode, detail).items(nodes).into_warning()
}

/// Checks that the target accepts the writes of the plan. A full store may still accept deletions: an etcd
/// whose database has not come to its quota does, after it has raised its alarm.
///
/// `untried` is what the probe leaves open.
pub fn check_undo_writable(
    probe: &Result<(), StoreError>,
    untried: Option<&'static str>,
    plan: &Plan,
) -> Finding {
    let restores = plan.count(Action::Overwrite) + plan.count(Action::Create) > 0;
    match probe {
        Err(error @ StoreError::Full { .. }) if !restores => {
            let detail =
                format!("it may still accept deletions, which is all that is to be done: {error}");
            Finding::ok(Check::TargetWritable, detail).into_warning()
        }
        probe => check_target_writable(probe, untried),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Node;
    use crate::model::{CasToken, Value, Version};

    fn step(action: Action, target: Option<Entry>) -> Step {
        Step { key: Key::RuleBook, action, source: None, target }
    }

    fn entry(version: u32) -> Option<Entry> {
        let value = Value { version: Version(version), bytes: "x".into() };
        Some(Entry::Intact(value, CasToken::Version(Version(version))))
    }

    #[test]
    fn keys_that_changed_since_are_named_and_refuse() {
        let check = |steps: Vec<Step>| check_written_keys(&Plan::new(steps));
        assert_eq!(check(Vec::new()).detail, "nothing is left of what the run wrote");
        let left = check(vec![step(Action::Delete, entry(1))]);
        assert_eq!((left.code, left.detail.as_str()), (None, "1 key as the run left them"));
        let tag = CasToken::Version(Version(1));
        let damaged = Entry::Damaged { reason: "is broken".into(), raw: Vec::new(), tag };
        let changed = [None, Some(damaged), entry(4)].map(|held| step(Action::Conflict, held));
        let of_changed = check(changed[1..].to_vec());
        assert_eq!(of_changed.hints, [CHANGED_HINT]);
        let finding = check(changed.into());
        assert_eq!(finding.code, Some(Code::TargetChanged));
        assert_eq!(finding.hints, [LOST_HINT]);
        assert_eq!(
            finding.items,
            [
                "rule_book is missing",
                "rule_book is broken",
                "rule_book is at version 4, with another value"
            ]
        );
    }

    #[test]
    fn unexplained_nodes_config_refuses_and_lost_keys_are_warned_of() {
        assert_eq!(check_nodes_config(true).code, None);
        assert_eq!(check_nodes_config(false).code, Some(Code::TargetChanged));
        assert!(warn_of_unrestorable(&[]).is_none());
        let warning = warn_of_unrestorable(&[Key::RuleBook]).unwrap();
        assert_eq!((warning.status, warning.items.len()), (CheckStatus::Warning, 1));
    }

    #[test]
    fn node_that_may_run_on_the_target_refuses() {
        let observed = |usage| {
            let node = Node { id: 1, name: "a".into(), ..Node::default() };
            [NodeObservation { node, side: "target", usage }]
        };
        let report =
            |nodes: &[&str]| NodesToAsk::OfReport(nodes.iter().map(|&one| one.into()).collect());
        let refused = Some(Code::NotInMigrationMode);
        let unclear = observed(StoreUse::Unclear("tls".into()));
        for asked in [NodesToAsk::None, NodesToAsk::OfTarget, report(&[])] {
            assert_eq!(check_nodes_on_target(&unclear, asked).code, refused);
        }
        let silent = observed(StoreUse::NoResponse("refused".into()));
        let finding = check_nodes_on_target(&silent, NodesToAsk::OfTarget);
        assert_eq!((finding.status, finding.code), (CheckStatus::Warning, None));
        let running = observed(StoreUse::Running(vec!["worker".into()]));
        assert_eq!(check_nodes_on_target(&running, NodesToAsk::OfTarget).code, refused);
        for (asked, status, detail) in [
            (NodesToAsk::None, CheckStatus::Skipped, "there is no nodes_config"),
            (NodesToAsk::OfTarget, CheckStatus::Ok, "no node runs on the target"),
            (report(&[]), CheckStatus::Warning, "nodes_config of the target can't be decoded: it"),
            (
                report(&["N1"]),
                CheckStatus::Warning,
                "nodes_config of the target can't be decoded; of",
            ),
        ] {
            let finding = check_nodes_on_target(&[], asked);
            assert_eq!(finding.status, status);
            assert!(finding.detail.starts_with(detail), "{}", finding.detail);
        }
        for (nodes, detail) in [(vec![], "it is not known"), (vec!["N1".to_owned()], "these nodes")]
        {
            let finding = check_unasked_nodes(nodes);
            assert_eq!(finding.status, CheckStatus::Warning);
            assert!(finding.detail.contains(detail), "{}", finding.detail);
        }
    }

    #[test]
    fn full_store_may_still_be_emptied() {
        let full = || StoreError::Full { store: "etcd a:1".into(), reason: "quota".into() };
        let check = |probe: Result<(), StoreError>, action| {
            check_undo_writable(&probe, None, &Plan::new(vec![step(action, entry(1))])).code
        };
        assert_eq!(check(Err(full()), Action::Delete), None);
        assert!(check(Err(full()), Action::Overwrite).is_some());
        assert!(check(Err(full()), Action::Create).is_some());
        let other = StoreError::Unavailable { store: "etcd a:1".into(), reason: "no".into() };
        assert!(check(Err(other), Action::Delete).is_some());
        assert_eq!(check(Ok(()), Action::Create), None);
    }
}
