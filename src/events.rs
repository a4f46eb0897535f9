//! What happens while a command runs, as events. Stations emit them; `report` draws them.

use std::path::Path;

use crate::model::Plan;
use crate::outcome::Finding;

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
    /// It is known how many keys the stage has to go through.
    Total(Stage, usize),
    /// One more key, of so many bytes.
    Key(Stage, u64),
    /// The stage is through.
    Finished(Stage),
    /// A check was made.
    Finding(&'a Finding),
    /// What is going to be done.
    Planned(&'a Plan),
    /// What the target held, so many keys, was saved to this file.
    BackedUp(&'a Path, usize),
    /// Someone is asked, and thinks about it.
    Asking,
    /// They have answered.
    Answered,
    /// Something deserves attention and stops nothing.
    Warning(&'a str),
}

/// Who is told.
pub trait EventSink: Send + Sync {
    /// Takes one event; must not block.
    fn emit(&self, event: Event<'_>);
}

/// Nobody.
pub struct NoopSink;

impl EventSink for NoopSink {
    fn emit(&self, _: Event<'_>) {}
}
