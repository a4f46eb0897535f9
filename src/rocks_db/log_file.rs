//! The form of RocksDB's log files, which the MANIFEST and the write-ahead logs share.
//!
//! A file is blocks of 32 KiB. A block holds fragments, each with a header: CRC-32C of type and content, length, type. A
//! record is one fragment, or a first one, middle ones and a last one. The first record may say that the content of all
//! further ones is compressed: then each record is one frame of zstd over all its fragments.

use super::checksum::{is_same, masked_crc};
use super::compression::{Compression, decompress_frame};
use super::cursor::Cursor;
use super::error::{Fault, TornTail};
use super::limits::LARGEST_CONTENT;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;

/// Types of fragments.
mod kind {
    pub(super) const ZERO: u8 = 0;
    pub(super) const FULL: u8 = 1;
    pub(super) const FIRST: u8 = 2;
    pub(super) const MIDDLE: u8 = 3;
    pub(super) const LAST: u8 = 4;
    pub(super) const COMPRESSION: u8 = 9;
    /// By the format, types from here on may be ignored by who does not know them.
    pub(super) const IGNORABLE: u8 = 128;
}

/// A record, decompressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The offset of its first fragment.
    pub(super) offset: u64,
    pub(super) content: Vec<u8>,
}

/// An end at which a record is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IncompleteRecord {
    pub(super) offset: u64,
    pub(super) reason: &'static str,
    /// `true` if it is not what an interrupted write leaves.
    pub(super) is_damaged: bool,
}

impl IncompleteRecord {
    /// Returns the end as one of a file.
    pub(super) fn in_file(&self, file: &str) -> TornTail {
        TornTail {
            file: file.to_owned(),
            offset: self.offset,
            reason: self.reason.to_owned(),
            is_damaged: self.is_damaged,
        }
    }
}

/// Reads the records of a file one after the other.
#[derive(Debug)]
pub(super) struct LogFile<'a> {
    bytes: &'a [u8],
    position: usize,
    compression: Compression,
    may_be_compressed: bool,
    has_begun: bool,
    incomplete: Option<IncompleteRecord>,
}

/// The header of a fragment.
struct Header {
    checksum: u32,
    length: usize,
    kind: u8,
}

enum Fragment<'a> {
    Part { kind: u8, offset: usize, content: &'a [u8] },
    Incomplete(IncompleteRecord),
    End,
}

impl<'a> LogFile<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        LogFile {
            bytes,
            position: 0,
            compression: Compression::None,
            may_be_compressed: true,
            has_begun: false,
            incomplete: None,
        }
    }

    /// Reads a file whose records RocksDB never compresses.
    pub(super) fn without_compression(bytes: &'a [u8]) -> Self {
        LogFile { may_be_compressed: false, ..LogFile::new(bytes) }
    }

    /// Returns the record at the end that is not complete, once all others are read.
    pub(super) fn incomplete_record(&self) -> Option<&IncompleteRecord> {
        self.incomplete.as_ref()
    }

    /// Reads the next complete record; `None` at the end.
    ///
    /// # Errors
    /// A [`Fault`] anywhere but at the end of the file, and what this reader does not know.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, Fault> {
        let mut begun: Option<(usize, Vec<u8>)> = None;
        loop {
            let (kind, offset, content) = match self.next_fragment()? {
                Fragment::Part { kind, offset, content } => (kind, offset, content),
                end => {
                    self.incomplete = describe_end(end, begun.map(|(offset, _)| offset));
                    return Ok(None);
                }
            };
            match (kind, &mut begun) {
                (kind::FULL, None) => return self.finish(offset, content).map(Some),
                (kind::FIRST, None) => begun = Some((offset, content.to_vec())),
                (kind::MIDDLE | kind::LAST, Some((start, record))) => {
                    record.extend_from_slice(content);
                    if record.len() > LARGEST_CONTENT {
                        return Err(Fault::new(*start, "the record is too large"));
                    }
                    if kind == kind::LAST {
                        return self.finish(*start, record).map(Some);
                    }
                }
                (kind::COMPRESSION, None) => self.set_compression(offset, content)?,
                (kind::IGNORABLE.., _) => {}
                (kind::FULL..=kind::LAST | kind::COMPRESSION, _) => {
                    return Err(Fault::new(offset, "a fragment that is out of its order"));
                }
                (other, _) => {
                    return Err(Fault::new(offset, format!("a record of unknown type {other}")));
                }
            }
            self.has_begun = true;
        }
    }

    fn finish(&mut self, offset: usize, content: &[u8]) -> Result<Record, Fault> {
        self.has_begun = true;
        let content = match self.compression {
            Compression::None => content.to_vec(),
            _ => decompress_frame(content).map_err(|reason| Fault::new(offset, reason))?,
        };
        Ok(Record { offset: offset as u64, content })
    }

    fn set_compression(&mut self, offset: usize, content: &[u8]) -> Result<(), Fault> {
        let mut cursor = Cursor::new(content);
        let number = cursor.u32().map_err(|fault| fault.from(offset as u64))?;
        let number = u8::try_from(number).unwrap_or(u8::MAX);
        let compression = Compression::from_number(number);
        self.compression = compression.map_err(|reason| Fault::new(offset, reason))?;
        match self.compression {
            Compression::None | Compression::Zstd
                if self.may_be_compressed && !self.has_begun && cursor.is_at_end() =>
            {
                Ok(())
            }
            _ => Err(Fault::new(offset, "a record about compression that is not understood")),
        }
    }

    fn next_fragment(&mut self) -> Result<Fragment<'a>, Fault> {
        let left = BLOCK - self.position % BLOCK;
        if left < HEADER {
            // Zeros fill a block that has no room for another header.
            self.position = self.position.saturating_add(left);
        }
        let offset = self.position;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let left = BLOCK - offset % BLOCK;
        if rest.is_empty() {
            return Ok(Fragment::End);
        }
        let Some((header, behind)) = rest.split_at_checked(HEADER) else {
            return self.end_at(offset, "the header of the record is incomplete");
        };
        let header = parse_header(header)?;
        match header {
            Header { kind: kind::ZERO, length: 0, .. } => self.end_at_zeros(offset, rest),
            Header { length, .. } if length > left - HEADER => {
                Err(Fault::new(offset, "a record that exceeds its block"))
            }
            Header { length, .. } => match behind.get(..length) {
                Some(content) => self.take_fragment(offset, &header, content),
                None => self.end_at(offset, "the record is incomplete"),
            },
        }
    }

    /// Takes a fragment whose bytes are all there.
    fn take_fragment(
        &mut self,
        offset: usize,
        header: &Header,
        content: &'a [u8],
    ) -> Result<Fragment<'a>, Fault> {
        let end = offset.saturating_add(HEADER).saturating_add(header.length);
        let fragment = self.bytes.get(offset..).unwrap_or_default();
        if !is_same(header.checksum, fragment_checksum(fragment, header.length)) {
            return match is_zeros(self.bytes.get(end..).unwrap_or_default()) {
                true => Ok(incomplete(offset, "the checksum of the last record differs", true)),
                false => Err(Fault::new(offset, "the checksum of the record differs")),
            };
        }
        self.position = end;
        Ok(Fragment::Part { kind: header.kind, offset, content })
    }

    /// Ends at a fragment that the end of the file cuts. What can be read behind it proves that it is not the last one:
    /// then its length is damaged.
    fn end_at(&self, offset: usize, reason: &'static str) -> Result<Fragment<'a>, Fault> {
        let from = offset.saturating_add(1);
        if (from..self.bytes.len()).any(|at| has_fragment_at(self.bytes.get(at..))) {
            return Err(Fault::new(offset, "a damaged record that is not the last one"));
        }
        let rest = self.bytes.get(offset..).unwrap_or_default();
        // A record that is whole up to the end of the file: the length in its header is damaged.
        let header = rest.get(..HEADER).and_then(|header| parse_header(header).ok());
        let is_whole = header.is_some_and(|Header { checksum, .. }| {
            checksum == fragment_checksum(rest, rest.len().saturating_sub(HEADER))
        });
        Ok(incomplete(offset, reason, is_whole || is_zeros(rest)))
    }

    /// Ends at zeros. File systems can leave such in place of the last writes before a crash, even of those that were
    /// acknowledged.
    fn end_at_zeros(&self, offset: usize, rest: &[u8]) -> Result<Fragment<'a>, Fault> {
        match is_zeros(rest) {
            true => Ok(incomplete(offset, "zeros follow the last record", true)),
            false => Err(Fault::new(offset, "zeros in place of a record")),
        }
    }
}

fn incomplete<'a>(offset: usize, reason: &'static str, is_damaged: bool) -> Fragment<'a> {
    Fragment::Incomplete(IncompleteRecord { offset: offset as u64, reason, is_damaged })
}

/// Describes the end of a file, at which a record of several fragments may have begun.
fn describe_end(end: Fragment<'_>, begun: Option<usize>) -> Option<IncompleteRecord> {
    let found = match end {
        Fragment::Incomplete(found) => Some(found),
        _ => None,
    };
    let Some(offset) = begun.map(|offset| offset as u64) else { return found };
    let reason = "the last fragments of the record are missing";
    Some(match found {
        Some(found) => IncompleteRecord { offset, ..found },
        None => IncompleteRecord { offset, reason, is_damaged: false },
    })
}

fn parse_header(bytes: &[u8]) -> Result<Header, Fault> {
    let mut cursor = Cursor::new(bytes);
    let (checksum, length) = (cursor.u32()?, usize::from(cursor.u16()?));
    Ok(Header { checksum, length, kind: cursor.u8()? })
}

/// Computes the checksum over the type and the content of a fragment.
fn fragment_checksum(fragment: &[u8], length: usize) -> u32 {
    masked_crc(fragment.get(HEADER - 1..HEADER.saturating_add(length)).unwrap_or_default())
}

fn has_fragment_at(rest: Option<&[u8]>) -> bool {
    let rest = rest.unwrap_or_default();
    let Some(Ok(Header { checksum, length, kind })) = rest.get(..HEADER).map(parse_header) else {
        return false;
    };
    let is_whole = rest.len() - HEADER >= length && kind != kind::ZERO;
    is_whole && checksum == fragment_checksum(rest, length)
}

fn is_zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
