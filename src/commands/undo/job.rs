//! The data that every step of an undo needs.

use super::args::UndoArgs;
use super::state::UndoState;
use crate::backends::Target;
use crate::commands::Context;
use crate::commands::run_report::RunReport;
use crate::events::Event;
use crate::model::Snapshot;
use crate::outcome::Finding;

/// What is to be taken back, and from where.
pub(super) struct UndoInputs {
    /// The report of the run.
    pub(super) run: RunReport,
    /// What the target held before the run, by the backup that the run made; empty if it replaced nothing.
    pub(super) before: Snapshot,
    /// The target.
    pub(super) target: Box<dyn Target>,
}

/// One undo: its arguments, its inputs, and what it has done so far.
pub(super) struct UndoJob<'a> {
    pub(super) args: &'a UndoArgs,
    pub(super) context: &'a Context<'a>,
    pub(super) state: &'a UndoState,
    pub(super) inputs: &'a UndoInputs,
}

impl UndoJob<'_> {
    /// Returns the target as a store that is written.
    pub(super) fn target(&self) -> &dyn Target {
        self.inputs.target.as_ref()
    }

    /// Reports a finding at once, and keeps it for the end of the run.
    pub(super) fn add_finding(&self, finding: Finding) {
        self.context.events.emit(Event::Finding(&finding));
        self.state.add_finding(finding);
    }
}
