//! How the MANIFEST describes a table that is added.

use super::cursor::Cursor;
use super::error::Fault;
use super::internal_key::user_key_of;

/// The tag that ends the optional fields.
const END: u32 = 1;

/// The bit of tags that must not be passed over by who does not know them. The only known one is a path other than that of
/// the database.
const MUST_BE_KNOWN: u32 = 1 << 6;

/// A table as the MANIFEST describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewFile {
    pub(super) level: u32,
    pub(super) number: u64,
    pub(super) size: u64,
    pub(super) smallest_key: Vec<u8>,
    pub(super) largest_key: Vec<u8>,
    pub(super) smallest_sequence: u64,
    pub(super) largest_sequence: u64,
}

impl NewFile {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let file = NewFile {
            level: cursor.varint_u32()?,
            number: cursor.varint()?,
            size: cursor.varint()?,
            smallest_key: parse_bound(cursor)?,
            largest_key: parse_bound(cursor)?,
            smallest_sequence: cursor.varint()?,
            largest_sequence: cursor.varint()?,
        };
        loop {
            let fault = cursor.fault("a table with a property that is not known");
            let tag = cursor.varint_u32()?;
            if tag == END {
                return Ok(file);
            }
            if tag & MUST_BE_KNOWN != 0 {
                return Err(fault);
            }
            // Times, checksums of files, statistics: nothing that changes what the table holds.
            cursor.prefixed()?;
        }
    }
}

fn parse_bound(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Fault> {
    let fault = cursor.fault("a key that is too short");
    let key = cursor.prefixed()?;
    user_key_of(key).map(<[u8]>::to_vec).map_err(|_| fault)
}
