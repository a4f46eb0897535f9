//! The commands: one file or folder each, with its arguments and the pipeline stages that it connects.

pub mod backup;
pub mod check;
pub mod cluster_options;
pub mod completions;
pub mod describe;
pub mod edit;
pub mod get;
mod input;
pub mod list;
pub mod live_nodes;
pub mod migrate;
pub mod node_ids;
pub mod nodes;
pub mod open_store;
pub mod patch;
pub mod put;
mod read_progress;
mod read_store;
mod run_report;
pub mod save_backup;
mod self_comparison;
pub mod snapshot_warnings;
pub mod status;
pub mod store_arg;
mod text_encoding;
pub mod undo;
mod unfinished;
pub mod verify;
pub mod wait;
mod write_record;

use std::ffi::OsString;
use std::time::Instant;

use crate::events::{Event, EventSink, InterimReport};
use crate::options::GlobalOptions;
use crate::outcome::{Code, Failure};
use crate::terminal::confirmation::{self, Confirmation};
use crate::terminal::signals::Interruption;
pub use unfinished::{Unfinished, UnfinishedSlot};

/// The context that every command runs in.
pub struct Context<'a> {
    /// The signal that ends the program, once there is one.
    pub interruption: &'a Interruption,
    /// Where a command leaves what is to be told if it fails or is stuck.
    pub unfinished: &'a UnfinishedSlot,
    /// Options of every command.
    pub options: &'a GlobalOptions,
    /// The receiver of the command's events.
    pub events: &'a dyn EventSink,
    /// The file of `--report`, if there is one.
    pub report: Option<&'a dyn InterimReport>,
    /// The words that the program was called with, for commands that print it again.
    pub command_line: &'a [OsString],
    /// The time of the start.
    pub started: Instant,
}

impl Context<'_> {
    /// Keeps the report of an earlier run under another name if it lists keys that were written: this run does not
    /// continue it.
    ///
    /// # Errors
    /// [`Code::BackupFailed`] if it can't be kept.
    fn keep_earlier_report(&self) -> Result<(), Failure> {
        let Some(report) = self.report else { return Ok(()) };
        if let Some(warning) = report.keep_earlier()? {
            self.events.emit(Event::Warning(&warning));
        }
        Ok(())
    }

    /// Asks the operator to confirm, and reports that the program waits for nobody else.
    ///
    /// # Errors
    /// [`Code::Internal`] if the terminal fails.
    async fn ask_to_confirm(&self, question: String) -> Result<Confirmation, Failure> {
        let show = |prompt: &str| self.events.emit(Event::Asking(prompt));
        let confirmation = confirmation::ask_to_confirm(&question, self.options.yes, &show).await;
        let confirmation = confirmation.map_err(|error| {
            Failure::new(Code::Internal, format!("failed to ask on the terminal: {error}"))
        })?;
        self.events.emit(Event::Answered);
        Ok(confirmation)
    }
}
