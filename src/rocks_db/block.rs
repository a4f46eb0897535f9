//! Blocks: sorted entries, each key without what it shares with the key before it.

use super::cursor::Cursor;
use super::error::Fault;
use super::limits::LONGEST_KEY;

/// The form of a block's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryForm {
    /// Each value stands behind its length.
    WithLength,
    /// Values have no length: they are block handles, which end by themselves; one whose key shares anything with the key
    /// before it is told from the handle before it.
    Handles,
}

/// The entries of a block, in order.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    cursor: Cursor<'a>,
    form: EntryForm,
    key: Vec<u8>,
}

/// Where an entry's value begins.
pub(super) struct EntryStart {
    /// The length of the value, where the form has one.
    pub(super) value_length: usize,
    /// `true` if the key shares nothing with the one before it.
    pub(super) is_restart: bool,
}

impl<'a> Entries<'a> {
    /// Finds the entries of a block.
    ///
    /// # Errors
    /// A [`Fault`] for a block without them, and for one with a hash index.
    pub(super) fn new(block: &'a [u8], form: EntryForm) -> Result<Self, Fault> {
        let end = block.len().checked_sub(4).ok_or_else(|| Fault::new(0, "an empty block"))?;
        let restarts = Cursor::new(block.get(end..).unwrap_or_default()).u32()?;
        // A hash index sets the highest bit of this number.
        let size = usize::try_from(restarts).ok().and_then(|count| count.checked_mul(4));
        let end_of_entries = size.and_then(|size| end.checked_sub(size));
        let fault = || Fault::new(end, "a block whose end is not understood");
        let entries = end_of_entries.and_then(|end| block.get(..end)).ok_or_else(fault)?;
        Ok(Entries { cursor: Cursor::new(entries), form, key: Vec::new() })
    }

    pub(super) fn cursor(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }

    /// Returns the key of the entry that was begun last.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Reads up to the value of the next entry; `None` at the end.
    pub(super) fn next_key(&mut self) -> Result<Option<EntryStart>, Fault> {
        if self.cursor.is_at_end() {
            return Ok(None);
        }
        let fault = self.cursor.fault("a key that shares more than the one before it has");
        let (shared, unshared) = (self.cursor.length()?, self.cursor.length()?);
        let value_length = match self.form {
            EntryForm::WithLength => self.cursor.length()?,
            EntryForm::Handles => 0,
        };
        if shared > self.key.len() {
            return Err(fault);
        }
        if shared.saturating_add(unshared) > LONGEST_KEY {
            return Err(self.cursor.fault("a key of more than 4 KiB is not supported"));
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(self.cursor.take(unshared)?);
        Ok(Some(EntryStart { value_length, is_restart: shared == 0 }))
    }

    /// Reads the next entry, where values have lengths; `None` at the end.
    pub(super) fn next_entry(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        match self.next_key()? {
            Some(start) => self.cursor.take(start.value_length).map(Some),
            None => Ok(None),
        }
    }
}
