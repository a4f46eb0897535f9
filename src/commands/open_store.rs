//! Opens the store that an argument names: the only place that picks a backend. Without an argument it
//! is the running cluster at `--address`; a section of type `replicated` also names a running cluster.

use crate::backends::cluster::{self, Cluster, ClusterOptions, WritableCluster};
use crate::backends::dynamo_db::DynamoDb;
use crate::backends::etcd::Etcd;
use crate::backends::object_store::ObjectStore;
use crate::backends::stopped_node::{StoppedFolders, StoppedNodes};
use crate::backends::{Source, Target};
use crate::blocking::run_detached;
use crate::commands::store_arg::StoreArg;
use crate::commands::{Context, cluster_options};
use crate::config::{StoreConfig, StoreFile};
use crate::events::Event;
use crate::model::StoreError;
use crate::outcome::{Code, Failure, StoreName};
use crate::pipeline::checks::FINISHED_ROLLBACK_HINT;

/// A store that is read: the running cluster, an external store, a backup file, or the folders of stopped
/// nodes.
pub enum OpenSource {
    /// The running cluster.
    Cluster(Box<Cluster>),
    /// Any other store.
    Store(Box<dyn Source>),
}

impl OpenSource {
    /// Returns the store as a reader.
    pub fn source(&self) -> &dyn Source {
        match self {
            OpenSource::Cluster(cluster) => cluster.as_ref(),
            OpenSource::Store(store) => store.as_ref(),
        }
    }

    /// Returns the failure of a read, with the hints that fit this store.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            OpenSource::Cluster(_) => Failure::of_cluster(error),
            OpenSource::Store(_) => Failure::of_source(error),
        }
    }

    /// Returns the running cluster, if the store is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            OpenSource::Cluster(cluster) => Some(cluster),
            OpenSource::Store(_) => None,
        }
    }
}

/// Opens the store of `--from`, or the running cluster without it.
///
/// # Errors
/// As [`cluster_options_for`]; [`Code::SourceUnavailable`] for a cluster that does not answer.
pub async fn open_source(
    from: Option<StoreArg>,
    context: &Context<'_>,
) -> Result<OpenSource, Failure> {
    open_reader(from, context, Side::Source).await
}

/// Opens the store that a source is compared with.
///
/// # Errors
/// As [`open_target`].
pub async fn open_other(store: StoreArg, context: &Context<'_>) -> Result<OpenSource, Failure> {
    open_reader(Some(store), context, Side::Target).await
}

/// What to do where folders can't be read.
pub const FOLDERS_DENIED_HINT: &str = "run this as the user who owns the folders, or copy them";

/// The role of a store that is read, by which its failures are worded.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

impl Side {
    fn of_cluster(self, error: &StoreError) -> Failure {
        match self {
            Side::Source => Failure::of_cluster(error),
            Side::Target => Failure::of_target_cluster(error),
        }
    }

    fn of_folders(self, error: &StoreError) -> Failure {
        let failure = match self {
            Side::Source => Failure::of_source(error),
            Side::Target => Failure::of_target(error),
        };
        match error {
            StoreError::Denied { .. } => failure.hint(FOLDERS_DENIED_HINT),
            _ => failure,
        }
    }
}

async fn open_reader(
    store: Option<StoreArg>,
    context: &Context<'_>,
    side: Side,
) -> Result<OpenSource, Failure> {
    cluster_options::tls_options(context.options)?;
    if let Some(options) = cluster_options_for(store.as_ref(), context)? {
        let opened = cluster::connect(&options).await.map_err(|error| side.of_cluster(&error))?;
        return Ok(OpenSource::Cluster(Box::new(opened)));
    }
    match store {
        Some(StoreArg::Backup(backup)) => Ok(OpenSource::Store(backup)),
        Some(StoreArg::Folders(folders)) => {
            let opened = open_folders(folders, context).await;
            Ok(OpenSource::Store(Box::new(opened.map_err(|error| side.of_folders(&error))?)))
        }
        Some(StoreArg::Config(file)) => Ok(OpenSource::Store(open_external(&file, context).await?)),
        None => Err(Failure::new(Code::Internal, "there is no store to open")),
    }
}

/// Reads the folders of stopped nodes, and reports what they are.
///
/// # Errors
/// As [`StoppedNodes::open`].
pub async fn open_folders(
    folders: StoppedFolders,
    context: &Context<'_>,
) -> Result<StoppedNodes, StoreError> {
    let name = folders.name();
    context.events.emit(Event::AwaitingFile { name: &name, is_typed: false });
    let opened = run_detached(move || StoppedNodes::open(folders)).await;
    context.events.emit(Event::FileReady);
    let opened = opened.unwrap_or_else(|error| {
        Err(StoreError::Other { store: name, reason: error.to_string() })
    })?;
    if let Some(members) = opened.stopped_members() {
        context.events.emit(Event::StoppedMembers(&members));
    }
    Ok(opened)
}

/// Returns how to reach the running cluster that the argument names; `None` if it names another store.
///
/// Without an argument, that is the cluster at `--address`.
///
/// # Errors
/// Addresses or TLS options that can't be used, as wrong usage or a wrong configuration.
pub fn cluster_options_for(
    store: Option<&StoreArg>,
    context: &Context<'_>,
) -> Result<Option<ClusterOptions>, Failure> {
    match store {
        None => cluster_options::default_cluster_options(context.options).map(Some),
        Some(StoreArg::Config(file)) => match &file.store {
            StoreConfig::Replicated(addresses) => cluster_at(addresses, file, context).map(Some),
            _ => Ok(None),
        },
        Some(StoreArg::Backup(_) | StoreArg::Folders(_)) => Ok(None),
    }
}

fn cluster_at(
    addresses: &[String],
    file: &StoreFile,
    context: &Context<'_>,
) -> Result<ClusterOptions, Failure> {
    if addresses.is_empty() {
        return Err(unreachable_cluster(file));
    }
    let parsed = addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>();
    let addresses = parsed
        .map_err(|reason| Failure::new(Code::ConfigInvalid, format!("{}: {reason}", file.file)))?;
    cluster_options::cluster_options_at(addresses, false, context.options)
}

/// A store that can be written: the running cluster, or an external store.
pub enum OpenTarget {
    /// The running cluster.
    Cluster(Box<WritableCluster>),
    /// Any other store.
    Store(Box<dyn Target>),
}

impl OpenTarget {
    /// Returns the store as a target.
    pub fn target(&self) -> &dyn Target {
        match self {
            OpenTarget::Cluster(cluster) => cluster.as_ref(),
            OpenTarget::Store(store) => store.as_ref(),
        }
    }

    /// Returns the store as a reader.
    pub fn as_source(&self) -> &dyn Source {
        match self {
            OpenTarget::Cluster(cluster) => cluster.as_ref(),
            OpenTarget::Store(store) => store.as_ref(),
        }
    }

    /// Returns the running cluster, if the store is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            OpenTarget::Cluster(cluster) => Some(cluster.cluster()),
            OpenTarget::Store(_) => None,
        }
    }

    /// Returns whether the store is a running cluster.
    pub fn is_cluster(&self) -> bool {
        self.cluster().is_some()
    }

    /// Returns the failure of a read, with the hints that fit this store.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            OpenTarget::Cluster(_) => Failure::of_cluster(error),
            OpenTarget::Store(_) => Failure::of_source(error),
        }
    }
}

/// Opens the store of `--from`, or the running cluster without it, to edit a key in it.
///
/// # Errors
/// As [`open_source`]; [`Code::Usage`] for a backup file and for folders, which are never changed.
pub async fn open_editable(
    from: Option<StoreArg>,
    context: &Context<'_>,
) -> Result<OpenTarget, Failure> {
    if let Some(options) = cluster_options_for(from.as_ref(), context)? {
        let opened = cluster::connect(&options).await;
        let opened = opened.map_err(|error| Failure::of_cluster(&error))?;
        return Ok(OpenTarget::Cluster(Box::new(opened.into_writable())));
    }
    match from {
        None => Err(Failure::new(Code::Internal, "there is no store to open")),
        Some(StoreArg::Config(file)) => Ok(OpenTarget::Store(open_external(&file, context).await?)),
        Some(StoreArg::Backup(backup)) => {
            let reason =
                format!("{} can't be edited: a backup file is never changed", backup.name());
            Err(Failure::new(Code::Usage, reason)
                .hint("edit the store that it is restored to with `metadata migrate --from`"))
        }
        Some(StoreArg::Folders(folders)) => {
            let reason = format!("{} can't be edited: folders are only read", folders.name());
            Err(Failure::new(Code::Usage, reason)
                .hint("edit the store that it is copied to with `metadata migrate --from`"))
        }
    }
}

/// Opens the target of a migration.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a store that can't be opened so; [`Code::TargetUnavailable`] for a
/// cluster that does not answer.
pub async fn open_target(file: &StoreFile, context: &Context<'_>) -> Result<OpenTarget, Failure> {
    let StoreConfig::Replicated(addresses) = &file.store else {
        return open_external(file, context).await.map(OpenTarget::Store);
    };
    let opened = cluster::connect(&cluster_at(addresses, file, context)?).await;
    let opened = opened.map_err(|error| {
        let failure = Failure::of_target_cluster(&error);
        if matches!(error, StoreError::Untrusted { .. }) {
            return failure;
        }
        failure.hint(FINISHED_ROLLBACK_HINT).hint(
            "if none did, start all nodes of the cluster with --metadata-migration-mode and their \
             [metadata-client] section of type \"replicated\"",
        )
    })?;
    Ok(OpenTarget::Cluster(Box::new(opened.into_writable())))
}

/// Opens an external store.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a store that can't be opened so.
pub async fn open_external(
    file: &StoreFile,
    context: &Context<'_>,
) -> Result<Box<dyn Target>, Failure> {
    match &file.store {
        StoreConfig::Etcd(etcd) => {
            let opened = Etcd::open(etcd, cluster_options::request_options(context.options));
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::ObjectStore(config) => {
            let opened =
                ObjectStore::open(config, cluster_options::request_options(context.options)).await;
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::DynamoDb(config) => {
            let opened =
                DynamoDb::open(config, cluster_options::request_options(context.options)).await;
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::Replicated(_) => Err(unreachable_cluster(file)),
    }
}

fn unreachable_cluster(file: &StoreFile) -> Failure {
    let reason = format!(
        "{}: [metadata-client] {}: that is the running cluster itself",
        file.file,
        file.says_replicated()
    );
    Failure::new(Code::ConfigInvalid, reason)
        .hint("name its nodes in addresses = [\"http://host:5122\"] there, or leave out the file and use --address")
        .hint("if another store is meant, give the section its type, such as \"etcd\"")
}

/// Warns where values may be old ones: what was read is not of a majority of the members.
pub fn warn_of_loss(source: &dyn Source, context: &Context<'_>) {
    if let Some(loss) = source.data_loss() {
        context.events.emit(Event::Warning(&loss.to_string()));
    }
}

/// Returns the name of an opened store, as documents show it.
pub fn store_name(store: &(impl Source + ?Sized)) -> StoreName {
    let (kind, name) = (store.kind().to_owned(), store.name().to_owned());
    StoreName { kind, name, stopped: store.stopped_members() }
}
