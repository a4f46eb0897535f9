//! The errors of reading, each with file and offset, and the end of a log that was cut short.

use std::io;

use thiserror::Error;

/// Why a database was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The system does not give the file.
    #[error("failed to read {file}: {error}")]
    Io {
        /// The name of the file in the folder.
        file: String,
        /// The error of the system.
        error: io::Error,
    },
    /// A file that another one names is absent.
    #[error("{file} is missing: {reason}")]
    Missing {
        /// The name of the file in the folder.
        file: String,
        /// The place that names it.
        reason: String,
    },
    /// The content is not what RocksDB writes, or not what this reader knows.
    #[error("{file}: byte {offset}: {reason}")]
    Damaged {
        /// The name of the file in the folder.
        file: String,
        /// The offset in the file.
        offset: u64,
        /// The fault.
        reason: String,
    },
    /// The files are larger than those of a metadata server can be.
    #[error("{file}: {reason}")]
    TooLarge {
        /// The name of the file in the folder.
        file: String,
        /// The limit that is exceeded.
        reason: String,
    },
}

impl ReadError {
    /// Returns the error of a file that another one names: one that is not there is missing.
    pub(super) fn of_named(self, by: &str) -> ReadError {
        match self {
            ReadError::Io { file, error } if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("{by} names it: the folder is not complete");
                ReadError::Missing { file, reason }
            }
            error => error,
        }
    }
}

/// The end of the last log, where a record is not complete: a write that the end of the server interrupted, or a copy
/// that was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The name of the file in the folder.
    pub file: String,
    /// The offset at which the incomplete record begins.
    pub offset: u64,
    /// What is there.
    pub reason: String,
    /// `true` if all bytes of the record are there and its header or its checksum is wrong, or zeros are in its place. The
    /// end of a server alone leaves neither, so that what was lost may have been acknowledged.
    pub is_damaged: bool,
}

/// A fault in bytes, whose file the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The offset in the bytes.
    pub(super) offset: u64,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(offset: usize, reason: impl Into<String>) -> Self {
        Fault { offset: offset as u64, reason: reason.into() }
    }

    /// Returns the fault as one of bytes that begin at this offset of a file.
    #[must_use]
    pub(super) fn from(mut self, offset: u64) -> Self {
        self.offset = self.offset.saturating_add(offset);
        self
    }

    /// Returns the fault as one of bytes that were compressed, or spread, at this offset of a file.
    #[must_use]
    pub(super) fn within(self, offset: u64) -> Self {
        let reason = format!("{} (byte {} of the content)", self.reason, self.offset);
        Fault { offset, reason }
    }

    pub(super) fn in_file(self, file: &str) -> ReadError {
        ReadError::Damaged { file: file.to_owned(), offset: self.offset, reason: self.reason }
    }
}
