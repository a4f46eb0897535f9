//! The last bytes of a table: its format, and where its metaindex is.

use super::checksum::{block_checksum, context_of, is_same};
use super::cursor::Cursor;
use super::error::Fault;

/// The bytes of a footer.
const FOOTER: usize = 53;

/// The last bytes of every block-based table.
const MAGIC: u64 = 0x88e2_41b7_85f4_cff7;

/// XXH3, the only checksum that is supported.
const XXH3: u8 = 4;

/// The bytes that begin the part of the footer which format 6 introduced.
const EXTENDED: [u8; 4] = [0x3e, 0x00, 0x7a, 0x00];

/// The bytes behind each block: how it is compressed, and its checksum.
pub(super) const TRAILER: usize = 5;

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHandle {
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl BlockHandle {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        Ok(BlockHandle { offset: cursor.varint()?, size: cursor.varint()? })
    }
}

/// What a footer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) metaindex: BlockHandle,
    /// The index; in format 6, the metaindex says where it is.
    pub(super) index: Option<BlockHandle>,
    /// What goes into the checksum of each block, with its offset; 0 for nothing.
    pub(super) context: u32,
    /// The offset of the footer, before which all blocks end.
    pub(super) offset: u64,
}

impl Footer {
    /// Reads the footer of a table.
    ///
    /// # Errors
    /// A [`Fault`], also for formats other than 5 and 6.
    pub(super) fn parse(table: &[u8]) -> Result<Self, Fault> {
        let start = table.len().checked_sub(FOOTER);
        let offset = start.ok_or_else(|| Fault::new(0, "the table is cut short"))?;
        let bytes = table.get(offset..).unwrap_or_default();
        parse_footer(bytes, offset as u64).map_err(|fault| fault.from(offset as u64))
    }
}

fn parse_footer(bytes: &[u8], offset: u64) -> Result<Footer, Fault> {
    let mut end = Cursor::new(bytes.get(FOOTER - 12..).unwrap_or_default());
    let (format, magic) = (end.u32()?, end.u64()?);
    if magic != MAGIC {
        return Err(Fault::new(FOOTER - 8, "the end of the table is damaged or cut off"));
    }
    let mut cursor = Cursor::new(bytes);
    let checksum = cursor.u8()?;
    if checksum != XXH3 {
        return Err(Fault::new(0, format!("checksums of type {checksum} are not supported")));
    }
    match format {
        5 => {
            let metaindex = BlockHandle::parse(&mut cursor)?;
            let index = Some(BlockHandle::parse(&mut cursor)?);
            Ok(Footer { metaindex, index, context: 0, offset })
        }
        6 => parse_format_6(cursor, bytes, offset),
        other => {
            Err(Fault::new(FOOTER - 12, format!("tables of format {other} are not supported")))
        }
    }
}

fn parse_format_6(mut cursor: Cursor<'_>, bytes: &[u8], offset: u64) -> Result<Footer, Fault> {
    let begin = cursor.clone();
    let is_known = cursor.take(EXTENDED.len())? == EXTENDED;
    let checksum_at = cursor.position();
    let (checksum, context, size) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    if !is_known || cursor.take(24)?.iter().any(|byte| *byte != 0) {
        return Err(begin.fault("a footer that is not understood"));
    }
    // The checksum is over the footer with zeros in its own place.
    let mut zeroed = bytes.to_vec();
    if let Some(place) = zeroed.get_mut(checksum_at..checksum_at.saturating_add(4)) {
        place.fill(0);
    }
    let (last, others) = zeroed.split_last().ok_or_else(|| begin.fault("no footer"))?;
    let expected = block_checksum(others, *last).wrapping_add(context_of(context, offset));
    if !is_same(checksum, expected) {
        return Err(begin.fault("the checksum of the footer differs"));
    }
    let size = u64::from(size);
    let start = offset.checked_sub(TRAILER as u64).and_then(|end| end.checked_sub(size));
    let start = start.ok_or_else(|| begin.fault("a metaindex that does not fit the table"))?;
    Ok(Footer { metaindex: BlockHandle { offset: start, size }, index: None, context, offset })
}
