//! STORE arguments: a path to a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, or a path to a backup file; which of them it is, is seen from its content. Without
//! one, a command reads the running cluster at `--address`. The section of a replicated store names the
//! running cluster as well: at the addresses in it.

use std::fs::File;
use std::io::{self, Read};

use crate::backends::backup::{Backup, is_backup};
use crate::backends::cluster::{self, Cluster, ClusterOptions, WritableCluster};
use crate::backends::dynamo_db::DynamoDb;
use crate::backends::etcd::Etcd;
use crate::backends::object_store::ObjectStore;
use crate::backends::{Source, StoreError, Target};
use crate::commands::Context;
use crate::config::{self, Loaded, StoreConfig};
use crate::outcome::{Code, Failure};
use crate::watch::Event;

/// A configuration has some kilobytes; more than this is something else.
const LARGEST_CONFIG: u64 = 4 << 20;

/// All values of a store, each of up to 30 MiB, in base64.
const LARGEST_BACKUP: u64 = 1 << 30;

/// What an argument names.
pub enum StoreArg {
    /// A store that is reached by its configuration.
    Config(Box<Loaded>),
    /// A backup file.
    Backup(Box<Backup>),
}

/// Reads and checks what the argument names, and tells its warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] with the file and the place; [`Code::BackupDamaged`].
pub fn load(argument: &str, context: &Context<'_>) -> Result<StoreArg, Failure> {
    let invalid = |reason: String| {
        Failure::new(Code::ConfigInvalid, reason).hint(
            "a store is named by a TOML file with a [metadata-client] section, as servers have it, \
             or by a backup file",
        )
    };
    let name = if argument == "-" { "standard input" } else { argument };
    let bytes =
        read(argument).map_err(|error| invalid(format!("failed to read {name}: {error}")))?;
    if is_backup(&bytes) {
        return match Backup::parse(&bytes, name) {
            Ok(backup) => Ok(StoreArg::Backup(Box::new(backup))),
            Err(error) => Err(Failure::new(Code::BackupDamaged, error.to_string())),
        };
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        invalid(format!("{name} is not text: byte {at} is no UTF-8"))
    })?;
    let loaded = config::parse(&text, name).map_err(|error| invalid(error.to_string()))?;
    for warning in &loaded.warnings {
        context.watch.on(Event::Warning(warning));
    }
    Ok(StoreArg::Config(Box::new(loaded)))
}

fn read(argument: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut input: Box<dyn Read> = if argument == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(argument)?)
    };
    input.by_ref().take(LARGEST_CONFIG + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= LARGEST_CONFIG {
        return Ok(bytes);
    }
    if is_backup(&bytes) {
        input.take(LARGEST_BACKUP).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    Err(io::Error::other("it is too large for a configuration"))
}

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
/// As [`load`]; [`Code::SourceUnavailable`] for a cluster that does not answer.
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
    let says = if loaded.says_type {
        "is of type replicated"
    } else {
        "has no type, which means replicated"
    };
    let file = &loaded.file;
    let reason = format!("{file}: [metadata-client] {says}: that is the running cluster itself");
    Failure::new(Code::ConfigInvalid, reason).hint(
        "name its nodes in addresses = [\"http://host:5122\"] there, or leave out the file and reach it \
         with --address; any other store has a type, such as \"etcd\"",
    )
}

/// Whether both arguments lead to the same store.
pub fn is_same_store(one: &StoreArg, other: &StoreArg) -> bool {
    let (StoreArg::Config(one), StoreArg::Config(other)) = (one, other) else { return false };
    match (&one.store, &other.store) {
        (StoreConfig::Replicated(one), StoreConfig::Replicated(other)) => {
            one.iter().any(|address| other.contains(address))
        }
        (StoreConfig::Etcd(one), StoreConfig::Etcd(other)) => {
            one.addresses.iter().any(|address| other.addresses.contains(address))
        }
        (StoreConfig::ObjectStore(one), StoreConfig::ObjectStore(other)) => {
            (&one.bucket, &one.prefix, &one.endpoint)
                == (&other.bucket, &other.prefix, &other.endpoint)
        }
        (StoreConfig::DynamoDb(one), StoreConfig::DynamoDb(other)) => {
            // Tables of one name in two accounts are two: only the access tells.
            (&one.table, &one.key_prefix, &one.region, &one.endpoint, &one.access)
                == (&other.table, &other.key_prefix, &other.region, &other.endpoint, &other.access)
        }
        (one, other) => one == other,
    }
}
