//! The state of a command, from which its end can be told if the command itself fails or is stuck.

use std::sync::{Arc, Mutex, PoisonError};

use crate::outcome::{Failure, Outcome};

/// A command that has not ended.
pub trait Unfinished: Send + Sync {
    /// Returns the outcome of a run that this failure ended: a signal, or a fault of the program.
    fn outcome_so_far(&self, failure: Failure) -> Outcome;
}

/// The place for the state of the command that runs; empty for one that has none.
#[derive(Default)]
pub struct UnfinishedSlot(Mutex<Option<Arc<dyn Unfinished>>>);

impl UnfinishedSlot {
    /// Leaves the state of a command.
    pub fn set(&self, command: Arc<dyn Unfinished>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(command);
    }

    /// Returns the outcome of the command, as far as it came, ended by this failure.
    pub fn outcome_so_far(&self, failure: Failure) -> Outcome {
        let command = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match command {
            Some(command) => command.outcome_so_far(failure),
            None => Outcome { result: None, failure: Some(failure) },
        }
    }
}
