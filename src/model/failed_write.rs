//! A write's fate: what is known of it, and the error that tells whether it may have happened.

use thiserror::Error;

use super::store_error::StoreError;

/// Whether a key holds what was to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteState {
    /// It does: the store acknowledged the write, or the key was read.
    Written,
    /// The write was never sent, or the store refused it.
    #[default]
    NotWritten,
    /// The write was sent, and its answer was lost; or only a part of the change is known to be done.
    Unknown,
}

impl WriteState {
    /// Returns the name in documents.
    pub fn name(self) -> &'static str {
        match self {
            WriteState::Written => "written",
            WriteState::NotWritten => "not_written",
            WriteState::Unknown => "unknown",
        }
    }
}

/// A failed write, which may nevertheless have been carried out.
///
/// The last error alone does not tell: a request whose answer was lost may be followed by one that is
/// refused.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct FailedWrite {
    /// The error of the last attempt.
    pub error: StoreError,
    /// `false` if the store certainly carried out nothing, in no attempt.
    pub may_have_written: bool,
}

impl FailedWrite {
    /// Creates the failure of a write that was certainly not carried out.
    pub fn not_written(error: StoreError) -> FailedWrite {
        FailedWrite { error, may_have_written: false }
    }

    /// Returns the state of the keys that were to be written.
    pub fn state(&self) -> WriteState {
        if self.may_have_written { WriteState::Unknown } else { WriteState::NotWritten }
    }
}
