//! The data that every step of a migration needs.

use super::args::MigrateArgs;
use super::state::MigrationState;
use crate::backends::Target;
use crate::commands::Context;
use crate::commands::open_store::OpenTarget;
use crate::config::StoreFile;
use crate::events::Event;
use crate::outcome::Finding;

/// One run of `migrate`: its arguments, its target, and what it has done so far.
pub(super) struct Job<'a> {
    pub(super) args: &'a MigrateArgs,
    pub(super) context: &'a Context<'a>,
    pub(super) state: &'a MigrationState,
    pub(super) target: &'a OpenTarget,
    /// The file that names the target.
    pub(super) target_file: &'a StoreFile,
}

impl Job<'_> {
    /// Returns the target as a store that is written.
    pub(super) fn target_store(&self) -> &dyn Target {
        self.target.target()
    }

    /// Reports a finding at once, and keeps it for the end of the run.
    pub(super) fn add_finding(&self, finding: Finding) {
        self.context.events.emit(Event::Finding(&finding));
        self.state.add_finding(finding);
    }

    /// Reports something that deserves attention and stops nothing.
    pub(super) fn warn(&self, text: &str) {
        self.context.events.emit(Event::Warning(text));
    }
}
