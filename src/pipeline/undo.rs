//! Decides, key by key, how to take back what a run wrote. Pure: no I/O, not async.

use crate::model::{
    Action, Entry, Key, Plan, RecordedWrite, RecordedWrites, Snapshot, Step, Value, ValueDigest,
};

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct UndoInput<'a> {
    /// What the run did to each key.
    pub run: &'a RecordedWrites,
    /// What the target held before, by the backup of the run.
    pub before: &'a Snapshot,
    /// What the target holds now.
    pub held: &'a Snapshot,
}

/// Decides one step for each key: delete what the run created, restore what it replaced or deleted, skip what is
/// as it was before, or was never written. A key that is neither what the run wrote nor what it found is a conflict, and so
/// is one that it left, if that is missing where others are to be restored.
pub fn decide_undo(input: UndoInput<'_>) -> Plan {
    let mut keys: Vec<&Key> = input.run.keys().chain(input.held.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut steps: Vec<_> = keys.into_iter().map(|key| decide_step(key, input)).collect();
    refuse_emptied_target(&mut steps, input);
    hide_mixture(&mut steps, input.run);
    Plan::new(steps)
}

/// Makes conflicts of keys that the run found and left, and that are gone, where others are to be created: the target was
/// emptied or is another one, and would get some keys of an old store without the others.
fn refuse_emptied_target(steps: &mut [Step], input: UndoInput<'_>) {
    if steps.iter().all(|step| step.action != Action::Create) {
        return;
    }
    let was_left = |key: &Key| {
        let write = input.run.get(key);
        write.is_some_and(|write| write.action == Action::Skip && write.value.is_some())
    };
    for step in steps.iter_mut().filter(|step| step.target.is_none() && was_left(&step.key)) {
        step.action = Action::Conflict;
    }
}

/// Restores a `nodes_config` that the run wrote and that is as it was before, where other keys are not: it is deleted
/// first and comes back last, so that a half-restored target is never mistaken for a whole one.
fn hide_mixture(steps: &mut [Step], run: &RecordedWrites) {
    let is_written = run.get(&Key::NodesConfig).is_some_and(RecordedWrite::may_be_done);
    if !is_written || steps.iter().all(|step| step.change().is_none()) {
        return;
    }
    for step in steps.iter_mut().filter(|step| step.key == Key::NodesConfig) {
        let found = step.target.as_ref().and_then(Entry::value).cloned();
        if let (Action::Skip, Some(value)) = (step.action, found) {
            (step.action, step.source) = (Action::Overwrite, Some(value));
        }
    }
}

fn decide_step(key: &Key, input: UndoInput<'_>) -> Step {
    let found = input.held.get(key);
    let step = |action, source| Step { key: key.clone(), action, source, target: found.cloned() };
    let Some(write) = input.run.get(key).filter(|write| write.may_be_done()) else {
        return step(Action::Skip, None);
    };
    let before = entry_before(key, write, input.before);
    let restored = before.and_then(Entry::value).cloned();
    match found {
        _ if are_equal(found, before) => step(Action::Skip, None),
        // Nothing is left of it, and what was there is damaged in the backup.
        None if restored.is_none() => step(Action::Skip, None),
        None => step(Action::Create, restored),
        Some(entry) if entry.value().is_some_and(|value| write.has_written(value)) => {
            match restored {
                Some(value) => step(Action::Overwrite, Some(value)),
                None => step(Action::Delete, None),
            }
        }
        Some(_) => step(Action::Conflict, restored),
    }
}

/// Returns what the target held before the run; `None` for a key that the run created.
fn entry_before<'a>(key: &Key, write: &RecordedWrite, before: &'a Snapshot) -> Option<&'a Entry> {
    match write.action {
        Action::Create => None,
        _ => before.get(key),
    }
}

fn are_equal(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(Entry::Intact(one, _)), Some(Entry::Intact(other, _))) => one == other,
        (Some(Entry::Damaged { raw: one, .. }), Some(Entry::Damaged { raw: other, .. })) => {
            one == other
        }
        _ => false,
    }
}

/// Returns whether `nodes_config` of the target is what the run wrote or skipped, or what it had found. A
/// cluster that was started there since has changed it.
pub fn is_nodes_config_explained(input: UndoInput<'_>) -> bool {
    let Some(found) = input.held.get(&Key::NodesConfig) else { return true };
    let before = input.before.get(&Key::NodesConfig);
    let is_known = |write: &RecordedWrite, value: &Value| match write.action {
        Action::Skip => {
            write.value.as_ref().is_some_and(|digest: &ValueDigest| digest.is_of(value))
        }
        _ => write.may_be_done() && write.has_written(value),
    };
    let write = input.run.get(&Key::NodesConfig);
    let is_of_run = write.zip(found.value()).is_some_and(|(write, value)| is_known(write, value));
    is_of_run || before.is_some() && are_equal(Some(found), before)
}

/// Returns the keys that the run replaced or deleted and that the backup does not hold.
pub fn find_unsaved_keys(run: &RecordedWrites, before: &Snapshot) -> Vec<Key> {
    let is_replaced = |write: &RecordedWrite| write.may_be_done() && write.action != Action::Create;
    let replaced = run.iter().filter(|(_, write)| is_replaced(write)).map(|(key, _)| key);
    replaced.filter(|key| !before.contains_key(*key)).cloned().collect()
}

/// Returns the keys that the run replaced or deleted, and that are damaged in the backup, so that they can't be
/// restored from it; those that are still there as they were are left out.
pub fn find_unrestorable_keys(input: UndoInput<'_>) -> Vec<Key> {
    let is_lost = |key: &Key, write: &RecordedWrite| {
        let before = entry_before(key, write, input.before);
        let is_damaged = before.is_some_and(|entry| entry.value().is_none());
        write.may_be_done() && is_damaged && !are_equal(input.held.get(key), before)
    };
    let lost = input.run.iter().filter(|(key, write)| is_lost(key, write));
    lost.map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod write_sequences;

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Version, WriteState};

    fn value(version: u32) -> Value {
        Value { version: Version(version), bytes: Bytes::from_static(b"x") }
    }

    fn entry(version: u32) -> Entry {
        Entry::Intact(value(version), CasToken::Version(Version(version)))
    }

    fn damaged() -> Entry {
        let tag = CasToken::Version(Version(0));
        Entry::Damaged { reason: "is broken".into(), raw: Vec::new(), tag }
    }

    fn write(action: Action, version: u32, state: WriteState) -> RecordedWrite {
        let value = Some(ValueDigest::of(&value(version)));
        RecordedWrite { action, value, earlier: Vec::new(), state }
    }

    /// Decides the step of one key that the run wrote at version 5, with what was there before and is now.
    fn decide(action: Action, before: Option<Entry>, found: Option<Entry>) -> Action {
        let key = Key::RuleBook;
        let shown = if action == Action::Delete { 3 } else { 5 };
        let run = RecordedWrites::from([(key.clone(), write(action, shown, WriteState::Unknown))]);
        let snapshot = |entry: Option<Entry>| -> Snapshot {
            entry.map(|entry| (key.clone(), entry)).into_iter().collect()
        };
        let (before, held) = (snapshot(before), snapshot(found));
        let plan = decide_undo(UndoInput { run: &run, before: &before, held: &held });
        plan.steps[0].action
    }

    #[test]
    fn each_key_goes_back_to_what_it_was_or_is_a_conflict() {
        use Action::{Conflict, Create, Delete, Overwrite, Skip};
        for (action, before, found, expected) in [
            (Create, None, None, Skip),
            (Create, None, Some(entry(5)), Delete),
            (Create, None, Some(entry(6)), Conflict),
            (Create, None, Some(damaged()), Conflict),
            // What a later backup says of a key that the run created is the run's own value.
            (Create, Some(entry(5)), Some(entry(5)), Delete),
            (Overwrite, Some(entry(3)), Some(entry(5)), Overwrite),
            (Overwrite, Some(entry(3)), Some(entry(3)), Skip),
            (Overwrite, Some(entry(3)), None, Create),
            (Overwrite, Some(entry(3)), Some(entry(4)), Conflict),
            (Overwrite, Some(damaged()), Some(entry(5)), Delete),
            (Overwrite, Some(damaged()), Some(damaged()), Skip),
            (Overwrite, Some(damaged()), None, Skip),
            (Delete, Some(entry(3)), None, Create),
            (Delete, Some(entry(3)), Some(entry(3)), Skip),
            (Delete, Some(entry(3)), Some(entry(5)), Conflict),
            (Skip, None, Some(entry(9)), Conflict),
        ] {
            let shown = format!("{action:?} of {before:?}, now {found:?}");
            assert_eq!(decide(action, before, found), expected, "{shown}");
        }
    }

    #[test]
    fn unchanged_nodes_config_is_put_last_where_other_keys_change() {
        let run = |action, state| {
            RecordedWrites::from([
                (Key::NodesConfig, write(action, 5, state)),
                (Key::RuleBook, write(Action::Create, 5, WriteState::Written)),
            ])
        };
        let before = Snapshot::from([(Key::NodesConfig, entry(5))]);
        let decide = |run: &RecordedWrites, held: &Snapshot| {
            decide_undo(UndoInput { run, before: &before, held }).steps[0].action
        };
        let held = Snapshot::from([(Key::NodesConfig, entry(5)), (Key::RuleBook, entry(5))]);
        let replaced = run(Action::Overwrite, WriteState::Written);
        assert_eq!(decide(&replaced, &held), Action::Overwrite);
        assert_eq!(decide(&replaced, &before), Action::Skip);
        assert_eq!(decide(&run(Action::Skip, WriteState::NotWritten), &held), Action::Skip);
    }

    #[test]
    fn keys_that_the_run_did_not_write_stay() {
        let run = RecordedWrites::from([
            (Key::Logs, write(Action::Skip, 2, WriteState::NotWritten)),
            (Key::Schema, write(Action::Create, 2, WriteState::NotWritten)),
        ]);
        let held = Snapshot::from([(Key::Logs, entry(2)), (Key::RuleBook, entry(1))]);
        let plan = decide_undo(UndoInput { run: &run, before: &Snapshot::new(), held: &held });
        assert_eq!(plan.steps.len(), 3);
        assert_eq!(plan.count(Action::Skip), 3);
        assert!(plan.changes().is_empty());
    }

    #[test]
    fn keys_are_not_restored_to_a_target_that_lost_others() {
        let run = RecordedWrites::from([
            (Key::Logs, write(Action::Skip, 2, WriteState::NotWritten)),
            (Key::RuleBook, write(Action::Overwrite, 5, WriteState::Written)),
        ]);
        let before = Snapshot::from([(Key::Logs, entry(2)), (Key::RuleBook, entry(3))]);
        let decide = |held: &Snapshot| {
            let plan = decide_undo(UndoInput { run: &run, before: &before, held });
            plan.steps.iter().map(|step| step.action).collect::<Vec<_>>()
        };
        use Action::{Conflict, Create, Overwrite, Skip};
        assert_eq!(decide(&Snapshot::new()), [Conflict, Create]);
        assert_eq!(decide(&Snapshot::from([(Key::Logs, entry(2))])), [Skip, Create]);
        assert_eq!(decide(&Snapshot::from([(Key::RuleBook, entry(5))])), [Skip, Overwrite]);
        assert_eq!(decide(&before), [Skip, Skip]);
    }

    #[test]
    fn nodes_config_is_explained_by_the_run_or_its_backup_only() {
        let explained = |action: Action, state: WriteState, before: Option<u32>, found: u32| {
            let key = || Key::NodesConfig;
            let run = RecordedWrites::from([(key(), write(action, 5, state))]);
            let before = before.map(|version| (key(), entry(version))).into_iter().collect();
            let held = Snapshot::from([(key(), entry(found))]);
            is_nodes_config_explained(UndoInput { run: &run, before: &before, held: &held })
        };
        assert!(explained(Action::Create, WriteState::Written, None, 5));
        assert!(!explained(Action::Create, WriteState::Written, None, 6));
        assert!(!explained(Action::Create, WriteState::NotWritten, None, 5));
        assert!(explained(Action::Skip, WriteState::NotWritten, None, 5));
        assert!(!explained(Action::Skip, WriteState::NotWritten, None, 6));
        assert!(explained(Action::Overwrite, WriteState::Unknown, Some(3), 3));
        assert!(!explained(Action::Overwrite, WriteState::Unknown, Some(3), 4));
    }

    #[test]
    fn what_the_backup_lacks_or_holds_damaged_is_named() {
        let run = RecordedWrites::from([
            (Key::Logs, write(Action::Overwrite, 5, WriteState::Written)),
            (Key::RuleBook, write(Action::Delete, 3, WriteState::Written)),
            (Key::Schema, write(Action::Create, 5, WriteState::Written)),
        ]);
        let before = Snapshot::from([(Key::Logs, damaged())]);
        assert_eq!(find_unsaved_keys(&run, &before), [Key::RuleBook]);
        let unrestorable = |held: &Snapshot| {
            find_unrestorable_keys(UndoInput { run: &run, before: &before, held })
        };
        assert_eq!(unrestorable(&Snapshot::from([(Key::Logs, entry(5))])), [Key::Logs]);
        assert!(unrestorable(&before).is_empty());
    }
}
