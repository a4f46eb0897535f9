//! The progress of an edit, kept so that it is reported however the edit ends.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::decision::EditDecision;
use crate::backends::Source;
use crate::commands::Unfinished;
use crate::commands::open_store::store_name;
use crate::model::{Key, WriteState};
use crate::outcome::{Code, CommandResult, EditResult, Failure, Outcome};

/// The progress of one edit.
pub(super) struct EditState {
    key: Key,
    inner: Mutex<EditResult>,
}

impl EditState {
    /// Starts an edit of this key.
    pub(super) fn new(key: Key) -> Self {
        let result = EditResult { key: key.to_string(), ..EditResult::default() };
        EditState { key, inner: Mutex::new(result) }
    }

    /// Returns the key to edit.
    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    fn lock(&self) -> MutexGuard<'_, EditResult> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the open store.
    pub(super) fn set_store(&self, store: &(impl Source + ?Sized)) {
        self.lock().store = Some(store_name(store));
    }

    /// Records the value to write.
    pub(super) fn set_decision(&self, decision: &EditDecision, dry_run: bool) {
        let mut result = self.lock();
        result.old_version = decision.old.as_ref().map(|old| old.version);
        result.version = Some(decision.value.version);
        result.value = Some(decision.document.clone());
        result.diff = decision.diff.clone();
        result.dry_run = dry_run;
    }

    /// Records the file with the old value.
    pub(super) fn set_backup(&self, path: PathBuf) {
        self.lock().backup = Some(path);
    }

    /// Records what is known of the write: nothing once it is about to be sent.
    pub(super) fn set_write_state(&self, state: WriteState) {
        self.lock().write_state = state;
    }

    /// Adds to the failure of a signal whether anything may have been written.
    pub(super) fn describe_interruption(&self, failure: Failure) -> Failure {
        let writes = match self.lock().write_state {
            WriteState::Written => "the new value is written",
            WriteState::NotWritten => "nothing was written",
            WriteState::Unknown => "the new value may have been written: check with `metadata get`",
        };
        Failure { message: format!("{}; {writes}", failure.message), ..failure }
    }

    /// Returns the outcome of the edit.
    pub(super) fn outcome(&self, failure: Option<Failure>) -> Outcome {
        let result = self.lock().clone();
        Outcome { result: Some(CommandResult::Edit(Box::new(result))), failure }
    }
}

impl Unfinished for EditState {
    fn outcome_so_far(&self, failure: Failure) -> Outcome {
        let failure = self.describe_interruption(failure);
        let may_have_written = self.lock().write_state != WriteState::NotWritten;
        let is_signal = failure.code == Code::Interrupted;
        self.outcome(Some(match may_have_written && !is_signal {
            true => failure.after_writing(),
            false => failure,
        }))
    }
}
