//! Events of a running command. Pipeline stages and commands emit them; `report` draws them.

use std::path::Path;
use std::sync::Arc;

use crate::model::{Plan, StoppedMembers};
use crate::outcome::{Failure, Finding, Outcome};

/// A part of a command that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Reading the source for the first time.
    ReadSource,
    /// Reading what is in the target.
    ReadTarget,
    /// Writing.
    Write,
    /// Reading the target back.
    ReadBack,
    /// Reading the source for the second time.
    ReadSourceAgain,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A stage began, on the store of that name.
    Started(Stage, &'a str),
    /// The number of keys that the stage has to go through.
    Total(Stage, usize),
    /// One more key, of so many bytes.
    Key(Stage, u64),
    /// The stage is through.
    Finished(Stage),
    /// A check was made.
    Finding(&'a Finding),
    /// The plan that is about to be carried out.
    Planned(&'a Plan),
    /// A backup of what the target held, with its number of keys.
    BackedUp(&'a Path, usize),
    /// A backup of the source, with its number of keys.
    SourceSaved(&'a Path, usize),
    /// A file, a pipe or standard input is opened or read, which may take any time.
    AwaitingFile {
        /// Its name in messages.
        name: &'a str,
        /// `true` if someone has to type it.
        is_typed: bool,
    },
    /// It has been opened or read, or could not be.
    FileReady,
    /// This question to the operator, who may take time to answer.
    Asking(&'a str),
    /// They have answered.
    Answered,
    /// A condition is waited for, and does not hold yet for these reasons.
    Awaiting {
        /// The condition.
        condition: &'a str,
        /// The reasons in one text.
        reasons: &'a str,
    },
    /// It is no longer waited for.
    Awaited,
    /// The folders of stopped nodes were read.
    StoppedMembers(&'a StoppedMembers),
    /// Something deserves attention and stops nothing.
    Warning(&'a str),
}

/// A consumer of events, such as the progress display.
pub trait EventSink: Send + Sync {
    /// Takes one event; must not block.
    fn emit(&self, event: Event<'_>);
}

/// The file of `--report`, as a command sees it that writes to a store.
pub trait InterimReport: Send + Sync {
    /// Saves the outcome that is to be found if the run is killed from here on, and takes the space that the
    /// final one needs.
    ///
    /// # Errors
    /// [`Code::BackupFailed`](crate::outcome::Code) if there is no space, or the file can't be written.
    fn save_interim(&self, so_far: &Outcome) -> Result<(), Failure>;

    /// Returns the document that an earlier run has left in the file, if there is one.
    fn earlier_document(&self) -> Option<Arc<[u8]>>;

    /// Reads the file again: if another run has listed keys there in the meantime that it wrote, its document is the
    /// earlier one from here on. Returns whether it is so.
    ///
    /// # Errors
    /// [`Code::BackupFailed`](crate::outcome::Code) if the file can't be read.
    fn reread_earlier(&self) -> Result<bool, Failure>;

    /// Keeps that document under another name if it lists keys that were written, since this run does not continue
    /// it. Returns a warning that says where, the first time.
    ///
    /// # Errors
    /// [`Code::BackupFailed`](crate::outcome::Code) if it can't be kept.
    fn keep_earlier(&self) -> Result<Option<String>, Failure>;
}

/// A sink that drops every event.
pub struct NoopSink;

impl EventSink for NoopSink {
    fn emit(&self, _: Event<'_>) {}
}
