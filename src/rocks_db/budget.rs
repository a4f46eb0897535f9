//! How much is read of all folders of one state together, so that damaged or hostile ones take bounded memory and time.

use super::limits::{MOST_CONTENT, MOST_FILE_BYTES, MOST_FILES, MOST_KEPT};

/// What has been read of several databases, and how much more may be.
#[derive(Debug)]
pub struct ReadBudget {
    pub(super) files: Amount,
    pub(super) file_bytes: Amount,
    pub(super) content: Amount,
    pub(super) kept: Amount,
}

impl Default for ReadBudget {
    fn default() -> Self {
        ReadBudget {
            files: Amount::new(MOST_FILES as u64, "the files up to it are more than 10,000"),
            file_bytes: Amount::new(MOST_FILE_BYTES, "the files up to it have more than 4 GiB"),
            content: Amount::new(MOST_CONTENT, "the files up to it hold more than 4 GiB"),
            kept: Amount::new(MOST_KEPT, "more than 2 GiB of keys and values are not supported"),
        }
    }
}

/// An amount that grows up to a limit.
#[derive(Debug)]
pub(super) struct Amount {
    used: u64,
    most: u64,
    excess: &'static str,
}

impl Amount {
    pub(super) fn new(most: u64, excess: &'static str) -> Self {
        Amount { used: 0, most, excess }
    }

    /// Adds to the amount.
    ///
    /// # Errors
    /// What is exceeded.
    pub(super) fn add(&mut self, size: u64) -> Result<(), &'static str> {
        self.used = self.used.saturating_add(size);
        if self.is_exceeded() { Err(self.excess) } else { Ok(()) }
    }

    /// Returns whether more was added than the limit.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used > self.most
    }

    /// Takes back what was added.
    pub(super) fn release(&mut self, size: u64) {
        self.used = self.used.saturating_sub(size);
    }
}
