//! The properties that a table has of itself, as far as reading depends on them.

use std::collections::BTreeMap;

use super::block::{Entries, EntryForm};
use super::cursor::Cursor;
use super::error::Fault;

/// The properties of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) family: u64,
    pub(super) entries: u64,
    pub(super) data_blocks: u64,
    /// `true` if the index has keys without sequence numbers.
    pub(super) index_has_user_keys: bool,
    /// `true` if the index tells most handles from the one before.
    pub(super) index_has_deltas: bool,
}

impl Properties {
    /// Reads the block of properties.
    ///
    /// # Errors
    /// A [`Fault`], also for a kind of table that a metadata server does not write.
    pub(super) fn parse(block: &[u8]) -> Result<Self, Fault> {
        let mut found = BTreeMap::new();
        let mut entries = Entries::new(block, EntryForm::WithLength)?;
        while let Some(value) = entries.next_entry()? {
            found.insert(entries.key().to_vec(), value);
        }
        let number = |name: &str| number_of(&found, name);
        let text = |name: &str| found.get(name.as_bytes()).copied().unwrap_or_default();
        let refuse = |reason: &str| Err(Fault::new(0, reason));
        if text("rocksdb.comparator") != b"leveldb.BytewiseComparator" {
            return refuse("an order of keys that is not supported");
        }
        if number("rocksdb.num.range-deletions")? != 0 || number("rocksdb.merge.operands")? != 0 {
            return refuse("range deletions and merges are not supported");
        }
        if found.keys().any(|name| name.starts_with(b"rocksdb.external_sst_file.")) {
            return refuse("a table that was made outside the database is not supported");
        }
        // A u32: 0 is the plain index.
        if !matches!(text("rocksdb.block.based.table.index.type"), [0, 0, 0, 0]) {
            return refuse("an index of this type is not supported");
        }
        Ok(Properties {
            family: number("rocksdb.column.family.id")?,
            entries: number("rocksdb.num.entries")?,
            data_blocks: number("rocksdb.num.data.blocks")?,
            index_has_user_keys: number("rocksdb.index.key.is.user.key")? != 0,
            index_has_deltas: number("rocksdb.index.value.is.delta.encoded")? != 0,
        })
    }
}

/// Returns a number; 0 where it is absent, as some are then.
fn number_of(found: &BTreeMap<Vec<u8>, &[u8]>, name: &str) -> Result<u64, Fault> {
    let Some(value) = found.get(name.as_bytes()) else { return Ok(0) };
    let damaged = || Fault::new(0, format!("the property {name} is not a number"));
    let mut cursor = Cursor::new(value);
    let number = cursor.varint().map_err(|_| damaged())?;
    if cursor.is_at_end() { Ok(number) } else { Err(damaged()) }
}
