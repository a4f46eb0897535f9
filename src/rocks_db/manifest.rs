//! The MANIFEST: a log of changes, which together say which column families, tables and logs there are.

use std::collections::{BTreeMap, BTreeSet};

use super::cursor::Cursor;
use super::error::Fault;
use super::limits::{MOST_CHANGES, MOST_FAMILIES, MOST_FILES};
use super::log_file::{IncompleteRecord, LogFile};
use super::new_file::NewFile;

/// The order of keys that this reader knows.
const COMPARATOR: &[u8] = b"leveldb.BytewiseComparator";

/// The tags of a change's fields.
mod tag {
    pub(super) const COMPARATOR: u32 = 1;
    pub(super) const LOG_NUMBER: u32 = 2;
    pub(super) const NEXT_FILE_NUMBER: u32 = 3;
    pub(super) const LAST_SEQUENCE: u32 = 4;
    pub(super) const COMPACT_CURSOR: u32 = 5;
    pub(super) const DELETED_FILE: u32 = 6;
    pub(super) const PREVIOUS_LOG_NUMBER: u32 = 9;
    pub(super) const MIN_LOG_NUMBER: u32 = 10;
    pub(super) const NEW_FILE: u32 = 103;
    pub(super) const FAMILY: u32 = 200;
    pub(super) const FAMILY_ADD: u32 = 201;
    pub(super) const FAMILY_DROP: u32 = 202;
    pub(super) const MAX_FAMILY: u32 = 203;
    pub(super) const IN_ATOMIC_GROUP: u32 = 300;
    /// The bit of tags that may be passed over by who does not know them; bytes behind their length follow.
    pub(super) const IGNORABLE: u32 = 1 << 13;
}

/// A column family as the MANIFEST leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FamilyState {
    pub(super) name: String,
    /// The first log with writes that are in no table yet.
    pub(super) log_number: u64,
    /// The tables by number.
    pub(super) tables: BTreeMap<u64, NewFile>,
}

/// The state that all changes together make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) families: BTreeMap<u32, FamilyState>,
    pub(super) dropped_families: BTreeSet<u32>,
    /// The first log that is not obsolete.
    pub(super) min_log_number: u64,
    /// The last sequence number that was in use at the last change.
    pub(super) last_sequence: u64,
    /// The number that the next file got after the last change. Logs and tables that the server made since may have
    /// greater ones.
    pub(super) next_file_number: u64,
    pub(super) incomplete: Option<IncompleteRecord>,
}

/// One change.
#[derive(Debug, Default)]
struct Edit {
    family: u32,
    added_family: Option<String>,
    drops_family: bool,
    log_number: Option<u64>,
    min_log_number: u64,
    next_file_number: u64,
    last_sequence: u64,
    deleted: Vec<(u32, u64)>,
    added: Vec<NewFile>,
    /// The number of changes that follow, and count only together with this one.
    left_in_group: Option<u32>,
}

impl Manifest {
    /// Reads all changes. Those of a group that is not complete do not count, as when the server starts.
    ///
    /// # Errors
    /// A [`Fault`], for what this reader does not know as well.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let default = FamilyState { name: "default".to_owned(), ..FamilyState::default() };
        let mut manifest = Manifest {
            families: BTreeMap::from([(0, default)]),
            dropped_families: BTreeSet::new(),
            min_log_number: 0,
            last_sequence: 0,
            next_file_number: 0,
            incomplete: None,
        };
        let (mut log, mut group) = (LogFile::without_compression(bytes), Vec::new());
        let mut group_offset = 0;
        while let Some(record) = log.next_record()? {
            let edit = Edit::parse(&record.content).map_err(|fault| fault.within(record.offset))?;
            let fault = |reason: String| Fault { offset: record.offset, reason };
            check_group(&group, edit.left_in_group).map_err(|reason| fault(reason.to_owned()))?;
            let is_complete = edit.left_in_group.unwrap_or_default() == 0;
            if group.is_empty() {
                group_offset = record.offset;
            }
            group.push(edit);
            let changes: usize = group.iter().map(Edit::count_changes).sum();
            if changes > MOST_CHANGES {
                return Err(fault("a group of too many changes".to_owned()));
            }
            if is_complete {
                for edit in group.drain(..) {
                    manifest.apply(edit).map_err(fault)?;
                }
            }
        }
        let reason = "the last changes of a group are missing";
        let group = (!group.is_empty()).then_some(IncompleteRecord {
            offset: group_offset,
            reason,
            is_damaged: false,
        });
        manifest.incomplete = log.incomplete_record().cloned().or(group);
        match manifest.next_file_number {
            // RocksDB refuses it as well.
            0 => Err(Fault::new(bytes.len(), "it ends before it says which files there are")),
            _ => Ok(manifest),
        }
    }

    /// Returns the number of the first log that counts.
    pub(super) fn first_log(&self) -> u64 {
        let first = self.families.values().map(|family| family.log_number).min();
        first.unwrap_or_default().max(self.min_log_number)
    }

    fn apply(&mut self, edit: Edit) -> Result<(), String> {
        let id = edit.family;
        self.next_file_number = self.next_file_number.max(edit.next_file_number);
        let tables = edit.added.iter().map(|table| table.largest_sequence).max();
        self.last_sequence =
            self.last_sequence.max(edit.last_sequence).max(tables.unwrap_or_default());
        if let Some(name) = edit.added_family {
            let family = FamilyState { name, ..FamilyState::default() };
            if self.dropped_families.contains(&id) || self.families.insert(id, family).is_some() {
                return Err(format!("column family {id} is added twice"));
            }
        }
        if edit.drops_family {
            self.families.remove(&id);
            self.dropped_families.insert(id);
            return Ok(());
        }
        let absent = || format!("column family {id} is changed and does not exist");
        let family = self.families.get_mut(&id).ok_or_else(absent)?;
        family.log_number = family.log_number.max(edit.log_number.unwrap_or_default());
        self.min_log_number = self.min_log_number.max(edit.min_log_number);
        for (level, number) in edit.deleted {
            let found = family.tables.remove(&number);
            if found.is_none_or(|table| table.level != level) {
                return Err(format!(
                    "table {number} is deleted and does not exist at level {level}"
                ));
            }
        }
        for table in edit.added {
            let number = table.number;
            if family.tables.insert(number, table).is_some() {
                return Err(format!("table {number} is added twice"));
            }
        }
        if family.tables.len() > MOST_FILES {
            return Err(format!("more than {MOST_FILES} tables are not supported"));
        }
        match self.families.len() + self.dropped_families.len() > MOST_FAMILIES {
            true => Err(format!("more than {MOST_FAMILIES} column families are not supported")),
            false => Ok(()),
        }
    }
}

/// Checks that a change belongs to the group before it, if there is one, and only then.
fn check_group(group: &[Edit], left: Option<u32>) -> Result<(), &'static str> {
    let before = group.last().and_then(|edit| edit.left_in_group);
    match (before, left) {
        (None, _) => Ok(()),
        (Some(before), Some(left)) if left.checked_add(1) == Some(before) => Ok(()),
        _ => Err("a group of changes that is not in order"),
    }
}

impl Edit {
    fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let (mut edit, mut cursor) = (Edit::default(), Cursor::new(bytes));
        while !cursor.is_at_end() {
            edit.parse_field(&mut cursor)?;
            if edit.count_changes() > MOST_CHANGES {
                return Err(cursor.fault("too many changes"));
            }
        }
        Ok(edit)
    }

    /// Counts the changes, of which the edit itself is one.
    fn count_changes(&self) -> usize {
        1 + self.deleted.len() + self.added.len()
    }

    fn parse_field(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        let start = cursor.clone();
        match cursor.varint_u32()? {
            tag::COMPARATOR => {
                if cursor.prefixed()? != COMPARATOR {
                    return Err(start.fault("an order of keys that is not supported"));
                }
            }
            tag::LOG_NUMBER => self.log_number = Some(cursor.varint()?),
            tag::MIN_LOG_NUMBER => self.min_log_number = cursor.varint()?,
            tag::LAST_SEQUENCE => self.last_sequence = cursor.varint()?,
            tag::NEXT_FILE_NUMBER => self.next_file_number = cursor.varint()?,
            tag::PREVIOUS_LOG_NUMBER => {
                if cursor.varint()? != 0 {
                    return Err(start.fault("a second log of an older format is not supported"));
                }
            }
            tag::COMPACT_CURSOR => {
                cursor.varint_u32()?;
                cursor.prefixed()?;
            }
            tag::DELETED_FILE => self.deleted.push((cursor.varint_u32()?, cursor.varint()?)),
            tag::NEW_FILE => self.added.push(NewFile::parse(cursor)?),
            tag::FAMILY => self.family = cursor.varint_u32()?,
            tag::FAMILY_ADD => {
                let name = std::str::from_utf8(cursor.prefixed()?);
                let name = name.map_err(|_| start.fault("a column family without a valid name"))?;
                self.added_family = Some(name.to_owned());
            }
            tag::FAMILY_DROP => self.drops_family = true,
            tag::MAX_FAMILY => {
                cursor.varint_u32()?;
            }
            tag::IN_ATOMIC_GROUP => self.left_in_group = Some(cursor.varint_u32()?),
            other if other & tag::IGNORABLE != 0 => {
                cursor.prefixed()?;
            }
            other => return Err(start.fault(format!("a change of unknown type {other}"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rocks_db::checksum::masked_crc;

    fn edit(left: Option<u32>) -> Edit {
        Edit { left_in_group: left, ..Edit::default() }
    }

    #[test]
    fn group_counts_down_to_its_end() {
        assert!(check_group(&[], None).is_ok() && check_group(&[], Some(3)).is_ok());
        assert!(check_group(&[edit(Some(3))], Some(2)).is_ok());
        for left in [None, Some(0), Some(1), Some(3)] {
            assert!(check_group(&[edit(Some(3))], left).is_err(), "{left:?}");
        }
    }

    #[test]
    fn unknown_tags_are_refused_unless_they_may_be_ignored() {
        // Tag 8193 with the bytes "ab", then the column family 1.
        assert_eq!(Edit::parse(&[0x81, 0x40, 2, b'a', b'b', 0xc8, 1, 1]).unwrap().family, 1);
        for unknown in [&[7, 0][..], &[0x90, 3, 0], &[0xc8, 1], &[1, 1, b'x']] {
            assert!(Edit::parse(unknown).is_err(), "{unknown:?}");
        }
    }

    #[test]
    fn group_without_its_end_is_reported() {
        let record = |content: &[u8]| {
            let fragment = [&[1_u8][..], content].concat();
            let checksum = masked_crc(&fragment).to_le_bytes();
            [&checksum[..], &[u8::try_from(content.len()).unwrap(), 0], &fragment].concat()
        };
        // The number of the next file, then a change of a group (tag 300) that one more follows.
        let (whole, group) = (record(&[3, 5]), record(&[0xac, 2, 1]));
        let incomplete =
            Manifest::parse(&[whole.clone(), group.clone()].concat()).unwrap().incomplete;
        let incomplete = incomplete.unwrap();
        assert_eq!((incomplete.offset, incomplete.is_damaged), (whole.len() as u64, false));
        assert!(incomplete.reason.contains("of a group are missing"));
        assert!(Manifest::parse(&group).unwrap_err().reason.contains("it ends before"));
    }

    proptest! {
        #![proptest_config(crate::fuzz::fuzz_config())]

        #[test]
        fn fuzz_any_change(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Edit::parse(&bytes);
            let _ = NewFile::parse(&mut Cursor::new(&bytes));
        }
    }
}
