//! Compares two snapshots. Pure: no I/O, not async.

use std::cmp::Ordering;

use crate::codec;
use crate::model::{Comparison, Entry, Key, KeyComparison, KeyStatus, Snapshot, Step, Value};

/// Compares versions and content, and nothing of how a store keeps them.
pub fn compare(source: &Snapshot, target: &Snapshot) -> Comparison {
    let rows = compare_keys(source, target).map(|(key, status)| {
        let (source, target) = (source.get(key).cloned(), target.get(key).cloned());
        KeyComparison { key: key.clone(), status, source, target }
    });
    let mut rows: Vec<_> = rows.collect();
    // A version of another cluster is neither newer nor older.
    if are_two_clusters(source, target) {
        let of_cluster = rows.iter_mut().filter(|row| row.key == Key::NodesConfig);
        of_cluster.for_each(|row| row.status = KeyStatus::Different);
    }
    Comparison { rows }
}

/// Returns whether both say whose they are, and these are not one cluster.
fn are_two_clusters(source: &Snapshot, target: &Snapshot) -> bool {
    codec::nodes_of(source)
        .zip(codec::nodes_of(target))
        .is_some_and(|(source, target)| !source.may_be_same_cluster(&target))
}

/// Returns the keys that are not the same, without a copy of what either side has.
pub fn find_differences<'a>(
    source: &'a Snapshot,
    target: &'a Snapshot,
) -> impl Iterator<Item = (&'a Key, KeyStatus)> {
    compare_keys(source, target).filter(|(_, status)| *status != KeyStatus::Same)
}

fn compare_keys<'a>(
    source: &'a Snapshot,
    target: &'a Snapshot,
) -> impl Iterator<Item = (&'a Key, KeyStatus)> {
    let mut keys: Vec<&Key> = source.keys().chain(target.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().map(|key| (key, compare_entries(key, source.get(key), target.get(key))))
}

fn compare_entries(key: &Key, source: Option<&Entry>, target: Option<&Entry>) -> KeyStatus {
    let (source, target) = match (source, target) {
        (None, _) => return KeyStatus::Extra,
        (_, None) => return KeyStatus::Missing,
        (Some(source), Some(target)) => (source, target),
    };
    match (source.value(), target.value()) {
        (Some(source), Some(target)) => compare_values(key, source, target),
        _ => KeyStatus::Different,
    }
}

/// Compares two intact values of the key.
///
/// A `nodes_config` that differs only in its clock is the same: see [`codec::differs_only_in_clock`].
pub fn compare_values(key: &Key, source: &Value, target: &Value) -> KeyStatus {
    match target.version.cmp(&source.version) {
        Ordering::Greater => KeyStatus::Newer,
        Ordering::Less => KeyStatus::Older,
        Ordering::Equal if target.bytes == source.bytes => KeyStatus::Same,
        Ordering::Equal if is_clock_difference(key, source, target) => KeyStatus::Same,
        Ordering::Equal => KeyStatus::Different,
    }
}

fn is_clock_difference(key: &Key, source: &Value, target: &Value) -> bool {
    *key == Key::NodesConfig && codec::differs_only_in_clock(source, target)
}

/// Returns whether both are intact values of the key, and the same.
pub fn are_same(key: &Key, one: Option<&Value>, other: Option<&Value>) -> bool {
    one.zip(other).is_some_and(|(one, other)| compare_values(key, one, other) == KeyStatus::Same)
}

/// Returns whether the target of a step already holds what the source does.
pub fn is_step_done(step: &Step) -> bool {
    let target = step.target.as_ref().and_then(Entry::value);
    are_same(&step.key, step.source.as_ref(), target)
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Version};

    fn entry(version: u32, bytes: &'static str) -> Entry {
        let tag = CasToken::Version(Version(version));
        Entry::Intact(
            Value { version: Version(version), bytes: Bytes::from_static(bytes.as_bytes()) },
            tag,
        )
    }

    #[test]
    fn comparison_gives_each_key_its_status() {
        let broken = Entry::Damaged {
            reason: "is broken".into(),
            raw: Vec::new(),
            tag: CasToken::Version(Version(1)),
        };
        let epoch = Key::PartitionEpoch;
        let source = Snapshot::from([
            (epoch(0), entry(1, "a")),
            (epoch(1), entry(1, "a")),
            (epoch(2), entry(1, "a")),
            (epoch(3), entry(1, "a")),
            (epoch(4), entry(2, "a")),
            (epoch(6), entry(1, "a")),
        ]);
        let target = Snapshot::from([
            (epoch(0), entry(1, "a")),
            (epoch(2), entry(1, "b")),
            (epoch(3), entry(2, "a")),
            (epoch(4), entry(1, "a")),
            (epoch(5), entry(1, "a")),
            (epoch(6), broken),
        ]);
        let comparison = compare(&source, &target);
        let names: Vec<_> = comparison.rows.iter().map(|row| row.status.name()).collect();
        assert_eq!(names, ["same", "missing", "different", "newer", "older", "extra", "different"]);
        assert!(comparison.rows.iter().all(|row| row.note().is_none()));
        assert_eq!(comparison.differences(false).count(), 6);
        assert_eq!(comparison.differences(true).count(), 5);
        let differing: Vec<_> = find_differences(&source, &target).collect();
        let rows = comparison.rows.iter().filter(|row| row.status != KeyStatus::Same);
        assert_eq!(differing, rows.map(|row| (&row.key, row.status)).collect::<Vec<_>>());
    }

    #[test]
    fn clock_of_nodes_config_is_the_same_with_a_note_and_that_of_another_key_is_not() {
        let one = entry(1, "\x05{\"version\":1,\"modified_at\":1,\"nodes\":[]}");
        let other = entry(1, "\x05{\"version\":1,\"modified_at\":2,\"nodes\":[]}");
        for (key, status, note) in [
            (Key::NodesConfig, KeyStatus::Same, Some("clock")),
            (Key::Schema, KeyStatus::Different, None),
        ] {
            let side = |entry: &Entry| Snapshot::from([(key.clone(), entry.clone())]);
            let comparison = compare(&side(&one), &side(&other));
            assert_eq!((comparison.rows[0].status, comparison.rows[0].note()), (status, note));
            let values = (one.value(), other.value());
            assert_eq!(are_same(&key, values.0, values.1), note.is_some());
            assert!(!are_same(&key, None, None));
        }
    }
}
