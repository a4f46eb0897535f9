//! A key of a run's report: what the run did to it, so that a later run can go on, or take it back.

use std::collections::BTreeMap;

use super::failed_write::WriteState;
use super::key::Key;
use super::plan::{Action, Step};
use super::value::{Entry, Value, Version};

/// A value, known by its version, size and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDigest {
    /// The version beside the bytes.
    pub version: Version,
    /// The number of stored bytes.
    pub bytes: usize,
    /// SHA-256 over the stored bytes, in lower-case hex.
    pub sha256: String,
}

impl ValueDigest {
    /// Computes the digest of a value.
    pub fn of(value: &Value) -> Self {
        ValueDigest { version: value.version, bytes: value.bytes.len(), sha256: value.sha256() }
    }

    /// Returns whether this is the digest of the value.
    pub fn is_of(&self, value: &Value) -> bool {
        *self == ValueDigest::of(value)
    }
}

/// What runs to one target did to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedWrite {
    /// The action.
    pub action: Action,
    /// The value that was written; of a deletion, the one that was deleted.
    pub value: Option<ValueDigest>,
    /// The values that were written before that one.
    pub earlier: Vec<ValueDigest>,
    /// What came of it.
    pub state: WriteState,
}

/// The keys of a report.
pub type RecordedWrites = BTreeMap<Key, RecordedWrite>;

impl RecordedWrite {
    /// Describes a step by the source's value, or by the target's if the source does not have the key. That of a skipped key
    /// is the target's: a `nodes_config` that differs only in its clock is skipped too.
    pub fn from_step(step: &Step, state: WriteState) -> Self {
        let in_target = step.target.as_ref().and_then(Entry::value);
        let value = match step.action {
            Action::Skip => in_target.or(step.source.as_ref()),
            _ => step.source.as_ref().or(in_target),
        };
        let value = value.map(ValueDigest::of);
        RecordedWrite { action: step.action, value, earlier: Vec::new(), state }
    }

    /// Returns whether the key may have been changed.
    pub fn may_be_done(&self) -> bool {
        self.state != WriteState::NotWritten
    }

    /// Returns whether the value is one that was written to the key.
    pub fn has_written(&self, value: &Value) -> bool {
        let last = self.value.as_ref().filter(|_| self.action != Action::Delete);
        last.into_iter().chain(&self.earlier).any(|digest| digest.is_of(value))
    }

    /// Adds what a later run, or a later round of the same, did to the key.
    ///
    /// The action stays what it was from the beginning: a key that was created is not one that was overwritten,
    /// although a later round replaces its value.
    #[must_use]
    pub fn followed_by(self, later: RecordedWrite) -> Self {
        let is_same = self.value.is_some() && self.value == later.value;
        match (self.may_be_done(), later.may_be_done()) {
            (false, _) => later,
            // Found as it was written.
            (true, false) if later.action == Action::Skip && is_same => {
                RecordedWrite { state: WriteState::Written, ..self }
            }
            (true, false) => self,
            (true, true) => self.combine(later),
        }
    }

    fn combine(self, later: RecordedWrite) -> Self {
        let action = match (self.action, later.action) {
            (Action::Create, _) => Action::Create,
            (_, Action::Delete) => Action::Delete,
            _ => Action::Overwrite,
        };
        let value = match (self.action, later.action) {
            (Action::Create, Action::Delete) => self.value.clone(),
            _ => later.value,
        };
        // What a deletion names was not necessarily written. A value that was stays known beside it: the deletion
        // may not have been carried out.
        let written = self.value.filter(|_| self.action != Action::Delete);
        let mut earlier = Vec::new();
        for one in self.earlier.into_iter().chain(later.earlier).chain(written) {
            let is_named = action != Action::Delete && Some(&one) == value.as_ref();
            if !is_named && !earlier.contains(&one) {
                earlier.push(one);
            }
        }
        RecordedWrite { action, value, earlier, state: later.state }
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;

    fn value(version: u32) -> Value {
        Value { version: Version(version), bytes: Bytes::from_static(b"x") }
    }

    fn write(action: Action, version: u32, state: WriteState) -> RecordedWrite {
        let value = Some(ValueDigest::of(&value(version)));
        RecordedWrite { action, value, earlier: Vec::new(), state }
    }

    #[test]
    fn later_writes_keep_the_first_action_and_every_value() {
        use WriteState::{NotWritten, Unknown, Written};
        let created = || write(Action::Create, 1, Unknown);
        let replaced = created().followed_by(write(Action::Overwrite, 2, Written));
        assert_eq!((replaced.action, replaced.state), (Action::Create, Written));
        assert!(replaced.has_written(&value(1)) && replaced.has_written(&value(2)));
        assert!(!replaced.has_written(&value(3)));
        let gone = replaced.followed_by(write(Action::Delete, 2, Written));
        assert_eq!(gone.action, Action::Create);
        assert!(gone.has_written(&value(2)));
        // What a run has not touched stays as it was recorded, or is settled.
        assert_eq!(created().followed_by(write(Action::Conflict, 5, NotWritten)), created());
        assert_eq!(created().followed_by(write(Action::Skip, 1, NotWritten)).state, Written);
        assert_eq!(created().followed_by(write(Action::Skip, 2, NotWritten)).state, Unknown);
        let skipped = write(Action::Skip, 1, NotWritten);
        assert_eq!(skipped.clone().followed_by(created()), created());
        // What was deleted was never written.
        let deleted = write(Action::Delete, 7, Written);
        assert!(!deleted.has_written(&value(7)));
        let back = deleted.followed_by(write(Action::Create, 8, Written));
        assert_eq!((back.action, back.earlier.len()), (Action::Overwrite, 0));
    }
}
