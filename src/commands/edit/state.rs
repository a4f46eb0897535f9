//! What an edit has done so far, so that it can be told however it ends.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::change::EditDecision;
use crate::backends::Source;
use crate::commands::open_store::store_name;
use crate::model::Key;
use crate::outcome::{CommandResult, EditResult, Failure, Outcome};

pub(super) struct EditState {
    key: Key,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    edited: EditResult,
    /// Whether the write was sent.
    sent: bool,
}

impl EditState {
    pub(super) fn new(key: Key) -> Self {
        let edited = EditResult { key: key.to_string(), ..EditResult::default() };
        EditState { key, state: Mutex::new(State { edited, sent: false }) }
    }

    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opened(&self, store: &(impl Source + ?Sized)) {
        self.state().edited.store = Some(store_name(store));
    }

    pub(super) fn planned(&self, change: &EditDecision, dry_run: bool) {
        let edited = &mut self.state().edited;
        edited.old_version = change.old.as_ref().map(|old| old.version);
        edited.version = Some(change.value.version);
        edited.value = Some(change.document.clone());
        edited.diff = change.diff.clone();
        edited.dry_run = dry_run;
    }

    pub(super) fn backed_up(&self, path: PathBuf) {
        self.state().edited.backup = Some(path);
    }

    pub(super) fn sent(&self) {
        self.state().sent = true;
    }

    pub(super) fn written(&self) {
        self.state().edited.written = true;
    }

    /// How a signal ended the edit.
    pub(super) fn interrupted(&self, failure: Failure) -> Failure {
        let state = match self.state().sent {
            true => "the new value may have been written: look with `metadata get`",
            false => "nothing was written",
        };
        Failure { message: format!("{}; {state}", failure.message), ..failure }
    }

    pub(super) fn into_outcome(self, failure: Option<Failure>) -> Outcome {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        Outcome { result: Some(CommandResult::Edit(Box::new(state.edited))), failure }
    }
}
