//! Two snapshots in, a verdict out. Pure: no I/O, not async.

use std::cmp::Ordering;

use crate::model::{Entry, Key, Snapshot, Value};

/// How a key of the target compares with the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Same version, same bytes.
    Same,
    /// Not in the target.
    Missing,
    /// Same version, other bytes; or one of the two is damaged.
    Different,
    /// The target's version is higher.
    Newer,
    /// The target's version is lower.
    Older,
    /// Only in the target.
    Extra,
}

impl Status {
    /// All of them, in the order of the documents.
    pub const ALL: [Status; 6] = [
        Status::Same,
        Status::Missing,
        Status::Different,
        Status::Newer,
        Status::Older,
        Status::Extra,
    ];

    /// The name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Status::Same => "same",
            Status::Missing => "missing",
            Status::Different => "different",
            Status::Newer => "newer",
            Status::Older => "older",
            Status::Extra => "extra",
        }
    }
}

/// One key of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which key.
    pub key: Key,
    /// How it compares.
    pub status: Status,
    /// What the source holds.
    pub source: Option<Entry>,
    /// What the target holds.
    pub target: Option<Entry>,
}

/// Every key that either side has, in the order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// One for each key.
    pub rows: Vec<Row>,
}

impl Verdict {
    /// How many keys compare so.
    pub fn count(&self, status: Status) -> usize {
        self.rows.iter().filter(|row| row.status == status).count()
    }

    /// The keys that are not the same, and not newer where that is allowed.
    pub fn faults(&self, allow_newer: bool) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| match row.status {
            Status::Same => false,
            Status::Newer => !allow_newer,
            _ => true,
        })
    }
}

/// Compares versions and bytes, and nothing of how a store keeps them.
pub fn compare(source: &Snapshot, target: &Snapshot) -> Verdict {
    let mut keys: Vec<&Key> = source.keys().chain(target.keys()).collect();
    keys.sort();
    keys.dedup();
    let rows = keys.into_iter().map(|key| {
        let (source, target) = (source.get(key).cloned(), target.get(key).cloned());
        let status = status(source.as_ref(), target.as_ref());
        Row { key: key.clone(), status, source, target }
    });
    Verdict { rows: rows.collect() }
}

fn status(source: Option<&Entry>, target: Option<&Entry>) -> Status {
    let (source, target) = match (source, target) {
        (None, _) => return Status::Extra,
        (_, None) => return Status::Missing,
        (Some(source), Some(target)) => (source, target),
    };
    match (source.value(), target.value()) {
        (Some(source), Some(target)) => compare_values(source, target),
        _ => Status::Different,
    }
}

/// How two whole values compare.
pub fn compare_values(source: &Value, target: &Value) -> Status {
    match target.version.cmp(&source.version) {
        Ordering::Greater => Status::Newer,
        Ordering::Less => Status::Older,
        Ordering::Equal if target.bytes == source.bytes => Status::Same,
        Ordering::Equal => Status::Different,
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{Tag, Version};

    fn entry(version: u32, bytes: &'static str) -> Entry {
        let tag = Tag::Version(Version(version));
        Entry::Whole(
            Value { version: Version(version), bytes: Bytes::from_static(bytes.as_bytes()) },
            tag,
        )
    }

    #[test]
    fn each_status_and_what_counts_as_a_fault() {
        let broken = Entry::Damaged {
            reason: "is broken".into(),
            raw: Vec::new(),
            tag: Tag::Version(Version(1)),
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
        let verdict = compare(&source, &target);
        let names: Vec<_> = verdict.rows.iter().map(|row| row.status.name()).collect();
        assert_eq!(names, ["same", "missing", "different", "newer", "older", "extra", "different"]);
        assert_eq!(verdict.faults(false).count(), 6);
        assert_eq!(verdict.faults(true).count(), 5);
    }
}
