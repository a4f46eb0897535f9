//! STORE arguments: the path of a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, the path of a backup file, or the folders of stopped nodes. The content tells them apart.

use std::ffi::OsStr;
use std::io::{self, Read};

use crate::backends::backup::{Backup, is_backup};
use crate::backends::stopped_node::StoppedFolders;
use crate::blocking::run_detached;
use crate::commands::Context;
use crate::commands::input::{is_standard_input, name_input, read_input};
use crate::commands::text_encoding::decode_text;
use crate::config::{self, StoreConfig, StoreFile, normalize_endpoint};
use crate::events::Event;
use crate::outcome::{Code, Failure};

/// The largest configuration in bytes; usual ones have some kilobytes.
const LARGEST_CONFIG: u64 = 4 << 20;

/// The largest backup in bytes: all values of a store, each of up to 30 MiB, in base64.
pub(crate) const LARGEST_BACKUP: u64 = 1 << 30;

/// A store named by an argument.
pub enum StoreArg {
    /// The configuration of a store.
    Config(Box<StoreFile>),
    /// A backup file.
    Backup(Box<Backup>),
    /// The folders of stopped nodes, which are not read yet.
    Folders(StoppedFolders),
}

/// Reads and checks the file that the argument names, or finds its folders, and reports warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a file that can't be read or is invalid, with its line;
/// [`Code::BackupDamaged`] for a damaged backup.
pub async fn load_store(argument: &OsStr, context: &Context<'_>) -> Result<StoreArg, Failure> {
    let invalid = |reason: String| {
        Failure::new(Code::ConfigInvalid, reason).hint(
            "name a store by a TOML file with a [metadata-client] section, as in the configuration of \
             servers, by a backup file, or by the base directory of a stopped node",
        )
    };
    let name = name_input(argument);
    if let Some(folders) = find_folders(argument, context).await.map_err(invalid)? {
        return Ok(StoreArg::Folders(folders));
    }
    let bytes = read_input(argument, read_store_file, context).await;
    let bytes = bytes.map_err(|error| invalid(format!("failed to read {name}: {error}")))?;
    if bytes.is_empty() {
        return Err(invalid(format!(
            "{name} is empty, as is a file that was copied to a full disk"
        )));
    }
    if is_backup(&bytes) {
        return match Backup::parse(&bytes, &name) {
            Ok(backup) => Ok(StoreArg::Backup(Box::new(backup))),
            Err(error) => Err(Failure::new(Code::BackupDamaged, error.to_string())),
        };
    }
    let text = decode_text(bytes).map_err(|reason| invalid(format!("{name} {reason}")))?;
    let file = config::parse(&text, &name).map_err(|error| invalid(error.to_string()))?;
    for warning in &file.warnings {
        context.events.emit(Event::Warning(warning));
    }
    Ok(StoreArg::Config(Box::new(file)))
}

/// Finds the folders of stopped nodes that the argument means; `None` if it means a file.
async fn find_folders(
    argument: &OsStr,
    context: &Context<'_>,
) -> Result<Option<StoppedFolders>, String> {
    if is_standard_input(argument) {
        return Ok(None);
    }
    let name = name_input(argument);
    context.events.emit(Event::AwaitingFile { name: &name, is_typed: false });
    let owned = argument.to_owned();
    let found = run_detached(move || StoppedFolders::find(&owned)).await;
    context.events.emit(Event::FileReady);
    found.unwrap_or_else(|error| Err(error.to_string()))
}

/// Loads the store of an option that may be absent.
///
/// # Errors
/// As [`load_store`].
pub async fn load_optional(
    argument: Option<&OsStr>,
    context: &Context<'_>,
) -> Result<Option<StoreArg>, Failure> {
    match argument {
        Some(argument) => load_store(argument, context).await.map(Some),
        None => Ok(None),
    }
}

/// Reads a configuration, or a backup, which may be larger.
fn read_store_file(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST_CONFIG + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= LARGEST_CONFIG {
        return Ok(bytes);
    }
    if is_backup(&bytes) {
        input.take(LARGEST_BACKUP).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    Err(io::Error::other("it is too large for a configuration file"))
}

/// Returns whether both arguments name the same store, as far as their text alone tells. Stores that are open
/// are asked, see [`are_one_store`](crate::pipeline::same_store::are_one_store).
pub fn is_same_store(one: &StoreArg, other: &StoreArg) -> bool {
    let (one, other) = match (one, other) {
        (StoreArg::Config(one), StoreArg::Config(other)) => (one, other),
        (StoreArg::Folders(one), StoreArg::Folders(other)) => return one.are_same(other),
        _ => return false,
    };
    match (&one.store, &other.store) {
        (StoreConfig::Replicated(one), StoreConfig::Replicated(other)) => {
            one.iter().any(|address| other.contains(address))
        }
        (StoreConfig::Etcd(one), StoreConfig::Etcd(other)) => {
            let others: Vec<_> =
                other.addresses.iter().map(|address| normalize_endpoint(address)).collect();
            one.addresses.iter().any(|address| others.contains(&normalize_endpoint(address)))
        }
        (one, other) => one == other,
    }
}
