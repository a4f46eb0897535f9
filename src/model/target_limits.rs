//! The limits of a target, and its treatment of conditional writes.

use super::key::Key;

/// The way a store treats conditional writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionalWrites {
    /// It honours them.
    Honoured,
    /// It does not honour them, as described.
    Violated(String),
}

/// A key that the target could not hold or serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitViolation {
    /// The key.
    pub key: Key,
    /// The excess, with size and limit, to be read after the key's name.
    pub reason: String,
    /// The step that helps.
    pub hint: String,
}
