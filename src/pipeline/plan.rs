//! Decides the action for each key from two snapshots. Pure: no I/O, not async.

use crate::model::{Action, Entry, Key, Plan, Snapshot, Step, UnlistedKeys};
use crate::pipeline::verify::is_step_done;

/// The treatment of keys that the target already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    /// Nothing may exist.
    Refuse,
    /// `--resume`: what is identical is skipped, nothing else may exist.
    Resume,
    /// `--force`: everything is replaced, what the source lacks is deleted.
    Overwrite,
    /// Both: what is identical is skipped, the rest is replaced.
    ResumeAndOverwrite,
}

impl OnExisting {
    /// Returns the treatment that the two flags ask for.
    pub fn from_flags(resume: bool, force: bool) -> Self {
        match (resume, force) {
            (false, false) => OnExisting::Refuse,
            (true, false) => OnExisting::Resume,
            (false, true) => OnExisting::Overwrite,
            (true, true) => OnExisting::ResumeAndOverwrite,
        }
    }
}

/// Decides key by key. Damaged values of the source are left out: the checks refuse them.
pub fn decide_plan(source: &Snapshot, target: &Snapshot, on_existing: OnExisting) -> Plan {
    decide_sparing_plan(source, target, on_existing, &UnlistedKeys::default())
}

/// Decides key by key, and leaves alone what the target may hold for other software under these names, whatever
/// is permitted.
pub fn decide_sparing_plan(
    source: &Snapshot,
    target: &Snapshot,
    on_existing: OnExisting,
    unlisted: &UnlistedKeys,
) -> Plan {
    let mut keys: Vec<&Key> = source.keys().chain(target.keys()).collect();
    keys.sort();
    keys.dedup();
    let steps = keys.into_iter().map(|key| {
        let mut step = Step {
            key: key.clone(),
            action: Action::Create,
            source: source.get(key).and_then(Entry::value).cloned(),
            target: target.get(key).cloned(),
        };
        step.action = decide_action(&step, on_existing);
        if unlisted.is_protected(key) {
            step.action = spare_existing(&step);
        }
        step
    });
    let mut steps: Vec<Step> = steps.collect();
    keep_last(&mut steps);
    Plan::new(steps)
}

/// Replaces an identical `nodes_config` as well where anything is replaced: it is gone while the
/// target is a mixture, and comes back last.
fn keep_last(steps: &mut [Step]) {
    let replaces = |step: &Step| matches!(step.action, Action::Overwrite | Action::Delete);
    if steps.iter().any(replaces) {
        for step in steps.iter_mut().filter(|step| step.key == Key::NodesConfig) {
            if step.action == Action::Skip {
                step.action = Action::Overwrite;
            }
        }
    }
}

/// Returns the action for a key whose entry in the target must not change.
fn spare_existing(step: &Step) -> Action {
    match step.action {
        Action::Overwrite | Action::Delete if is_step_done(step) => Action::Skip,
        Action::Overwrite | Action::Delete => Action::Conflict,
        action => action,
    }
}

fn decide_action(step: &Step, on_existing: OnExisting) -> Action {
    use OnExisting::{Overwrite, Refuse, Resume, ResumeAndOverwrite};
    match (&step.source, &step.target, on_existing) {
        (Some(_), None, _) => Action::Create,
        (_, _, Resume | ResumeAndOverwrite) if is_step_done(step) => Action::Skip,
        (_, _, Refuse | Resume) | (None, None, _) => Action::Conflict,
        (Some(_), Some(_), Overwrite | ResumeAndOverwrite) => Action::Overwrite,
        (None, Some(_), Overwrite | ResumeAndOverwrite) => Action::Delete,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};

    fn any_snapshot() -> impl Strategy<Value = Snapshot> {
        let entry = (1_u32..3, 0_u8..3, any::<bool>()).prop_map(|(version, byte, damaged)| {
            let tag = CasToken::Revisions { value: i64::from(byte) + 1, version: 1 };
            match damaged && byte == 0 {
                true => Entry::Damaged { reason: "is broken".into(), raw: Vec::new(), tag },
                false => {
                    let bytes = Bytes::from(vec![byte]);
                    Entry::Intact(Value { version: Version(version), bytes }, tag)
                }
            }
        });
        let key = prop_oneof![
            Just(Key::NodesConfig),
            Just(Key::RuleBook),
            (0_u16..6).prop_map(Key::PartitionEpoch)
        ];
        prop::collection::btree_map(key, entry, 0..8)
    }

    fn whole(snapshot: Snapshot) -> Snapshot {
        snapshot.into_iter().filter(|(_, entry)| entry.value().is_some()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..Default::default() })]

        #[test]
        fn every_key_has_one_step_and_nothing_existing_changes_unless_forced(
            source in any_snapshot().prop_map(whole), target in any_snapshot(), resume: bool, force: bool
        ) {
            let plan = decide_plan(&source, &target, OnExisting::from_flags(resume, force));
            let keys: Vec<_> = plan.steps.iter().map(|step| step.key.clone()).collect();
            let mut expected: Vec<_> = source.keys().chain(target.keys()).cloned().collect();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(keys, expected);
            for step in plan.steps.iter() {
                if !force {
                    prop_assert!(!matches!(step.action, Action::Overwrite | Action::Delete));
                } else {
                    prop_assert_ne!(step.action, Action::Conflict);
                }
                let skipped = resume && is_step_done(step);
                if step.key == Key::NodesConfig {
                    prop_assert!(skipped || step.action != Action::Skip);
                } else {
                    prop_assert_eq!(step.action == Action::Skip, skipped);
                }
                prop_assert_eq!(step.action == Action::Create, step.target.is_none());
            }
        }

        #[test]
        fn protected_key_is_never_replaced(
            source in any_snapshot().prop_map(whole), target in any_snapshot(), resume: bool, force: bool
        ) {
            let keys = [Key::RuleBook, Key::PartitionEpoch(1)].into();
            let unlisted = UnlistedKeys { keys, may_be_foreign: true };
            let on_existing = OnExisting::from_flags(resume, force);
            let plan = decide_sparing_plan(&source, &target, on_existing, &unlisted);
            for step in plan.steps.iter().filter(|step| unlisted.is_protected(&step.key)) {
                prop_assert!(!matches!(step.action, Action::Overwrite | Action::Delete));
                prop_assert!(step.action != Action::Skip || is_step_done(step));
                // What is there already is no conflict with it.
                prop_assert!(step.action == Action::Skip || !(force && is_step_done(step)));
            }
        }

        #[test]
        fn nodes_config_never_stays_where_others_are_replaced(
            source in any_snapshot().prop_map(whole), target in any_snapshot(), resume: bool
        ) {
            let plan = decide_plan(&source, &target, OnExisting::from_flags(resume, true));
            let replaces = plan.count(Action::Overwrite) + plan.count(Action::Delete) > 0;
            let stays = |step: &Step| step.key == Key::NodesConfig && step.action == Action::Skip;
            prop_assert!(!(replaces && plan.steps.iter().any(stays)));
        }

        #[test]
        fn a_forced_plan_carried_out_is_the_source(
            source in any_snapshot().prop_map(whole), target in any_snapshot(), resume: bool
        ) {
            let plan = decide_plan(&source, &target, OnExisting::from_flags(resume, true));
            let mut result: std::collections::BTreeMap<_, _> = target
                .iter()
                .filter_map(|(key, entry)| Some((key.clone(), entry.value()?.clone())))
                .collect();
            for change in plan.changes() {
                match change.value() {
                    Some(value) => { result.insert(change.key.clone(), value.clone()); }
                    None => { result.remove(&change.key); }
                }
            }
            let expected: std::collections::BTreeMap<_, _> = source
                .iter()
                .filter_map(|(key, entry)| Some((key.clone(), entry.value()?.clone())))
                .collect();
            prop_assert_eq!(result, expected);
        }
    }
}
