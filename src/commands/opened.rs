//! The store that an argument names, opened. Without an argument it is the running cluster at
//! `--address`; the section of a replicated store names the running cluster as well: at the addresses
//! in it.

use crate::backends::cluster::{self, Cluster, ClusterOptions, WritableCluster};
use crate::backends::dynamo_db::DynamoDb;
use crate::backends::etcd::Etcd;
use crate::backends::object_store::ObjectStore;
use crate::backends::{Source, StoreError, Target};
use crate::commands::Context;
use crate::commands::store_arg::StoreArg;
use crate::config::{Loaded, StoreConfig};
use crate::outcome::{Code, Failure};

/// What a command reads: a store of its own, or the running cluster.
pub enum Opened {
    /// The running cluster.
    Cluster(Box<Cluster>),
    /// Any other store.
    Store(Box<dyn Source>),
}

impl Opened {
    /// As a reader.
    pub fn source(&self) -> &dyn Source {
        match self {
            Opened::Cluster(cluster) => cluster.as_ref(),
            Opened::Store(store) => store.as_ref(),
        }
    }

    /// What a failed read of it means.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            Opened::Cluster(_) => Failure::of_cluster(error),
            Opened::Store(_) => Failure::of_source(error),
        }
    }

    /// The running cluster, if it is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            Opened::Cluster(cluster) => Some(cluster),
            Opened::Store(_) => None,
        }
    }
}

/// Opens the store of `--from`, or the running cluster without it.
///
/// # Errors
/// As [`place`]; [`Code::SourceUnavailable`] for a cluster that does not answer.
pub async fn open_source(from: Option<StoreArg>, context: &Context<'_>) -> Result<Opened, Failure> {
    open(from, context, Failure::of_cluster).await
}

/// Opens the store that a source is compared with.
///
/// # Errors
/// As [`open_target`].
pub async fn open_other(store: StoreArg, context: &Context<'_>) -> Result<Opened, Failure> {
    open(Some(store), context, Failure::of_target_cluster).await
}

async fn open(
    store: Option<StoreArg>,
    context: &Context<'_>,
    failure: fn(&StoreError) -> Failure,
) -> Result<Opened, Failure> {
    if let Some(options) = place(store.as_ref(), context)? {
        let opened = cluster::connect(&options).await.map_err(|error| failure(&error))?;
        return Ok(Opened::Cluster(Box::new(opened)));
    }
    match store {
        Some(StoreArg::Backup(backup)) => Ok(Opened::Store(backup)),
        Some(StoreArg::Config(loaded)) => Ok(Opened::Store(open_external(&loaded, context).await?)),
        None => Err(Failure::new(Code::Internal, "there is no store to open")),
    }
}

/// Where the running cluster is that the argument names, if it names one: without an argument, the one
/// at `--address`.
///
/// # Errors
/// Addresses or TLS options that can't be used, as wrong usage or a wrong configuration.
pub fn place(
    store: Option<&StoreArg>,
    context: &Context<'_>,
) -> Result<Option<ClusterOptions>, Failure> {
    match store {
        None => {
            let options = context.global.cluster();
            options.map(Some).map_err(|error| Failure::of_cluster(&error))
        }
        Some(StoreArg::Config(loaded)) => match &loaded.store {
            StoreConfig::Replicated(addresses) => cluster_at(addresses, loaded, context).map(Some),
            _ => Ok(None),
        },
        Some(StoreArg::Backup(_)) => Ok(None),
    }
}

fn cluster_at(
    addresses: &[String],
    loaded: &Loaded,
    context: &Context<'_>,
) -> Result<ClusterOptions, Failure> {
    if addresses.is_empty() {
        return Err(replicated(loaded));
    }
    let parsed = addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>();
    let addresses = parsed.map_err(|reason| {
        Failure::new(Code::ConfigInvalid, format!("{}: {reason}", loaded.file))
    })?;
    context.global.cluster_at(addresses, false).map_err(|error| Failure::of_cluster(&error))
}

/// A store that can be written: the running cluster, or one of its own.
pub enum Writable {
    /// The running cluster.
    Cluster(Box<WritableCluster>),
    /// Any other store.
    Store(Box<dyn Target>),
}

impl Writable {
    /// As a target.
    pub fn target(&self) -> &dyn Target {
        match self {
            Writable::Cluster(cluster) => cluster.as_ref(),
            Writable::Store(store) => store.as_ref(),
        }
    }

    /// The running cluster, if it is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            Writable::Cluster(cluster) => Some(cluster.cluster()),
            Writable::Store(_) => None,
        }
    }

    /// Whether servers run on it for all that is known.
    pub fn is_cluster(&self) -> bool {
        self.cluster().is_some()
    }

    /// What a failed read of it means.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            Writable::Cluster(_) => Failure::of_cluster(error),
            Writable::Store(_) => Failure::of_source(error),
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
) -> Result<Writable, Failure> {
    if let Some(options) = place(from.as_ref(), context)? {
        let opened = cluster::connect(&options).await;
        let opened = opened.map_err(|error| Failure::of_cluster(&error))?;
        return Ok(Writable::Cluster(Box::new(opened.into_writable())));
    }
    match from {
        None => Err(Failure::new(Code::Internal, "there is no store to open")),
        Some(StoreArg::Config(loaded)) => {
            Ok(Writable::Store(open_external(&loaded, context).await?))
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
pub async fn open_target(loaded: &Loaded, context: &Context<'_>) -> Result<Writable, Failure> {
    let StoreConfig::Replicated(addresses) = &loaded.store else {
        return open_external(loaded, context).await.map(Writable::Store);
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
    Ok(Writable::Cluster(Box::new(opened.into_writable())))
}

/// Opens a store of its own.
async fn open_external(loaded: &Loaded, context: &Context<'_>) -> Result<Box<dyn Target>, Failure> {
    match &loaded.store {
        StoreConfig::Etcd(etcd) => {
            let opened = Etcd::open(etcd, context.global.requests());
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::ObjectStore(config) => {
            let opened = ObjectStore::open(config, context.global.requests()).await;
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::DynamoDb(config) => {
            let opened = DynamoDb::open(config, context.global.requests()).await;
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::Replicated(_) => Err(replicated(loaded)),
    }
}

fn replicated(loaded: &Loaded) -> Failure {
    let says = loaded.says_replicated();
    let file = &loaded.file;
    let reason = format!("{file}: [metadata-client] {says}: that is the running cluster itself");
    Failure::new(Code::ConfigInvalid, reason).hint(
        "name its nodes in addresses = [\"http://host:5122\"] there, or leave out the file and reach it \
         with --address; any other store has a type, such as \"etcd\"",
    )
}
