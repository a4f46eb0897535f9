//! The outcome of the stages before the first write: all that the writing stages work on.

use std::path::PathBuf;
use std::sync::Arc;

use super::checks::Desired;
use super::observations::Observations;
use super::sides::Sides;
use crate::codec::{self, NodesConfiguration};
use crate::commands::open_store::OpenSource;
use crate::model::{DataLoss, Snapshot, UnlistedKeys};
use crate::pipeline::checks::Membership;

/// Both sides, read and checked.
pub(super) struct Prepared {
    pub(super) source: OpenSource,
    pub(super) source_snapshot: Arc<Snapshot>,
    /// `false` if the source may have more keys than were read.
    pub(super) source_is_complete: bool,
    /// What the source may lack, where it is made from less than a majority of the members.
    pub(super) data_loss: Option<DataLoss>,
    /// The content that the target is to have.
    pub(super) desired: Arc<Snapshot>,
    /// The nodes of the source.
    pub(super) nodes: NodesConfiguration,
    pub(super) target_snapshot: Snapshot,
    /// What the target may have without listing it.
    pub(super) unlisted: UnlistedKeys,
    /// The backup file of an interrupted run that accounts for what the target holds.
    pub(super) prior_backup: Option<PathBuf>,
    /// Whether the target may be half-written.
    pub(super) is_target_half_written: bool,
    /// The members of a live target beside the nodes that it is to have.
    pub(super) membership: Option<Membership>,
}

impl Prepared {
    /// Returns `None` if a side could not be read, which a failed check has reported.
    pub(super) fn from_parts(
        opened: Option<OpenSource>,
        sides: Sides,
        desired: Result<Desired, &'static str>,
        observed: Observations,
    ) -> Option<Self> {
        let desired = desired.ok()?.snapshot;
        let kept = codec::nodes_of(&desired);
        Some(Prepared {
            source: opened?,
            nodes: sides.source.nodes()?,
            data_loss: sides.source.data_loss,
            source_is_complete: sides.source.missing_keys.is_none(),
            membership: kept.and_then(|kept| sides.target.membership(&kept)),
            is_target_half_written: sides.target.may_be_half_written(),
            source_snapshot: sides.source.snapshot.ok()?,
            desired,
            unlisted: sides.target.unlisted,
            target_snapshot: sides.target.snapshot.ok()?,
            prior_backup: observed.prior_backup,
        })
    }

    /// Returns the nodes that the target is to have. On a live target, their roles are those that they have
    /// there.
    pub(super) fn desired_nodes(&self) -> NodesConfiguration {
        codec::nodes_of(&self.desired).unwrap_or_else(|| self.nodes.clone())
    }
}
