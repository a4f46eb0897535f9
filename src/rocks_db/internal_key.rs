//! Internal keys: a key, the sequence number of its write, and the type of its value.

use super::error::Fault;

/// The largest sequence number: eight bytes hold it and the type.
pub(super) const MOST_SEQUENCE: u64 = (1 << 56) - 1;

const FOOTER: usize = 8;

/// What a write does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Put,
    Delete,
}

impl Operation {
    /// Returns the operation of a type, as tables and logs number them.
    ///
    /// # Errors
    /// The type, where it is none that a metadata server writes.
    pub(super) fn from_type(number: u8) -> Result<Self, String> {
        match number {
            // A single deletion, 7, is one of a key that was put once.
            0 | 7 => Ok(Operation::Delete),
            1 => Ok(Operation::Put),
            other => Err(format!("an entry of type {other} is not supported")),
        }
    }
}

/// An internal key in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InternalKey<'a> {
    pub(super) user_key: &'a [u8],
    pub(super) sequence: u64,
    pub(super) operation: Operation,
}

impl<'a> InternalKey<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let user_key = user_key_of(bytes)?;
        let footer = bytes.get(user_key.len()..).unwrap_or_default();
        let footer: [u8; FOOTER] = footer.try_into().map_err(|_| too_short())?;
        let [number, ..] = footer;
        let operation = Operation::from_type(number).map_err(|reason| Fault::new(0, reason))?;
        Ok(InternalKey { user_key, sequence: u64::from_le_bytes(footer) >> 8, operation })
    }
}

/// Returns an internal key without its last eight bytes, whatever they are.
pub(super) fn user_key_of(bytes: &[u8]) -> Result<&[u8], Fault> {
    let split = bytes.len().checked_sub(FOOTER).ok_or_else(too_short)?;
    bytes.get(..split).ok_or_else(too_short)
}

fn too_short() -> Fault {
    Fault::new(0, "a key that is too short")
}
