//! A backup file that has been written.

use std::path::PathBuf;

/// A file that is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFile {
    /// The path.
    pub path: PathBuf,
    /// The number of keys it holds.
    pub keys: usize,
    /// The size in bytes.
    pub bytes: u64,
    /// SHA-256 over the whole file, in lower-case hex.
    pub sha256: String,
    /// Why the file may be gone after a loss of power, if it could not be made sure that it is not.
    pub warning: Option<String>,
}
