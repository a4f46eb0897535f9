//! What a target was found to hold, and to do with conditional writes.

use super::key::Key;

/// What a store does with conditional writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionalWrites {
    /// It keeps to them.
    Honoured,
    /// It does not; in words what it did.
    Violated(String),
}

/// A key that the target could not hold or serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitViolation {
    /// Which key.
    pub key: Key,
    /// What is too large, with size and limit, to be read after the key's name.
    pub reason: String,
    /// What can be done about it.
    pub hint: String,
}
