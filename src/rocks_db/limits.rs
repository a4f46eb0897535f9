//! The most that is read, so that damaged or hostile folders take bounded memory and time.
//!
//! A metadata server keeps at most one snapshot of all keys, about a thousand log entries, and what RocksDB has not
//! compacted yet. The largest cluster that can be, with its 65,535 partitions and 30 MiB of schema, has about 60 MB of keys.

/// The largest file.
pub(super) const LARGEST_FILE: u64 = 1 << 30;

/// The most bytes of all files together.
pub(super) const MOST_FILE_BYTES: u64 = 4 << 30;

/// The most files that are read, and that one folder may have: some dozens are usual.
pub(super) const MOST_FILES: usize = 10_000;

/// The largest block of a table, or record of a log, once decompressed.
pub(super) const LARGEST_CONTENT: usize = 256 << 20;

/// The longest key of a block: those of a server have some dozens of bytes.
pub(super) const LONGEST_KEY: usize = 4 << 10;

/// The largest block that describes a table.
pub(super) const LARGEST_DESCRIPTION: usize = 1 << 20;

/// The most changes of files in one record of a MANIFEST, or in one group of them, and the most column families.
pub(super) const MOST_CHANGES: usize = MOST_FILES;
pub(super) const MOST_FAMILIES: usize = 100;

/// The most bytes of all of them together.
pub(super) const MOST_CONTENT: u64 = 4 << 30;

/// The most bytes of keys and values of all folders.
pub(super) const MOST_KEPT: u64 = 2 << 30;
