//! STORE arguments: a path to a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, or a path to a backup file; which of them it is, is seen from its content. Without
//! one, a command reads the running cluster at `--address`.

use std::fs::File;
use std::io::{self, Read};

use crate::backends::backup::{Backup, is_backup};
use crate::backends::cluster::{self, Cluster, WritableCluster};
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
    match from {
        Some(store) => open_store(store, context).await.map(Opened::Store),
        None => {
            let opened = open_cluster(context).await;
            opened
                .map(|cluster| Opened::Cluster(Box::new(cluster)))
                .map_err(|error| Failure::of_cluster(&error))
        }
    }
}

/// Opens any store but the running cluster, to be read.
///
/// # Errors
/// As [`open_target`].
pub async fn open_store(
    store: StoreArg,
    context: &Context<'_>,
) -> Result<Box<dyn Source>, Failure> {
    match store {
        StoreArg::Backup(backup) => Ok(backup),
        StoreArg::Config(loaded) => {
            let target = open_target(&loaded, context).await?;
            Ok(target)
        }
    }
}

/// What a single key is edited in: the running cluster, or a store of its own.
pub enum Editable {
    /// The running cluster.
    Cluster(Box<WritableCluster>),
    /// Any other store.
    Store(Box<dyn Target>),
}

impl Editable {
    /// As a target.
    pub fn target(&self) -> &dyn Target {
        match self {
            Editable::Cluster(cluster) => cluster.as_ref(),
            Editable::Store(store) => store.as_ref(),
        }
    }

    /// Whether servers run on it for all that is known.
    pub fn is_cluster(&self) -> bool {
        matches!(self, Editable::Cluster(_))
    }

    /// What a failed read of it means.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match self {
            Editable::Cluster(_) => Failure::of_cluster(error),
            Editable::Store(_) => Failure::of_source(error),
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
) -> Result<Editable, Failure> {
    match from {
        None => {
            let opened =
                open_cluster(context).await.map_err(|error| Failure::of_cluster(&error))?;
            Ok(Editable::Cluster(Box::new(opened.into_writable())))
        }
        Some(StoreArg::Config(loaded)) => Ok(Editable::Store(open_target(&loaded, context).await?)),
        Some(StoreArg::Backup(backup)) => {
            let reason =
                format!("{} can't be edited: a backup file is never changed", backup.name());
            Err(Failure::new(Code::Usage, reason)
                .hint("edit the store that it is restored to with `metadata migrate --from`"))
        }
    }
}

/// Connects to the running cluster.
///
/// # Errors
/// What the addresses or the nodes at them answer.
pub async fn open_cluster(context: &Context<'_>) -> Result<Cluster, StoreError> {
    cluster::connect(&context.global.cluster()?).await
}

/// Opens a configured store for writing.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a store that can't be opened so.
pub async fn open_target(
    loaded: &Loaded,
    context: &Context<'_>,
) -> Result<Box<dyn Target>, Failure> {
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
        StoreConfig::Replicated => Err(replicated(loaded)),
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
        "the running cluster is reached with --address; a target is an external store, such as type = \
         \"etcd\"",
    )
}

/// Whether both arguments lead to the same store.
pub fn is_same_store(one: &StoreArg, other: &StoreArg) -> bool {
    let (StoreArg::Config(one), StoreArg::Config(other)) = (one, other) else { return false };
    match (&one.store, &other.store) {
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
