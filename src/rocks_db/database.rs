//! Puts the files of a database together: of each key, the newest entry.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use super::error::{Fault, ReadError, TornTail};
use super::folder::{Folder, log_name, table_name};
use super::internal_key::{InternalKey, Operation};
use super::limits::{MOST_CONTENT, MOST_KEPT};
use super::log_file::{IncompleteRecord, LogFile};
use super::manifest::Manifest;
use super::new_file::NewFile;
use super::table::Table;
use super::write_batch::{Write, read_batch};

/// The keys and values of a column family.
pub type Family = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything that a database holds.
#[derive(Debug)]
pub struct Database {
    /// The column families by name.
    pub families: BTreeMap<String, Family>,
    /// The end of the last log, or of the MANIFEST, if a record there is not complete.
    pub torn_tails: Vec<TornTail>,
    /// The time of the last change of a file that was read.
    pub newest_change: Option<SystemTime>,
}

/// Reads a database. No other program may have it open.
///
/// # Errors
/// [`ReadError`], for what is not understood as well.
pub fn read_database(path: &Path) -> Result<Database, ReadError> {
    let mut folder = Folder::new(path);
    let (name, manifest) = read_manifest(&mut folder)?;
    let logs = folder.list_logs()?;
    let mut contents = Contents::default();
    for (id, family) in &manifest.families {
        for table in family.tables.values() {
            read_table(&mut folder, *id, table, &mut contents)?;
        }
    }
    let mut torn_tails: Vec<_> =
        manifest.incomplete.iter().map(|record| torn_tail(&name, record)).collect();
    torn_tails.extend(read_logs(&mut folder, &manifest, &mut contents)?);
    // A server that was started meanwhile, and is not seen by its lock, changes these first.
    if read_manifest(&mut folder)? != (name, manifest.clone()) || folder.list_logs()? != logs {
        let error = std::io::Error::other("it changed while it was read: a server may run on it");
        return Err(ReadError::Io { file: "the folder".to_owned(), error });
    }
    let families = manifest.families.iter();
    let families = families.map(|(id, family)| (family.name.clone(), contents.take_family(*id)));
    Ok(Database { families: families.collect(), torn_tails, newest_change: folder.newest_change() })
}

/// Reads the MANIFEST that `CURRENT` names.
fn read_manifest(folder: &mut Folder) -> Result<(String, Manifest), ReadError> {
    let current = folder.read("CURRENT")?;
    let name = std::str::from_utf8(&current).ok().and_then(|text| text.strip_suffix('\n'));
    let is_manifest = |name: &&str| {
        let digits = name.strip_prefix("MANIFEST-").unwrap_or_default();
        !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fault = || Fault::new(0, "it does not name a MANIFEST").in_file("CURRENT");
    let name = name.filter(is_manifest).ok_or_else(fault)?.to_owned();
    let bytes = folder.read(&name)?;
    let manifest = Manifest::parse(&bytes).map_err(|fault| fault.in_file(&name))?;
    Ok((name, manifest))
}

/// An entry of the state that is put together.
#[derive(Debug)]
struct Newest {
    sequence: u64,
    /// `None` for a deletion.
    value: Option<Vec<u8>>,
}

/// What an entry takes beside its key and its value, about.
const ENTRY_SIZE: usize = 100;

/// The newest entries found so far.
#[derive(Debug, Default)]
struct Contents {
    entries: BTreeMap<u32, BTreeMap<Vec<u8>, Newest>>,
    kept: usize,
    /// The size of all blocks of tables.
    table_size: u64,
}

impl Contents {
    fn add(&mut self, write: &Write<'_>) -> Result<(), Fault> {
        let value = match write.operation {
            Operation::Put => Some(write.value),
            Operation::Delete => None,
        };
        let family = self.entries.entry(write.family).or_default();
        let size = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
        if let Some(found) = family.get(write.key) {
            let held = found.value.as_deref();
            if found.sequence == write.sequence && held != value {
                return Err(Fault::new(0, "two values with one sequence number"));
            }
            if found.sequence >= write.sequence {
                return Ok(());
            }
            self.kept = self.kept.saturating_sub(size(held));
        } else {
            self.kept = self.kept.saturating_add(write.key.len()).saturating_add(ENTRY_SIZE);
        }
        self.kept = self.kept.saturating_add(size(value));
        if self.kept > MOST_KEPT {
            return Err(Fault::new(0, "more than 1 GiB of keys and values is not supported"));
        }
        let newest = Newest { sequence: write.sequence, value: value.map(<[u8]>::to_vec) };
        family.insert(write.key.to_vec(), newest);
        Ok(())
    }

    fn take_family(&mut self, id: u32) -> Family {
        let entries = self.entries.remove(&id).unwrap_or_default().into_iter();
        entries.filter_map(|(key, newest)| Some((key, newest.value?))).collect()
    }
}

/// Reads a table, and compares it with what the MANIFEST says of it.
fn read_table(
    folder: &mut Folder,
    family: u32,
    expected: &NewFile,
    contents: &mut Contents,
) -> Result<(), ReadError> {
    let name = table_name(expected.number);
    let bytes = read_named(folder, &name, "the MANIFEST names it")?;
    let in_file = |fault: Fault| fault.in_file(&name);
    let fault = |reason: &str| Fault::new(0, reason);
    if bytes.len() as u64 != expected.size {
        return Err(in_file(fault("it has another size than the MANIFEST says")));
    }
    let table = Table::open(&bytes).map_err(in_file)?;
    if table.family() != u64::from(family) {
        return Err(in_file(fault("it belongs to another column family than the MANIFEST says")));
    }
    let mut size = contents.table_size;
    let read = table.read_entries(&mut size, |key, value| {
        let keys = expected.smallest_key.as_slice()..=expected.largest_key.as_slice();
        let sequences = expected.smallest_sequence..=expected.largest_sequence;
        if !keys.contains(&key.user_key) || !sequences.contains(&key.sequence) {
            return Err(fault("an entry outside the bounds that the MANIFEST says"));
        }
        let InternalKey { user_key: key, sequence, operation } = key;
        contents.add(&Write { family, key, sequence, operation, value })
    });
    contents.table_size = size;
    read.map_err(in_file)
}

/// Reads the write-ahead logs that count. Only the last one may end in the middle of a record.
fn read_logs(
    folder: &mut Folder,
    manifest: &Manifest,
    contents: &mut Contents,
) -> Result<Option<TornTail>, ReadError> {
    let first = manifest.families.values().map(|family| family.log_number).min();
    let first = first.unwrap_or_default().max(manifest.min_log_number);
    // A log of this or a greater number is made before the MANIFEST names it: a server that starts takes the next number
    // for it after those of the tables that it makes.
    let newest = manifest.families.values().map(|family| family.log_number).max();
    let newest = newest.unwrap_or_default();
    let numbers = folder.list_logs()?.into_iter().filter(|number| *number >= first);
    let numbers: Vec<_> = numbers.collect();
    if newest > 0 && numbers.last().is_none_or(|last| *last < newest) {
        let reason = "it, or a later log, must be there: the folder is not complete".to_owned();
        return Err(ReadError::Missing { file: log_name(newest), reason });
    }
    let mut torn: Option<TornTail> = None;
    let mut progress = LogProgress { size: 0, next_sequence: None };
    for number in numbers {
        let mut log =
            LogReading { number, manifest, contents, progress: &mut progress, batches: 0 };
        let tail = log.read(folder)?;
        let is_empty = log.batches == 0 && tail.is_none();
        match torn.take() {
            None => torn = tail,
            // The log of a server that ended before its first write: it had not yet repaired the one before.
            Some(tail) if is_empty => torn = Some(tail),
            Some(TornTail { file, offset, .. }) => {
                let reason = "a record that is incomplete, and another log follows".to_owned();
                return Err(ReadError::Damaged { file, offset, reason });
            }
        }
    }
    Ok(torn)
}

/// A write-ahead log that is being read.
struct LogReading<'a> {
    number: u64,
    manifest: &'a Manifest,
    contents: &'a mut Contents,
    progress: &'a mut LogProgress,
    /// The number of batches in this log.
    batches: usize,
}

/// What the logs that were read have together.
#[derive(Debug)]
struct LogProgress {
    /// The size of all records.
    size: u64,
    /// The sequence number that the next batch begins with; `None` ahead of the first batch.
    next_sequence: Option<u64>,
}

impl LogProgress {
    /// Checks that a batch follows the one before, and the first one what the tables hold: between them, none is missing.
    fn check_sequence(&mut self, batch: Range<u64>, last_known: u64) -> Result<(), Fault> {
        let is_next = match self.next_sequence {
            Some(next) => batch.start == next,
            None => batch.start <= last_known.saturating_add(1),
        };
        if !is_next {
            let expected = self.next_sequence.unwrap_or(last_known.saturating_add(1));
            let reason = format!(
                "the write {} follows, and {expected} should: a log is missing, or an older MANIFEST is there",
                batch.start
            );
            return Err(Fault::new(0, reason));
        }
        self.next_sequence = Some(batch.end);
        Ok(())
    }
}

impl LogReading<'_> {
    fn read(&mut self, folder: &mut Folder) -> Result<Option<TornTail>, ReadError> {
        let name = log_name(self.number);
        let bytes = folder.read(&name)?;
        let mut log = LogFile::new(&bytes);
        let in_file = |fault: Fault| fault.in_file(&name);
        while let Some(record) = log.next_record().map_err(in_file)? {
            let size = &mut self.progress.size;
            *size = size.saturating_add(record.content.len() as u64);
            if *size > MOST_CONTENT {
                let reason = "the logs up to it hold more than 4 GiB".to_owned();
                return Err(ReadError::TooLarge { file: name, reason });
            }
            self.batches += 1;
            let read = read_batch(&record.content, |write| self.add(&write));
            let last_known = self.manifest.last_sequence;
            let checked = read.and_then(|batch| self.progress.check_sequence(batch, last_known));
            checked.map_err(|fault| in_file(fault.within(record.offset)))?;
        }
        Ok(log.incomplete_record().map(|record| torn_tail(&name, record)))
    }

    /// Adds a write, unless the tables of its family have it.
    fn add(&mut self, write: &Write<'_>) -> Result<(), Fault> {
        match self.manifest.families.get(&write.family) {
            Some(family) if self.number >= family.log_number => self.contents.add(write),
            Some(_) => Ok(()),
            None if self.manifest.dropped_families.contains(&write.family) => Ok(()),
            None => {
                let reason = format!("a write to the unknown column family {}", write.family);
                Err(Fault::new(0, reason))
            }
        }
    }
}

/// Reads a file that another one names.
fn read_named(folder: &mut Folder, name: &str, reason: &str) -> Result<Vec<u8>, ReadError> {
    folder.read(name).map_err(|error| match error {
        ReadError::Io { file, error } if error.kind() == std::io::ErrorKind::NotFound => {
            ReadError::Missing { file, reason: format!("{reason}: the folder is not complete") }
        }
        error => error,
    })
}

fn torn_tail(file: &str, record: &IncompleteRecord) -> TornTail {
    TornTail {
        file: file.to_owned(),
        offset: record.offset,
        reason: record.reason.to_owned(),
        is_damaged: record.is_damaged,
    }
}
