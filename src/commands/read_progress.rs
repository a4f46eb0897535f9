//! The progress of a command that only reads, kept so that its document names what is known however it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::commands::{Context, Unfinished};
use crate::model::Key;
use crate::outcome::{CommandResult, Failure, KnownFields, Outcome, StoreName};

/// The progress of one command that only reads.
#[derive(Default)]
pub(super) struct ReadProgress(Mutex<KnownFields>);

impl ReadProgress {
    /// Starts the progress of a command, from which its end is told if it fails.
    pub(super) fn start(context: &Context<'_>) -> Arc<Self> {
        let progress = Arc::new(ReadProgress::default());
        context.unfinished.set(Arc::<ReadProgress>::clone(&progress));
        progress
    }

    fn lock(&self) -> MutexGuard<'_, KnownFields> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the key that is asked for.
    pub(super) fn set_key(&self, key: &Key) {
        self.lock().key = Some(key.to_string());
    }

    /// Records the condition that is waited for.
    pub(super) fn set_condition(&self, condition: &'static str) {
        self.lock().condition = Some(condition);
    }

    /// Records the open store.
    pub(super) fn set_store(&self, store: StoreName) {
        self.lock().store = Some(store);
    }

    /// Records the open source of a comparison.
    pub(super) fn set_source(&self, store: StoreName) {
        self.lock().source = Some(store);
    }

    /// Records the open target of a comparison.
    pub(super) fn set_target(&self, store: StoreName) {
        self.lock().target = Some(store);
    }
}

impl Unfinished for ReadProgress {
    fn outcome_so_far(&self, failure: Failure) -> Outcome {
        let known = self.lock().clone();
        Outcome { result: Some(CommandResult::Known(Box::new(known))), failure: Some(failure) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Code;

    #[test]
    fn failed_command_tells_what_it_had_opened() {
        let progress = ReadProgress::default();
        progress.set_key(&Key::NodesConfig);
        let outcome = progress.outcome_so_far(Failure::new(Code::KeyNotFound, "absent"));
        let Some(CommandResult::Known(known)) = outcome.result else { panic!("no fields") };
        assert_eq!(known.key.as_deref(), Some("nodes_config"));
        assert_eq!((known.store.clone(), known.target.clone()), (None, None));
    }
}
