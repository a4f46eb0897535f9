//! Reading the whole of one store, for the commands that show or save it.

use std::ffi::OsStr;

use crate::commands::open_store::{self, store_name};
use crate::commands::read_progress::ReadProgress;
use crate::commands::{Context, store_arg};
use crate::events::Stage;
use crate::model::Snapshot;
use crate::outcome::{Failure, StoreName};
use crate::pipeline::snapshot;

/// A store that was read.
pub(super) struct ReadStore {
    pub(super) store: StoreName,
    pub(super) snapshot: Snapshot,
    /// The number of keys not owned by Restate; `None` if the store can't tell.
    pub(super) foreign: Option<u64>,
    /// Why the store may have more keys, if it may.
    pub(super) missing: Option<String>,
}

impl ReadStore {
    /// Returns the store, if it has any keys of Restate's.
    ///
    /// # Errors
    /// [`Code::NotARestateStore`](crate::outcome::Code::NotARestateStore).
    pub(super) fn require_keys(self) -> Result<Self, Failure> {
        match self.snapshot.is_empty() {
            true => Err(Failure::no_keys(&self.store)),
            false => Ok(self),
        }
    }
}

/// Reads every key of the store of `--from`, or of the running cluster without it.
///
/// # Errors
/// Any [`Failure`] to open or read the store.
pub(super) async fn read_store(
    from: Option<&OsStr>,
    context: &Context<'_>,
) -> Result<ReadStore, Failure> {
    let progress = ReadProgress::start(context);
    let from = store_arg::load_optional(from, context).await?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    progress.set_store(store_name(source));
    let failed = |error| opened.failure(&error);
    let snapshot =
        snapshot::read(source, Stage::ReadSource, context.events).await.map_err(failed)?;
    let foreign = source.count_foreign_keys().await.map_err(failed)?;
    let missing = snapshot::describe_missing_keys(source, &snapshot, foreign);
    Ok(ReadStore { store: store_name(source), snapshot, foreign, missing })
}
