//! The outcome of the stages before the first write: all that the writing stages work on.

use std::path::PathBuf;

use super::checks::Desired;
use super::observations::Observations;
use super::sides::Sides;
use crate::codec::{self, NodesConfiguration};
use crate::commands::open_store::OpenSource;
use crate::model::Snapshot;

/// Both sides, read and checked.
pub(super) struct Prepared {
    pub(super) source: OpenSource,
    pub(super) source_snapshot: Snapshot,
    /// The content that the target is to have.
    pub(super) desired: Snapshot,
    /// The nodes of the source.
    pub(super) nodes: NodesConfiguration,
    pub(super) target_snapshot: Snapshot,
    /// The backup file of an interrupted run that accounts for what the target holds.
    pub(super) prior_backup: Option<PathBuf>,
}

impl Prepared {
    /// Returns `None` if a side could not be read, which a failed check has reported.
    pub(super) fn from_parts(
        opened: Option<OpenSource>,
        sides: Sides,
        desired: Result<Desired, &'static str>,
        observed: Observations,
    ) -> Option<Self> {
        Some(Prepared {
            source: opened?,
            nodes: sides.source.nodes()?,
            source_snapshot: sides.source.snapshot.ok()?,
            desired: desired.ok()?.snapshot,
            target_snapshot: sides.target.snapshot.ok()?,
            prior_backup: observed.prior_backup,
        })
    }

    /// Returns the nodes with the roles that say which are metadata servers: those of a live target.
    pub(super) fn nodes_with_server_roles(&self, target_is_live: bool) -> NodesConfiguration {
        let theirs = codec::nodes_of(&self.target_snapshot).filter(|_| target_is_live);
        theirs.unwrap_or_else(|| self.nodes.clone())
    }
}
