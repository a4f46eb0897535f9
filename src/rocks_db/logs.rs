//! The write-ahead logs of a database, in order: their writes follow those of the tables without a gap.

use std::ops::Range;

use super::budget::ReadBudget;
use super::contents::Contents;
use super::error::{Fault, ReadError, TornTail};
use super::folder::{Folder, log_name};
use super::log_file::LogFile;
use super::manifest::Manifest;
use super::write_batch::{Write, read_batch};

/// What the logs have told.
#[derive(Debug)]
pub(super) struct LogsEnd {
    /// The last sequence number of the tables and logs.
    pub(super) last_sequence: u64,
    /// The end of the last log, if a record there is not complete.
    pub(super) torn: Option<TornTail>,
}

/// Reads the logs that count. Only the last one may end in the middle of a record.
///
/// # Errors
/// [`ReadError`], also where a log is missing.
pub(super) fn read_logs(
    folder: &mut Folder,
    manifest: &Manifest,
    contents: &mut Contents,
    budget: &mut ReadBudget,
) -> Result<LogsEnd, ReadError> {
    let first = manifest.first_log();
    let numbers = folder.list_logs()?.into_iter().filter(|number| *number >= first);
    let numbers: Vec<_> = numbers.collect();
    check_presence(manifest, &numbers)?;
    let mut torn: Option<TornTail> = None;
    let mut sequence = SequenceCheck { last_known: manifest.last_sequence, next: None };
    for number in numbers {
        let mut reading = LogReading { number, manifest, contents, sequence: &mut sequence };
        let (tail, has_batches) = reading.read(folder, budget)?;
        match torn.take() {
            None => torn = tail,
            // The log of a server that ended before its first write: it had not yet repaired the one before.
            Some(tail) if !has_batches => torn = Some(tail),
            Some(TornTail { file, offset, .. }) => {
                let reason = "a record that is incomplete, and another log follows".to_owned();
                return Err(ReadError::Damaged { file, offset, reason });
            }
        }
    }
    Ok(LogsEnd { last_sequence: sequence.last(), torn })
}

/// Checks that the logs are there that the MANIFEST makes sure of.
///
/// The server makes the log of a family's number, or a later one, before the MANIFEST names that number: a server that
/// starts takes the next number for it after those of the tables that it makes. The same change also names the number that
/// the next file will get, which is greater, and older logs are removed only after it. So one of the logs that count is
/// always older than that: if none is, the MANIFEST is older than the logs.
fn check_presence(manifest: &Manifest, numbers: &[u64]) -> Result<(), ReadError> {
    let newest = manifest.families.values().map(|family| family.log_number).max();
    let newest = newest.unwrap_or_default();
    let missing = |reason: &str| {
        Err(ReadError::Missing { file: log_name(newest), reason: reason.to_owned() })
    };
    if newest > 0 && numbers.last().is_none_or(|last| *last < newest) {
        return missing("it, or a later log, must be there: the folder is not complete");
    }
    match newest > 0 && numbers.iter().all(|number| *number >= manifest.next_file_number) {
        true => missing(
            "every log that is there is newer than the MANIFEST: an older MANIFEST is there",
        ),
        false => Ok(()),
    }
}

/// Checks that the batches of all logs follow one another, and what the tables hold.
#[derive(Debug)]
struct SequenceCheck {
    /// The last sequence number that the MANIFEST knows.
    last_known: u64,
    /// The sequence number that the next batch begins with; `None` ahead of the first batch.
    next: Option<u64>,
}

impl SequenceCheck {
    fn check(&mut self, batch: Range<u64>) -> Result<(), Fault> {
        let is_next = match self.next {
            Some(next) => batch.start == next,
            None => batch.start <= self.last_known.saturating_add(1),
        };
        if !is_next {
            let expected = self.next.unwrap_or(self.last_known.saturating_add(1));
            let reason = format!(
                "the write {} follows, and {expected} should: a log is missing, or an older MANIFEST is there",
                batch.start
            );
            return Err(Fault::new(0, reason));
        }
        self.next = Some(batch.end);
        Ok(())
    }

    /// Returns the last sequence number that the MANIFEST or a log knows.
    fn last(&self) -> u64 {
        self.last_known.max(self.next.unwrap_or_default().saturating_sub(1))
    }
}

/// A write-ahead log that is being read.
struct LogReading<'a> {
    number: u64,
    manifest: &'a Manifest,
    contents: &'a mut Contents,
    sequence: &'a mut SequenceCheck,
}

impl LogReading<'_> {
    /// Reads the log. Returns its incomplete end, and whether it has any batch.
    fn read(
        &mut self,
        folder: &mut Folder,
        budget: &mut ReadBudget,
    ) -> Result<(Option<TornTail>, bool), ReadError> {
        let name = log_name(self.number);
        let bytes = folder.read(&name, budget)?;
        let mut log = LogFile::new(&bytes);
        let in_file = |fault: Fault| fault.in_file(&name);
        let mut has_batches = false;
        while let Some(record) = log.next_record().map_err(in_file)? {
            budget.content.add(record.content.len() as u64).map_err(|excess| {
                ReadError::TooLarge { file: name.clone(), reason: excess.to_owned() }
            })?;
            has_batches = true;
            let read = read_batch(&record.content, |write| self.add(&write, budget));
            let checked = read.and_then(|batch| self.sequence.check(batch));
            checked.map_err(|fault| in_file(fault.within(record.offset)))?;
        }
        let tail = log.incomplete_record().map(|record| record.in_file(&name));
        Ok((tail, has_batches))
    }

    /// Adds a write, unless the tables of its family have it.
    fn add(&mut self, write: &Write<'_>, budget: &mut ReadBudget) -> Result<(), Fault> {
        match self.manifest.families.get(&write.family) {
            Some(family) if self.number >= family.log_number => {
                self.contents.add(write, &mut budget.kept)
            }
            Some(_) => Ok(()),
            None if self.manifest.dropped_families.contains(&write.family) => Ok(()),
            None => {
                let reason = format!("a write to the unknown column family {}", write.family);
                Err(Fault::new(0, reason))
            }
        }
    }
}
