//! The comparison of two stores, key by key.

use super::key::Key;
use super::value::Entry;

/// The comparison of one key: the target's state against the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Same version, same content.
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

impl KeyStatus {
    /// All of them, in the order of the documents.
    pub const ALL: [KeyStatus; 6] = [
        KeyStatus::Same,
        KeyStatus::Missing,
        KeyStatus::Different,
        KeyStatus::Newer,
        KeyStatus::Older,
        KeyStatus::Extra,
    ];

    /// Returns the name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            KeyStatus::Same => "same",
            KeyStatus::Missing => "missing",
            KeyStatus::Different => "different",
            KeyStatus::Newer => "newer",
            KeyStatus::Older => "older",
            KeyStatus::Extra => "extra",
        }
    }
}

/// One key of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyComparison {
    /// The key.
    pub key: Key,
    /// The comparison.
    pub status: KeyStatus,
    /// The source's entry.
    pub source: Option<Entry>,
    /// The target's entry.
    pub target: Option<Entry>,
}

impl KeyComparison {
    /// Returns the name of what keys that are the same nevertheless differ in: `clock`, the time and
    /// order that each member of the replicated store writes for itself.
    pub fn note(&self) -> Option<&'static str> {
        let bytes = |entry: &Option<Entry>| Some(entry.as_ref()?.value()?.bytes.clone());
        let differs = bytes(&self.source) != bytes(&self.target);
        (self.status == KeyStatus::Same && differs).then_some("clock")
    }
}

/// Every key that either side has, in the order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// One for each key.
    pub rows: Vec<KeyComparison>,
}

impl Comparison {
    /// Counts the keys with this status.
    pub fn count(&self, status: KeyStatus) -> usize {
        self.rows.iter().filter(|row| row.status == status).count()
    }

    /// Returns the keys that are not the same, and not newer where that is allowed.
    pub fn differences(&self, allow_newer: bool) -> impl Iterator<Item = &KeyComparison> {
        self.rows.iter().filter(move |row| match row.status {
            KeyStatus::Same => false,
            KeyStatus::Newer => !allow_newer,
            _ => true,
        })
    }
}
