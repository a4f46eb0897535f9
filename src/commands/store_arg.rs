//! STORE arguments: a path to a TOML file with a `[metadata-client]` section, or `-` for that TOML on
//! standard input. Without one, a command reads the running cluster at `--address`.

use std::fs::File;
use std::io::{self, Read};

use crate::backends::cluster::{self, Cluster};
use crate::backends::etcd::Etcd;
use crate::backends::object_store::ObjectStore;
use crate::backends::{Source, StoreError, Target};
use crate::commands::Context;
use crate::config::{self, Loaded, StoreConfig};
use crate::outcome::{Code, Failure};
use crate::watch::Event;

/// A configuration has some kilobytes; more than this is something else.
const LARGEST_CONFIG: u64 = 4 << 20;

/// Reads and checks the configuration that the argument names, and tells its warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] with the file and the place.
pub fn load(argument: &str, context: &Context<'_>) -> Result<Loaded, Failure> {
    let invalid = |reason: String| {
        Failure::new(Code::ConfigInvalid, reason).hint(
            "a store is named by a TOML file with a [metadata-client] section, as servers have it",
        )
    };
    let name = if argument == "-" { "standard input" } else { argument };
    let bytes =
        read(argument).map_err(|error| invalid(format!("failed to read {name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        invalid(format!(
            "{name} is not text: byte {} is no UTF-8",
            error.utf8_error().valid_up_to()
        ))
    })?;
    let loaded = config::parse(&text, name).map_err(|error| invalid(error.to_string()))?;
    for warning in &loaded.warnings {
        context.watch.on(Event::Warning(warning));
    }
    Ok(loaded)
}

fn read(argument: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut input: Box<dyn Read> = if argument == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(argument)?)
    };
    input.by_ref().take(LARGEST_CONFIG + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_CONFIG {
        return Err(io::Error::other("it is too large for a configuration"));
    }
    Ok(bytes)
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
pub async fn open_source(from: Option<&Loaded>, context: &Context<'_>) -> Result<Opened, Failure> {
    match from {
        Some(loaded) => {
            let target = open_target(loaded, context).await?;
            Ok(Opened::Store(target))
        }
        None => {
            let opened = open_cluster(context).await;
            opened
                .map(|cluster| Opened::Cluster(Box::new(cluster)))
                .map_err(|error| Failure::of_cluster(&error))
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
            let opened = Etcd::open(etcd, context.global.request_timeout());
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::ObjectStore(config) => {
            let opened = ObjectStore::open(config, context.global.request_timeout()).await;
            Ok(Box::new(opened.map_err(|error| Failure::of_target(&error))?))
        }
        StoreConfig::Replicated => Err(Failure::new(
            Code::ConfigInvalid,
            "the TOML describes the replicated store, which is the running cluster itself",
        )
        .hint("to read from the running cluster, leave the option out and give --address")),
    }
}

/// Whether both configurations lead to the same store.
pub fn is_same_store(one: &StoreConfig, other: &StoreConfig) -> bool {
    match (one, other) {
        (StoreConfig::Etcd(one), StoreConfig::Etcd(other)) => {
            one.addresses.iter().any(|address| other.addresses.contains(address))
        }
        (one, other) => one == other,
    }
}
