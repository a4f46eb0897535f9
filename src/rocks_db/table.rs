//! Tables (SST files): sorted entries in blocks, found by an index, each block with a checksum.

use super::block::{Entries, EntryForm};
use super::budget::Amount;
use super::checksum::{block_checksum, context_of, is_same};
use super::compression::{Compression, decompress_sized};
use super::cursor::Cursor;
use super::error::Fault;
use super::footer::{BlockHandle, Footer, TRAILER};
use super::internal_key::{InternalKey, user_key_of};
use super::limits::{LARGEST_CONTENT, LARGEST_DESCRIPTION};
use super::properties::Properties;

/// The first bytes of the names of filters, which are not needed to read everything.
const FILTERS: [&[u8]; 3] = [b"filter.", b"fullfilter.", b"partitionedfilter."];

/// The fault of a block beyond its limit.
const TOO_LARGE: &str = "the block is too large";

/// A table whose form has been read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    footer: Footer,
    properties: Properties,
    data_blocks: Vec<BlockHandle>,
}

impl<'a> Table<'a> {
    /// Reads everything but the entries.
    ///
    /// # Errors
    /// A [`Fault`], also for a kind of table that a metadata server does not write.
    pub(super) fn open(bytes: &'a [u8], content: &mut Amount) -> Result<Self, Fault> {
        let footer = Footer::parse(bytes)?;
        let parts = Metaindex::read(bytes, &footer)?;
        let block = read_description(bytes, &footer, parts.properties)?;
        let at = parts.properties.offset;
        let properties = Properties::parse(&block).map_err(|fault| fault.within(at))?;
        let index = read_block(bytes, &footer, parts.index)?;
        count_block(&index, parts.index, content)?;
        let data_blocks = parse_index(&index, &properties);
        let data_blocks = data_blocks.map_err(|fault| fault.within(parts.index.offset))?;
        if data_blocks.len() as u64 != properties.data_blocks {
            let reason = "an index with another number of blocks than the table has";
            return Err(Fault { offset: parts.index.offset, reason: reason.to_owned() });
        }
        Ok(Table { bytes, footer, properties, data_blocks })
    }

    /// Returns the id of the column family that the table belongs to.
    pub(super) fn family(&self) -> u64 {
        self.properties.family
    }

    /// Gives each entry to `take`, in order. Their order and number are checked. `content` counts the blocks, also of
    /// other tables.
    ///
    /// # Errors
    /// A [`Fault`] of the table, or of `take`.
    pub(super) fn read_entries(
        &self,
        content: &mut Amount,
        mut take: impl FnMut(InternalKey<'_>, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut count = 0_u64;
        let mut last: Option<(Vec<u8>, u64)> = None;
        for handle in &self.data_blocks {
            let block = read_block(self.bytes, &self.footer, *handle)?;
            count_block(&block, *handle, content)?;
            let within = |fault: Fault| fault.within(handle.offset);
            let mut entries = Entries::new(&block, EntryForm::WithLength).map_err(within)?;
            while let Some(value) = entries.next_entry().map_err(within)? {
                let key = InternalKey::parse(entries.key()).map_err(within)?;
                if last.as_ref().is_some_and(|last| !is_in_order(last, &key)) {
                    return Err(within(Fault::new(0, "entries that are not in order")));
                }
                last = Some((key.user_key.to_vec(), key.sequence));
                count = count.saturating_add(1);
                take(key, value).map_err(within)?;
            }
        }
        match count == self.properties.entries {
            true => Ok(()),
            false => Err(Fault::new(0, "another number of entries than the table says")),
        }
    }
}

/// Returns whether a key may stand behind another: by user key, and for one key the newest first.
fn is_in_order((key, sequence): &(Vec<u8>, u64), next: &InternalKey<'_>) -> bool {
    match key.as_slice().cmp(next.user_key) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => *sequence > next.sequence,
        std::cmp::Ordering::Greater => false,
    }
}

/// The blocks that are not data.
struct Metaindex {
    properties: BlockHandle,
    index: BlockHandle,
}

impl Metaindex {
    fn read(bytes: &[u8], footer: &Footer) -> Result<Self, Fault> {
        let block = read_description(bytes, footer, footer.metaindex)?;
        let at = footer.metaindex.offset;
        let (mut properties, mut index) = (None, footer.index);
        let mut entries =
            Entries::new(&block, EntryForm::WithLength).map_err(|fault| fault.within(at))?;
        while let Some(value) = entries.next_entry().map_err(|fault| fault.within(at))? {
            let handle = || BlockHandle::parse(&mut Cursor::new(value));
            match entries.key() {
                b"rocksdb.properties" => properties = Some(handle()?),
                b"rocksdb.index" => index = Some(handle()?),
                name if FILTERS.iter().any(|filter| name.starts_with(filter)) => {}
                name => {
                    let reason =
                        format!("the block {} is not supported", String::from_utf8_lossy(name));
                    return Err(Fault { offset: at, reason });
                }
            }
        }
        let missing =
            || Fault { offset: at, reason: "a table without index or properties".to_owned() };
        let (properties, index) = properties.zip(index).ok_or_else(missing)?;
        Ok(Metaindex { properties, index })
    }
}

/// Reads the handles of the data blocks.
fn parse_index(block: &[u8], properties: &Properties) -> Result<Vec<BlockHandle>, Fault> {
    let form = match properties.index_has_deltas {
        true => EntryForm::Handles,
        false => EntryForm::WithLength,
    };
    let mut entries = Entries::new(block, form)?;
    let mut handles: Vec<BlockHandle> = Vec::new();
    while let Some(start) = entries.next_key()? {
        if !properties.index_has_user_keys {
            user_key_of(entries.key())?;
        }
        let handle = match (form, handles.last()) {
            (EntryForm::WithLength, _) => {
                let value = entries.cursor().take(start.value_length)?;
                BlockHandle::parse(&mut Cursor::new(value))?
            }
            (EntryForm::Handles, Some(before)) if !start.is_restart => {
                parse_delta(entries.cursor(), *before)?
            }
            (EntryForm::Handles, _) => BlockHandle::parse(entries.cursor())?,
        };
        // Blocks that are told twice could be read without an end.
        let end_of = |last: &BlockHandle| {
            last.offset.saturating_add(last.size).saturating_add(TRAILER as u64)
        };
        let end = handles.last().map(end_of);
        if end.is_some_and(|end| handle.offset < end) {
            return Err(entries
                .cursor()
                .fault("a block that does not lie behind the one before it"));
        }
        handles.push(handle);
    }
    Ok(handles)
}

/// Reads a handle that is told from the one before it: the block lies behind that, and its size differs by a number whose
/// sign is its lowest bit.
fn parse_delta(cursor: &mut Cursor<'_>, before: BlockHandle) -> Result<BlockHandle, Fault> {
    let fault = cursor.fault("a block that does not follow the one before it");
    let number = cursor.varint()?;
    let size = match number & 1 {
        0 => before.size.checked_add(number >> 1),
        _ => before.size.checked_sub((number >> 1).saturating_add(1)),
    };
    let end = before.offset.checked_add(before.size);
    let offset = end.and_then(|end| end.checked_add(TRAILER as u64));
    offset.zip(size).map(|(offset, size)| BlockHandle { offset, size }).ok_or(fault)
}

/// Counts a block that was decompressed.
fn count_block(block: &[u8], handle: BlockHandle, content: &mut Amount) -> Result<(), Fault> {
    let counted = content.add(block.len() as u64);
    counted.map_err(|excess| Fault { offset: handle.offset, reason: excess.to_owned() })
}

/// Reads a block that describes the table. It is small.
fn read_description(bytes: &[u8], footer: &Footer, handle: BlockHandle) -> Result<Vec<u8>, Fault> {
    read_sized_block(bytes, footer, handle, LARGEST_DESCRIPTION)
}

/// Reads a block: checked, and decompressed.
fn read_block(bytes: &[u8], footer: &Footer, handle: BlockHandle) -> Result<Vec<u8>, Fault> {
    read_sized_block(bytes, footer, handle, LARGEST_CONTENT)
}

/// Reads a block that has at most so many bytes once decompressed.
fn read_sized_block(
    bytes: &[u8],
    footer: &Footer,
    handle: BlockHandle,
    most: usize,
) -> Result<Vec<u8>, Fault> {
    let fault = |reason: String| Fault { offset: handle.offset, reason };
    let start = usize::try_from(handle.offset).ok();
    let size = usize::try_from(handle.size).ok();
    let block = start.zip(size).and_then(|(start, size)| {
        let end = start.checked_add(size)?;
        let end_of_trailer = end.checked_add(TRAILER)?;
        let is_before_footer = end_of_trailer as u64 <= footer.offset;
        is_before_footer.then_some(())?;
        Some((bytes.get(start..end)?, bytes.get(end..end_of_trailer)?))
    });
    let (stored, trailer) =
        block.ok_or_else(|| fault("a block that does not fit the table".to_owned()))?;
    let mut trailer = Cursor::new(trailer);
    let (kind, checksum) = (trailer.u8()?, trailer.u32()?);
    let context = context_of(footer.context, handle.offset);
    if !is_same(checksum, block_checksum(stored, kind).wrapping_add(context)) {
        return Err(fault("the checksum of the block differs".to_owned()));
    }
    match Compression::from_number(kind).map_err(fault)? {
        Compression::None if stored.len() > most => Err(fault(TOO_LARGE.to_owned())),
        Compression::None => Ok(stored.to_vec()),
        compression => {
            let mut cursor = Cursor::new(stored);
            let size = cursor.length().map_err(|found| found.within(handle.offset))?;
            if size > most {
                return Err(fault(TOO_LARGE.to_owned()));
            }
            let compressed = stored.get(cursor.position()..).unwrap_or_default();
            decompress_sized(compression, compressed, size).map_err(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn properties(index_has_deltas: bool) -> Properties {
        let index_has_user_keys = true;
        Properties { family: 0, entries: 0, data_blocks: 0, index_has_user_keys, index_has_deltas }
    }

    #[test]
    fn handles_are_told_from_the_one_before() {
        // Keys "a" (a handle of its own: offset 0, size 100), then "ab" (3 more bytes) and "ac" (2 fewer).
        let entries = [0, 1, b'a', 0, 100, 1, 1, b'b', 6, 1, 1, b'c', 3];
        let block = [&entries[..], &[0, 0, 0, 0, 1, 0, 0, 0]].concat();
        let handles = parse_index(&block, &properties(true)).unwrap();
        let handles: Vec<_> = handles.iter().map(|handle| (handle.offset, handle.size)).collect();
        assert_eq!(handles, [(0, 100), (105, 103), (213, 101)]);
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_index(bytes in prop::collection::vec(any::<u8>(), 0..200), deltas in any::<bool>()) {
            let _ = parse_index(&bytes, &properties(deltas));
        }
    }

    #[test]
    fn block_that_overlaps_the_one_before_is_refused() {
        let properties = Properties { index_has_user_keys: true, ..Properties::default() };
        // Two entries that share nothing, each with a key and a handle of offset and size, and one restart.
        let index = |offset: u8| {
            let entries = [0, 1, 2, b'a', 0, 9, 0, 1, 2, b'b', offset, 9];
            [&entries[..], &[0, 0, 0, 0, 1, 0, 0, 0]].concat()
        };
        assert_eq!(parse_index(&index(14), &properties).unwrap().len(), 2);
        for offset in [0, 8] {
            assert!(parse_index(&index(offset), &properties).is_err(), "{offset}");
        }
    }
}
