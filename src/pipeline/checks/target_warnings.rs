//! What an operator should know of a target that takes everything: keys that it does not list, and a store that is
//! full afterwards.

use crate::model::{Plan, Step, StoreError, UnlistedKeys};
use crate::outcome::{Check, Failure, Finding};
use crate::pipeline::verify::is_step_done;

/// Adds the keys that the target keeps without listing them: as a warning, or, where it holds something else
/// under such a name, as what to do about it.
pub fn add_unlisted_keys(finding: Finding, plan: &Plan, unlisted: &UnlistedKeys) -> Finding {
    let is_foreign = |step: &&Step| unlisted.is_protected(&step.key) && !is_step_done(step);
    let foreign: Vec<_> =
        plan.conflicts().filter(is_foreign).map(|step| step.key.to_string()).collect();
    if !foreign.is_empty() {
        let hint = format!(
            "rename or remove {} in the target, or in the source: not a name of Restate's, so it may be another \
             program's, and --force does not replace it",
            foreign.join(", ")
        );
        // The only hint, where nothing else conflicts.
        let others = plan.conflicts().count() > foreign.len();
        let kept = if others { finding.hints.clone() } else { Vec::new() };
        return Finding { hints: kept, ..finding }.hint(hint);
    }
    if unlisted.keys.is_empty() || finding.code.is_some() {
        return finding;
    }
    let items = unlisted.keys.iter().map(|key| {
        format!("{key} is not a name that Restate uses: the target keeps it, and cannot list it")
    });
    finding.items(items.collect()).into_warning().hint(
        "later, `list`, `backup` and a migration from this target do not include these keys; print one with \
         `metadata get --key`",
    )
}

/// Warns of a target that is full after everything was written to it.
pub fn warn_of_full_store(error: &StoreError) -> Finding {
    let finding = Finding::of_failure(Check::TargetWritable, Failure::of_target(error));
    let detail = format!("all keys are written, and now {error}");
    Finding { detail, code: None, ..finding.into_warning() }
        .hint("do so before the servers start: they write at each start")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CasToken, Entry, Key, Snapshot, Value, Version};
    use crate::outcome::{CheckStatus, Code};
    use crate::pipeline::plan::{OnExisting, decide_sparing_plan};

    fn side(values: &[(&Key, &'static str)]) -> Snapshot {
        let entry = |bytes: &'static str| {
            let value = Value { version: Version(1), bytes: bytes.into() };
            Entry::Intact(value, CasToken::Version(Version(1)))
        };
        values.iter().map(|&(key, bytes)| (key.clone(), entry(bytes))).collect()
    }

    /// Adds the unlisted key `other` to a finding with the hint "before".
    fn add(held: &[(&Key, &'static str)], may_be_foreign: bool, code: Option<Code>) -> Finding {
        let (other, rules) = (Key::parse("other"), Key::RuleBook);
        let unlisted = UnlistedKeys { keys: [other.clone()].into(), may_be_foreign };
        let source = side(&[(&other, "ours"), (&rules, "ours")]);
        let plan = decide_sparing_plan(&source, &side(held), OnExisting::Refuse, &unlisted);
        let finding = Finding { code, ..Finding::ok(Check::TargetKeys, "keys").hint("before") };
        add_unlisted_keys(finding, &plan, &unlisted)
    }

    #[test]
    fn foreign_value_under_an_unlisted_name_gets_its_own_hint() {
        let (other, rules) = (Key::parse("other"), Key::RuleBook);
        let refused = Some(Code::TargetKeysExist);
        let own = |finding: &Finding| {
            finding.hints.last().is_some_and(|hint| hint.starts_with("rename or remove other in"))
        };
        let foreign = add(&[(&other, "theirs")], true, refused);
        assert!(own(&foreign) && foreign.hints.len() == 1, "{:?}", foreign.hints);
        let both = add(&[(&other, "theirs"), (&rules, "theirs")], true, refused);
        assert!(own(&both) && both.hints.len() == 2, "{:?}", both.hints);
        for (held, may_be_foreign) in [("ours", true), ("theirs", false)] {
            let kept = add(&[(&other, held)], may_be_foreign, refused);
            assert_eq!(kept.hints, ["before"]);
        }
        let warned = add(&[], true, None);
        assert_eq!((warned.status, warned.items.len()), (CheckStatus::Warning, 1));
        let finding = Finding::ok(Check::TargetKeys, "keys");
        let plan = Plan::new(Vec::new());
        let listed = add_unlisted_keys(finding, &plan, &UnlistedKeys::default());
        assert_eq!(listed.status, CheckStatus::Ok);
    }

    #[test]
    fn full_store_is_a_warning_with_its_reason() {
        let (store, reason) = ("etcd a:1".to_owned(), "quota".to_owned());
        let finding = warn_of_full_store(&StoreError::Full { store, reason });
        assert_eq!((finding.status, finding.code), (CheckStatus::Warning, None));
        assert!(finding.detail.contains("all keys are written, and now etcd a:1 is full"));
    }
}
