//! The progress of an edit, kept so that it is reported however the edit ends.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::decision::EditDecision;
use crate::backends::Source;
use crate::commands::open_store::store_name;
use crate::model::Key;
use crate::outcome::{CommandResult, EditResult, Failure, Outcome};

/// The progress of one edit.
pub(super) struct EditState {
    key: Key,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    result: EditResult,
    /// `true` once the write was sent.
    is_write_sent: bool,
}

impl EditState {
    /// Starts an edit of this key.
    pub(super) fn new(key: Key) -> Self {
        let result = EditResult { key: key.to_string(), ..EditResult::default() };
        EditState { key, inner: Mutex::new(Inner { result, is_write_sent: false }) }
    }

    /// Returns the key to edit.
    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the open store.
    pub(super) fn set_store(&self, store: &(impl Source + ?Sized)) {
        self.lock().result.store = Some(store_name(store));
    }

    /// Records the value to write.
    pub(super) fn set_decision(&self, decision: &EditDecision, dry_run: bool) {
        let result = &mut self.lock().result;
        result.old_version = decision.old.as_ref().map(|old| old.version);
        result.version = Some(decision.value.version);
        result.value = Some(decision.document.clone());
        result.diff = decision.diff.clone();
        result.dry_run = dry_run;
    }

    /// Records the file with the old value.
    pub(super) fn set_backup(&self, path: PathBuf) {
        self.lock().result.backup = Some(path);
    }

    /// Records that the write is about to be sent.
    pub(super) fn mark_write_sent(&self) {
        self.lock().is_write_sent = true;
    }

    /// Records that the new value is stored.
    pub(super) fn mark_written(&self) {
        self.lock().result.written = true;
    }

    /// Adds to the failure of a signal whether anything may have been written.
    pub(super) fn describe_interruption(&self, failure: Failure) -> Failure {
        let writes = match self.lock().is_write_sent {
            true => "the new value may have been written: check with `metadata get`",
            false => "nothing was written",
        };
        Failure { message: format!("{}; {writes}", failure.message), ..failure }
    }

    /// Returns the outcome of the edit.
    pub(super) fn into_outcome(self, failure: Option<Failure>) -> Outcome {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        Outcome { result: Some(CommandResult::Edit(Box::new(inner.result))), failure }
    }
}
