//! Compares two snapshots. Pure: no I/O, not async.

use std::cmp::Ordering;

use crate::model::{Comparison, Entry, Key, KeyComparison, KeyStatus, Snapshot, Value};

/// Compares versions and bytes, and nothing of how a store keeps them.
pub fn compare(source: &Snapshot, target: &Snapshot) -> Comparison {
    let mut keys: Vec<&Key> = source.keys().chain(target.keys()).collect();
    keys.sort();
    keys.dedup();
    let rows = keys.into_iter().map(|key| {
        let (source, target) = (source.get(key).cloned(), target.get(key).cloned());
        let status = compare_entries(source.as_ref(), target.as_ref());
        KeyComparison { key: key.clone(), status, source, target }
    });
    Comparison { rows: rows.collect() }
}

fn compare_entries(source: Option<&Entry>, target: Option<&Entry>) -> KeyStatus {
    let (source, target) = match (source, target) {
        (None, _) => return KeyStatus::Extra,
        (_, None) => return KeyStatus::Missing,
        (Some(source), Some(target)) => (source, target),
    };
    match (source.value(), target.value()) {
        (Some(source), Some(target)) => compare_values(source, target),
        _ => KeyStatus::Different,
    }
}

/// Compares two intact values.
pub fn compare_values(source: &Value, target: &Value) -> KeyStatus {
    match target.version.cmp(&source.version) {
        Ordering::Greater => KeyStatus::Newer,
        Ordering::Less => KeyStatus::Older,
        Ordering::Equal if target.bytes == source.bytes => KeyStatus::Same,
        Ordering::Equal => KeyStatus::Different,
    }
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
        assert_eq!(comparison.differences(false).count(), 6);
        assert_eq!(comparison.differences(true).count(), 5);
    }
}
