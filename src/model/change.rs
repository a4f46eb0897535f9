//! One conditional write, and its precondition.

use super::key::Key;
use super::value::{CasToken, Entry, Value};

/// One conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// The change itself.
    pub effect: Effect,
}

/// The effect of a change, and its precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Requires that the key is not there.
    Create(Value),
    /// Requires that it still is what the tag was read with.
    Overwrite(Value, CasToken),
    /// Requires that it still is what the tag was read with.
    Delete(CasToken),
}

impl Change {
    /// Returns the value that the key has afterwards.
    pub fn value(&self) -> Option<&Value> {
        match &self.effect {
            Effect::Create(value) | Effect::Overwrite(value, _) => Some(value),
            Effect::Delete(_) => None,
        }
    }

    /// Returns whether the precondition applies to what was found.
    pub(crate) fn is_precondition_met(&self, found: Option<&Entry>) -> bool {
        match &self.effect {
            Effect::Create(_) => found.is_none(),
            Effect::Overwrite(_, tag) | Effect::Delete(tag) => found.map(Entry::tag) == Some(tag),
        }
    }

    /// Returns whether the change has been carried out, by what was found.
    pub(crate) fn is_done(&self, found: Option<&Entry>) -> bool {
        match self.value() {
            Some(value) => found.and_then(Entry::value) == Some(value),
            None => found.is_none(),
        }
    }

    /// Returns an upper bound of the bytes that the change adds to a request: names, value,
    /// precondition and their framing.
    pub fn size(&self) -> usize {
        const NAMES_AND_FRAMING: usize = 256;
        let name = match &self.key {
            Key::Unknown(name) => 6 * name.len(),
            _ => 0,
        };
        let required = match &self.effect {
            Effect::Create(_) => 0,
            Effect::Overwrite(_, tag) | Effect::Delete(tag) => tag.size(),
        };
        let value = self.value().map_or(0, |value| value.bytes.len());
        NAMES_AND_FRAMING + name + required + value
    }
}

/// Returns the keys whose precondition is not met by what was found, in the order of the changes.
pub(crate) fn unmet_keys(changes: &[Change], found: &[Option<Entry>]) -> Vec<Key> {
    let pairs = changes.iter().zip(found);
    let unmet = pairs.filter(|(change, found)| !change.is_precondition_met(found.as_ref()));
    unmet.map(|(change, _)| change.key.clone()).collect()
}
