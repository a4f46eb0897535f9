//! Source and target as read before anything is decided, both at once where that is possible.

use std::sync::Arc;

use tokio::join;

use super::job::Job;
pub(super) use super::target_state::TargetState;
use super::target_state::{lost_quorum, read_target};
use crate::backends::Source;
use crate::backends::cluster::{self, ClusterOptions};
use crate::codec::{self, NodesConfiguration};
use crate::commands::open_store::{self, OpenSource, store_name};
use crate::commands::store_arg::StoreArg;
use crate::events::Stage;
use crate::model::{
    DataLoss, Key, Quorum, Snapshot, StoppedMembers, StoreError, UnlistedKeys, UsesReplicatedStore,
};
use crate::outcome::Failure;
use crate::pipeline::checks::describe_source_on_target;
use crate::pipeline::same_store::{ReadStore, are_one_store};
use crate::pipeline::snapshot::{self, StoreContent};

/// The kinds of source that the checks tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceKind {
    LiveCluster,
    BackupFile,
    StoppedNodes,
    ExternalStore,
}

impl SourceKind {
    /// Returns the kind of an opened source.
    pub(super) fn from_opened(opened: &OpenSource) -> Self {
        match (opened, opened.source().kind()) {
            (OpenSource::Cluster(_), _) => SourceKind::LiveCluster,
            (_, "backup") => SourceKind::BackupFile,
            (_, "stopped-node") => SourceKind::StoppedNodes,
            _ => SourceKind::ExternalStore,
        }
    }
}

/// The source as far as it could be read.
pub(super) struct SourceState {
    pub(super) kind: SourceKind,
    /// The quorum of a live cluster.
    pub(super) quorum: Option<Quorum>,
    /// Shared, since it is mostly what the target is to have as well.
    pub(super) snapshot: Result<Arc<Snapshot>, StoreError>,
    /// The reason why it may have more keys than were read.
    pub(super) missing_keys: Option<String>,
    /// The members whose folders were read, where it is such folders.
    pub(super) stopped: Option<StoppedMembers>,
    /// What may be missing, where it is made from less than a majority of the members.
    pub(super) data_loss: Option<DataLoss>,
    /// `true` for a live cluster that is known to run on another store than its replicated one. It is
    /// asked only where source and target look like one store.
    pub(super) uses_other_store: bool,
}

impl SourceState {
    fn unopened(kind: SourceKind, error: StoreError) -> Self {
        SourceState {
            kind,
            quorum: None,
            snapshot: Err(error),
            missing_keys: None,
            stopped: None,
            data_loss: None,
            uses_other_store: false,
        }
    }

    /// Reads the nodes from `nodes_config`; `None` where it could not be read or decoded.
    pub(super) fn nodes(&self) -> Option<NodesConfiguration> {
        codec::nodes_of(self.snapshot.as_deref().ok()?)
    }

    /// Describes how the source is a live cluster that already uses the target; `None` if it is not.
    pub(super) fn describe_use_of(&self, target: &Snapshot) -> Option<&'static str> {
        let snapshot = self.snapshot.as_ref().ok().filter(|_| self.uses_other_store)?;
        describe_source_on_target(snapshot, target)
    }
}

/// Both sides before the first write.
pub(super) struct Sides {
    pub(super) source: SourceState,
    pub(super) target: TargetState,
}

/// Reads source and target; the source comes back opened, unless it could not be reached.
///
/// # Errors
/// [`Failure`] for arguments that name no usable store; what a store answers is in [`Sides`].
pub(super) async fn read_sides(
    from: Option<StoreArg>,
    job: &Job<'_>,
) -> Result<(Option<OpenSource>, Sides), Failure> {
    job.state.set_target(store_name(job.target_store()));
    let options = open_store::cluster_options_for(from.as_ref(), job.context)?;
    let reading = match (options, from) {
        (Some(options), _) => UnreadSource::Cluster(options),
        // Before the target is read: what was found in them is told first.
        (None, Some(StoreArg::Folders(folders))) => {
            let nodes = open_store::open_folders(folders, job.context).await;
            UnreadSource::Folders(nodes.map(|nodes| OpenSource::Store(Box::new(nodes))))
        }
        (None, from) => UnreadSource::Store(open_store::open_source(from, job.context).await?),
    };
    let ((opened, source), target) = join!(read_source(reading, job), read_target(job));
    let mut sides = Sides { source, target };
    ask_for_source_keys(job, &mut sides).await;
    Ok(with_store_in_use(job, opened, sides).await)
}

/// Asks the target by name for the keys of the source that it may have although it did not list them.
async fn ask_for_source_keys(job: &Job<'_>, sides: &mut Sides) {
    let (store, target) = (job.target_store(), &mut sides.target);
    let (Ok(source), Ok(held)) = (&sides.source.snapshot, &mut target.snapshot) else { return };
    let mut content = StoreContent { snapshot: std::mem::take(held), is_listed: target.is_listed };
    let mut keys = content.find_unlisted_keys(store, source);
    keys.retain(|key| !key.is_known());
    let may_be_foreign = keys.iter().any(|key: &Key| !store.recognizes(key));
    target.unlisted = UnlistedKeys { keys, may_be_foreign };
    let asked = content.ask_for(store, source, Stage::ReadTarget, job.context.events).await;
    target.snapshot = asked.map(|()| content.snapshot);
}

/// Adds whether both are one store, and whether a source cluster runs on another store than its own, if both
/// sides look like one.
async fn with_store_in_use(
    job: &Job<'_>,
    opened: Option<OpenSource>,
    mut sides: Sides,
) -> (Option<OpenSource>, Sides) {
    if let (Some(source), Ok(of_source), Ok(of_target)) =
        (&opened, &sides.source.snapshot, &sides.target.snapshot)
    {
        let source = ReadStore { store: source.source(), snapshot: of_source };
        let target = ReadStore { store: job.target.as_source(), snapshot: of_target };
        sides.target.is_source = are_one_store(source, target).await;
    }
    let cluster = opened.as_ref().and_then(OpenSource::cluster);
    if let (Some(cluster), Ok(source), Ok(target)) =
        (cluster, &sides.source.snapshot, &sides.target.snapshot)
        && describe_source_on_target(source, target).is_some()
    {
        let uses = cluster.uses_replicated_store().await;
        sides.source.uses_other_store = uses == UsesReplicatedStore::No;
    }
    (opened, sides)
}

enum UnreadSource {
    Store(OpenSource),
    Cluster(ClusterOptions),
    Folders(Result<OpenSource, StoreError>),
}

async fn read_source(unread: UnreadSource, job: &Job<'_>) -> (Option<OpenSource>, SourceState) {
    let (opened, quorum) = match unread {
        UnreadSource::Store(store) => (store, None),
        UnreadSource::Cluster(options) => match cluster::connect(&options).await {
            Ok(cluster) => {
                let quorum = cluster.prepare_reading().await;
                (OpenSource::Cluster(Box::new(cluster)), Some(quorum))
            }
            Err(error) => return (None, SourceState::unopened(SourceKind::LiveCluster, error)),
        },
        UnreadSource::Folders(Ok(nodes)) => (nodes, None),
        UnreadSource::Folders(Err(error)) => {
            return (None, SourceState::unopened(SourceKind::StoppedNodes, error));
        }
    };
    job.state.set_source(store_name(opened.source()));
    let kind = SourceKind::from_opened(&opened);
    let snapshot = match lost_quorum(quorum.as_ref(), opened.source()) {
        Some(error) => Err(error),
        None => snapshot::read(opened.source(), Stage::ReadSource, job.context.events).await,
    };
    let missing_keys = match &snapshot {
        Ok(snapshot) if kind == SourceKind::ExternalStore => {
            find_missing_keys(opened.source(), snapshot).await
        }
        _ => opened.source().describe_missing_keys(),
    };
    let state = SourceState {
        kind,
        quorum,
        snapshot: snapshot.map(Arc::new),
        missing_keys,
        stopped: opened.source().stopped_members(),
        data_loss: opened.source().data_loss(),
        uses_other_store: false,
    };
    (Some(opened), state)
}

/// Describes why a store may have more keys than were read; `None` if all are known.
pub(super) async fn find_missing_keys<S: Source + ?Sized>(
    store: &S,
    snapshot: &Snapshot,
) -> Option<String> {
    // A failed count says no more than one that the store does not permit.
    let foreign = store.count_foreign_keys().await.unwrap_or_default();
    snapshot::describe_missing_keys(store, snapshot, foreign)
}
