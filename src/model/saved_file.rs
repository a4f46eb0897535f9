//! A backup file that has been written.

use std::path::PathBuf;

/// A file that is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// How many keys it holds.
    pub keys: usize,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 over the whole file, in lower-case hex.
    pub sha256: String,
}
