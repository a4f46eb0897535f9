//! Write batches: what one record of a write-ahead log holds.

use std::ops::Range;

use super::cursor::Cursor;
use super::error::Fault;
use super::internal_key::{MOST_SEQUENCE, Operation};

/// The types of a batch's records. Those of transactions, merges and ranges are refused.
mod kind {
    pub(super) const DELETE: u8 = 0;
    pub(super) const PUT: u8 = 1;
    pub(super) const LOG_DATA: u8 = 3;
    pub(super) const FAMILY_DELETE: u8 = 4;
    pub(super) const FAMILY_PUT: u8 = 5;
    pub(super) const SINGLE_DELETE: u8 = 7;
    pub(super) const FAMILY_SINGLE_DELETE: u8 = 8;
    pub(super) const NOTHING: u8 = 13;
}

/// One write of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Write<'a> {
    pub(super) family: u32,
    pub(super) key: &'a [u8],
    pub(super) sequence: u64,
    pub(super) operation: Operation,
    /// The value; empty for a deletion.
    pub(super) value: &'a [u8],
}

/// Reads the batch, and gives each write to `take`. Returns its sequence numbers, the end excluded.
///
/// # Errors
/// A [`Fault`] of the batch, or of `take`.
pub(super) fn read_batch<'a>(
    bytes: &'a [u8],
    mut take: impl FnMut(Write<'a>) -> Result<(), Fault>,
) -> Result<Range<u64>, Fault> {
    let mut cursor = Cursor::new(bytes);
    let (first, expected) = (cursor.u64()?, cursor.u32()?);
    let mut count = 0_u32;
    while !cursor.is_at_end() {
        let fault = cursor.fault("a sequence number that is too large");
        let sequence =
            first.checked_add(u64::from(count)).filter(|number| *number <= MOST_SEQUENCE);
        let sequence = sequence.ok_or(fault)?;
        if let Some(write) = parse_write(&mut cursor, sequence)? {
            count = count.saturating_add(1);
            take(write)?;
        }
    }
    match count == expected {
        true => Ok(first..first.saturating_add(u64::from(count))),
        false => Err(cursor.fault(format!("{count} writes where {expected} are announced"))),
    }
}

/// Reads one record of a batch; `None` for one that writes nothing.
fn parse_write<'a>(cursor: &mut Cursor<'a>, sequence: u64) -> Result<Option<Write<'a>>, Fault> {
    let unknown = cursor.clone();
    let number = cursor.u8()?;
    let family = match number {
        kind::FAMILY_DELETE | kind::FAMILY_PUT | kind::FAMILY_SINGLE_DELETE => {
            cursor.varint_u32()?
        }
        _ => 0,
    };
    let operation = match number {
        kind::PUT | kind::FAMILY_PUT => Operation::Put,
        kind::DELETE | kind::FAMILY_DELETE | kind::SINGLE_DELETE | kind::FAMILY_SINGLE_DELETE => {
            Operation::Delete
        }
        kind::LOG_DATA => return cursor.prefixed().map(|_| None),
        kind::NOTHING => return Ok(None),
        other => return Err(unknown.fault(format!("a write of type {other} is not supported"))),
    };
    let key = cursor.prefixed()?;
    let value = match operation {
        Operation::Put => cursor.prefixed()?,
        Operation::Delete => &[],
    };
    Ok(Some(Write { family, key, sequence, operation, value }))
}
