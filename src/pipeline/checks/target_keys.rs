//! The check of the keys that the target has already: each is named, with how it compares.

use crate::model::epoch_ranges::in_ranges;
use crate::model::{Action, Entry, Key, KeyStatus, Plan, Step};
use crate::outcome::{Check, Code, Finding};
use crate::pipeline::verify::{compare_values, is_step_done};
use crate::wording::plural;

/// Checks that the target has no keys that the plan may not touch; `merges` is `true` if the plan's
/// `nodes_config` is a merge.
pub fn check_target_keys(plan: &Plan, merges: bool) -> Finding {
    let conflicts: Vec<_> = plan.conflicts().collect();
    let existing = plan.steps.iter().filter(|step| step.target.is_some()).count();
    if let Some(finding) = refuse_unsaved(plan) {
        return finding;
    }
    if conflicts.is_empty() {
        let detail = match existing {
            0 => "no existing keys".to_owned(),
            count => {
                let keys = plural(count, "existing key");
                format!("{keys}; the plan overwrites, deletes or skips each")
            }
        };
        return Finding::ok(Check::TargetKeys, detail);
    }
    let keys = plural(conflicts.len(), "existing key");
    let detail = format!("{keys} in the target");
    Finding::failed(Check::TargetKeys, Code::TargetKeysExist, detail)
        .items(describe_conflicts(&conflicts, merges))
        .hint(conflict_hint(plan, &conflicts))
}

/// Refuses to replace what was too large to be read, and so can't be saved to a backup file first; `None`
/// without any.
fn refuse_unsaved(plan: &Plan) -> Option<Finding> {
    let is_replaced = |step: &&Step| matches!(step.action, Action::Overwrite | Action::Delete);
    let unsaved = plan.steps.iter().filter(is_replaced).filter_map(|step| match &step.target {
        Some(entry @ Entry::Damaged { reason, .. }) if entry.is_unread() => {
            Some(format!("{} {reason}", step.key))
        }
        _ => None,
    });
    let items: Vec<_> = unsaved.collect();
    let detail =
        format!("{} can't be saved before it is replaced", plural(items.len(), "existing key"));
    let finding = Finding::failed(Check::TargetKeys, Code::TargetKeysExist, detail);
    (!items.is_empty()).then(|| {
        finding
            .items(items)
            .hint("move these keys away with the tools of the store, then run again")
    })
}

fn conflict_hint(plan: &Plan, conflicts: &[&Step]) -> &'static str {
    if plan.steps.iter().all(is_step_done) {
        "use --resume: the target already holds all of the source, which is then verified"
    } else if conflicts.iter().copied().all(is_step_done) {
        "use --resume: this is an unfinished migration of this source, and all existing keys are identical to it"
    } else {
        "inspect them with `metadata list --from` and the target's TOML; if they are no longer needed, \
         --force replaces them, and saves them to a backup file first"
    }
}

/// Describes each existing key, and epochs in a row that compare alike as one range.
fn describe_conflicts(conflicts: &[&Step], merges: bool) -> Vec<String> {
    let are_alike = |one: &&Step, other: &&Step| describe_epoch(one) == describe_epoch(other);
    let ranges = in_ranges(conflicts.iter().copied(), |step| &step.key, are_alike);
    let describe_range = |range: &[&Step]| range.first().and_then(|step| describe_epoch(step));
    let described =
        ranges.iter().flat_map(|range| match (range.as_slice(), describe_range(range)) {
            ([first, .., last], Some(alike)) => {
                let keys = plural(range.len(), "key");
                vec![format!("{} … {}, {keys}: each {alike}", first.key, last.key)]
            }
            (steps, _) => steps
                .iter()
                .map(|step| format!("{} {}", step.key, describe_conflict(step, merges)))
                .collect(),
        });
    described.collect()
}

/// Describes how an epoch compares, without its version; `None` if it is damaged.
fn describe_epoch(step: &Step) -> Option<&'static str> {
    let target = step.target.as_ref().and_then(Entry::value)?;
    let Some(source) = &step.source else { return Some("is only in the target") };
    Some(match compare_values(&step.key, source, target) {
        KeyStatus::Same => "is identical",
        KeyStatus::Newer => "is newer than in the source",
        KeyStatus::Older => "is older than in the source",
        _ => "has other bytes at the same version",
    })
}

/// Describes how an existing key compares with the source's.
fn describe_conflict(step: &Step, merges: bool) -> String {
    match (&step.source, &step.target) {
        (_, None) => "is missing".to_owned(),
        (_, Some(Entry::Damaged { reason, .. })) => reason.clone(),
        (None, Some(Entry::Intact(target, _))) => {
            format!("is only in the target, at version {}", target.version)
        }
        (Some(source), Some(Entry::Intact(target, _))) => {
            let (ours, theirs) = (source.version, target.version);
            let is_merged = merges && step.key == Key::NodesConfig;
            match compare_values(&step.key, source, target) {
                KeyStatus::Older if is_merged => {
                    format!("is at version {theirs}, and becomes a merge of both at version {ours}")
                }
                KeyStatus::Same => format!("is identical, at version {theirs}"),
                KeyStatus::Newer => format!("is newer: version {theirs}, the source has {ours}"),
                KeyStatus::Older => format!("is older: version {theirs}, the source has {ours}"),
                _ => format!("has other bytes at the same version {theirs}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CasToken, Snapshot, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide_plan};

    #[test]
    fn value_that_could_not_be_read_is_never_replaced() {
        let value = Value { version: Version(2), bytes: "x".into() };
        let source = Entry::Intact(value, CasToken::Version(Version(2)));
        let damaged = |tag| Entry::Damaged { reason: "is large".into(), raw: Vec::new(), tag };
        let check = |held: Entry, on_existing| {
            let side = |entry| Snapshot::from([(Key::RuleBook, entry)]);
            check_target_keys(&decide_plan(&side(source.clone()), &side(held), on_existing), false)
        };
        let (unread, whole) =
            (damaged(CasToken::ETag("e".into())), damaged(CasToken::Version(Version(1))));
        let refused = check(unread.clone(), OnExisting::Overwrite);
        assert_eq!(refused.code, Some(Code::TargetKeysExist));
        assert_eq!(refused.items, ["rule_book is large"]);
        assert!(refused.hints[0].starts_with("move these keys away"), "{:?}", refused.hints);
        assert_eq!(check(whole, OnExisting::Overwrite).code, None);
        // Where nothing is replaced, it is a conflict as others are.
        let conflict = check(unread, OnExisting::Refuse);
        assert!(conflict.hints[0].contains("--force"), "{:?}", conflict.hints);
    }

    #[test]
    fn epochs_in_a_row_are_described_by_how_they_compare() {
        let side = |version: u32, text: &'static str| -> Snapshot {
            let entry = |_| {
                let value = Value { version: Version(version), bytes: text.into() };
                Entry::Intact(value, CasToken::Version(Version(version)))
            };
            (0..6).map(|id| (Key::PartitionEpoch(id), entry(id))).collect()
        };
        for (held, expected) in [
            (side(2, "x"), "is identical"),
            (side(3, "x"), "is newer than in the source"),
            (side(1, "x"), "is older than in the source"),
            (side(2, "y"), "has other bytes at the same version"),
        ] {
            let plan = decide_plan(&side(2, "x"), &held, OnExisting::Refuse);
            let all = format!("pp_epoch_0 … pp_epoch_5, 6 keys: each {expected}");
            assert_eq!(check_target_keys(&plan, false).items, [all]);
        }
        let plan = decide_plan(&Snapshot::new(), &side(2, "x"), OnExisting::Refuse);
        let all = "pp_epoch_0 … pp_epoch_5, 6 keys: each is only in the target";
        assert_eq!(check_target_keys(&plan, false).items, [all]);
    }

    #[test]
    fn merged_nodes_config_is_described_as_one() {
        let entry = |version: u32| {
            let value = Value { version: Version(version), bytes: "x".into() };
            Entry::Intact(value, CasToken::Version(Version(version)))
        };
        let keys = [Key::NodesConfig, Key::RuleBook];
        let side = |version| keys.iter().map(|key| (key.clone(), entry(version))).collect();
        let plan = decide_plan(&side(7), &side(5), OnExisting::Refuse);
        let older = "rule_book is older: version 5, the source has 7";
        assert_eq!(
            check_target_keys(&plan, true).items,
            ["nodes_config is at version 5, and becomes a merge of both at version 7", older]
        );
        let unmerged = "nodes_config is older: version 5, the source has 7";
        assert_eq!(check_target_keys(&plan, false).items, [unmerged, older]);
    }
}
