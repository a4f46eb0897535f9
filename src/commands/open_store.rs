//! The store that an argument names, opened. Without an argument it is the running cluster at
//! `--address`; the section of a replicated store names the running cluster as well: at the addresses
//! in it.

use crate::backends::cluster::{self, Cluster, ClusterOptions, WritableCluster};
use crate::backends::dynamo_db::DynamoDb;
use crate::backends::etcd::Etcd;
use crate::backends::object_store::ObjectStore;
use crate::backends::{Source, Target};
use crate::commands::store_arg::StoreArg;
use crate::commands::{Context, cluster_options};
use crate::config::{StoreConfig, StoreFile};
use crate::model::StoreError;
use crate::outcome::{Code, Failure};

/// What a command reads: a store of its own, or the running cluster.
pub enum OpenSource {
    /// The running cluster.
    Cluster(Box<Cluster>),
    /// Any other store.
    Store(Box<dyn Source>),
}

impl OpenSource {
    /// As a reader.
    pub fn source(&self) -> &dyn Source {
        match self {
            OpenSource::Cluster(cluster) => cluster.as_ref(),
            OpenSource::Store(store) => store.as_ref(),
        }
    }

    /// What a failed read of it means.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            OpenSource::Cluster(_) => Failure::of_cluster(error),
            OpenSource::Store(_) => Failure::of_source(error),
        }
    }

    /// The running cluster, if it is one.
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
/// As [`place`]; [`Code::SourceUnavailable`] for a cluster that does not answer.
pub async fn open_source(
    from: Option<StoreArg>,
    context: &Context<'_>,
) -> Result<OpenSource, Failure> {
    open(from, context, Failure::of_cluster).await
}

/// Opens the store that a source is compared with.
///
/// # Errors
/// As [`open_target`].
pub async fn open_other(store: StoreArg, context: &Context<'_>) -> Result<OpenSource, Failure> {
    open(Some(store), context, Failure::of_target_cluster).await
}

async fn open(
    store: Option<StoreArg>,
    context: &Context<'_>,
    failure: fn(&StoreError) -> Failure,
) -> Result<OpenSource, Failure> {
    if let Some(options) = cluster_options_for(store.as_ref(), context)? {
        let opened = cluster::connect(&options).await.map_err(|error| failure(&error))?;
        return Ok(OpenSource::Cluster(Box::new(opened)));
    }
    match store {
        Some(StoreArg::Backup(backup)) => Ok(OpenSource::Store(backup)),
        Some(StoreArg::Config(loaded)) => {
            Ok(OpenSource::Store(open_external(&loaded, context).await?))
        }
        None => Err(Failure::new(Code::Internal, "there is no store to open")),
    }
}

/// Where the running cluster is that the argument names, if it names one: without an argument, the one
/// at `--address`.
///
/// # Errors
/// Addresses or TLS options that can't be used, as wrong usage or a wrong configuration.
pub fn cluster_options_for(
    store: Option<&StoreArg>,
    context: &Context<'_>,
) -> Result<Option<ClusterOptions>, Failure> {
    match store {
        None => cluster_options::default_cluster_options(context.options).map(Some),
        Some(StoreArg::Config(loaded)) => match &loaded.store {
            StoreConfig::Replicated(addresses) => cluster_at(addresses, loaded, context).map(Some),
            _ => Ok(None),
        },
        Some(StoreArg::Backup(_)) => Ok(None),
    }
}

fn cluster_at(
    addresses: &[String],
    loaded: &StoreFile,
    context: &Context<'_>,
) -> Result<ClusterOptions, Failure> {
    if addresses.is_empty() {
        return Err(replicated(loaded));
    }
    let parsed = addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>();
    let addresses = parsed.map_err(|reason| {
        Failure::new(Code::ConfigInvalid, format!("{}: {reason}", loaded.file))
    })?;
    cluster_options::cluster_options_at(addresses, false, context.options)
}

/// A store that can be written: the running cluster, or one of its own.
pub enum OpenTarget {
    /// The running cluster.
    Cluster(Box<WritableCluster>),
    /// Any other store.
    Store(Box<dyn Target>),
}

impl OpenTarget {
    /// As a target.
    pub fn target(&self) -> &dyn Target {
        match self {
            OpenTarget::Cluster(cluster) => cluster.as_ref(),
            OpenTarget::Store(store) => store.as_ref(),
        }
    }

    /// The running cluster, if it is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            OpenTarget::Cluster(cluster) => Some(cluster.cluster()),
            OpenTarget::Store(_) => None,
        }
    }

    /// Whether servers run on it for all that is known.
    pub fn is_cluster(&self) -> bool {
        self.cluster().is_some()
    }

    /// What a failed read of it means.
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
/// As [`open_source`]; [`Code::Usage`] for a backup file, which is never changed.
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
        Some(StoreArg::Config(loaded)) => {
            Ok(OpenTarget::Store(open_external(&loaded, context).await?))
        }
        Some(StoreArg::Backup(backup)) => {
            let reason =
                format!("{} can't be edited: a backup file is never changed", backup.name());
            Err(Failure::new(Code::Usage, reason)
                .hint("edit the store that it is restored to with `metadata migrate --from`"))
        }
    }
}

/// Opens the target of a migration.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a store that can't be opened so; [`Code::TargetUnavailable`] for a
/// cluster that does not answer.
pub async fn open_target(loaded: &StoreFile, context: &Context<'_>) -> Result<OpenTarget, Failure> {
    let StoreConfig::Replicated(addresses) = &loaded.store else {
        return open_external(loaded, context).await.map(OpenTarget::Store);
    };
    let opened = cluster::connect(&cluster_at(addresses, loaded, context)?).await;
    let opened = opened.map_err(|error| {
        let failure = Failure::of_target_cluster(&error);
        if failure.message.contains("certificate") {
            return failure;
        }
        failure.hint(
            "the target is a running cluster: start all its nodes with --metadata-migration-mode and \
             their [metadata-client] section of type \"replicated\"",
        )
    })?;
    Ok(OpenTarget::Cluster(Box::new(opened.into_writable())))
}

/// Opens a store of its own.
async fn open_external(
    loaded: &StoreFile,
    context: &Context<'_>,
) -> Result<Box<dyn Target>, Failure> {
    match &loaded.store {
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
        StoreConfig::Replicated(_) => Err(replicated(loaded)),
    }
}

fn replicated(loaded: &StoreFile) -> Failure {
    let says = loaded.says_replicated();
    let file = &loaded.file;
    let reason = format!("{file}: [metadata-client] {says}: that is the running cluster itself");
    Failure::new(Code::ConfigInvalid, reason).hint(
        "name its nodes in addresses = [\"http://host:5122\"] there, or leave out the file and reach it \
         with --address; any other store has a type, such as \"etcd\"",
    )
}
