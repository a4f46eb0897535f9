//! The files of a RocksDB database that nothing holds open, read without RocksDB and never written.
//!
//! In: a folder. Out: the newest value of each key, by column family. What keys and values mean is the caller's
//! business. The order is RocksDB's own when it starts: `CURRENT` names the MANIFEST (`manifest`), which names the
//! tables (`table`) and the logs (`logs`, `log_file`, `write_batch`) that count. Of each key, the entry with the greatest
//! sequence number wins (`contents`, `database`).
//!
//! The files may be damaged or hostile. Every checksum is compared, no size is believed before it is bounded
//! (`limits`, `budget`), every read is checked (`cursor`), and what is not known is refused with file and offset: a wrong
//! value would be worse than none. The databases that are read have one writer, Restate's metadata server, so that
//! much of the format is refused because it never occurs there: merge operators, range deletions, blob files,
//! timestamps, dictionaries, partitioned indexes, recycled logs.

mod block;
mod budget;
mod checksum;
mod compression;
mod contents;
mod cursor;
mod database;
mod error;
mod folder;
mod footer;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod internal_key;
mod limits;
mod log_file;
mod logs;
mod manifest;
mod new_file;
mod properties;
mod table;
mod write_batch;

#[cfg(test)]
mod tests;

pub use budget::ReadBudget;
pub use contents::Family;
pub use database::{Database, read_database};
pub use error::{ReadError, TornTail};
