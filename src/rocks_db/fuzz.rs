//! Any bytes as each kind of file, and as what its checksums protect. Fuzz tests and coverage-guided fuzzing call these.
//!
//! Under `cfg(fuzzing)` no checksum is compared, so that what lies behind them is reached.

use super::block::{Entries, EntryForm};
use super::budget::Amount;
use super::footer::Footer;
use super::log_file::LogFile;
use super::manifest::Manifest;
use super::properties::Properties;
use super::table::Table;
use super::write_batch::read_batch;

/// Reads a write-ahead log with its batches.
pub fn read_log(bytes: &[u8]) {
    let mut log = LogFile::new(bytes);
    while let Ok(Some(record)) = log.next_record() {
        read_write_batch(&record.content);
    }
}

/// Reads a MANIFEST.
pub fn read_manifest(bytes: &[u8]) {
    let _ = Manifest::parse(bytes).map(|manifest| manifest.first_log());
}

/// Reads a table with its entries.
pub fn read_table(bytes: &[u8]) {
    let mut content = Amount::new(16 << 20, "");
    let _ = Table::open(bytes, &mut content)
        .and_then(|table| table.read_entries(&mut Amount::new(16 << 20, ""), |_, _| Ok(())));
}

/// Reads what checksums protect: a batch, and the blocks of a table.
pub fn read_parts(bytes: &[u8]) {
    read_write_batch(bytes);
    let _ = (Footer::parse(bytes), Properties::parse(bytes));
    for form in [EntryForm::WithLength, EntryForm::Handles] {
        if let Ok(mut entries) = Entries::new(bytes, form) {
            while let Ok(Some(_)) = entries.next_entry() {}
        }
    }
}

fn read_write_batch(bytes: &[u8]) {
    let _ = read_batch(bytes, |_| Ok(()));
}
