//! One file per command: its arguments, and the stations that it wires together.

pub mod backup;
pub mod cluster_options;
pub mod completions;
pub mod edit;
pub mod get;
pub mod list;
pub mod live_nodes;
pub mod migrate;
pub mod open_store;
pub mod patch;
pub mod put;
pub mod store_arg;
pub mod verify;

use std::time::Instant;

use crate::events::{Event, EventSink};
use crate::options::GlobalOptions;
use crate::outcome::{Code, Failure};
use crate::terminal::confirmation::{self, Answer};

/// What every command is given.
pub struct Context<'a> {
    /// Options of every command.
    pub options: &'a GlobalOptions,
    /// Who is told what happens.
    pub events: &'a dyn EventSink,
    /// The words that the program was called with, to be shown again.
    pub command_line: &'a [String],
    /// When it was called.
    pub started: Instant,
}

impl Context<'_> {
    /// Asks, and whoever watches knows that nobody but the operator is waited for.
    ///
    /// # Errors
    /// [`Code::Internal`] where the terminal fails.
    async fn ask(&self, question: String) -> Result<Answer, Failure> {
        self.events.emit(Event::Asking);
        let answer = confirmation::ask(question, self.options.yes).await.map_err(|error| {
            Failure::new(Code::Internal, format!("failed to ask on the terminal: {error}"))
        })?;
        self.events.emit(Event::Answered);
        Ok(answer)
    }
}
