//! STORE arguments: the path of a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, or the path of a backup file. The content tells them apart.

use std::ffi::OsStr;
use std::io::{self, Read};

use crate::backends::backup::{Backup, is_backup};
use crate::commands::Context;
use crate::commands::input::{name_input, read_input};
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
}

/// Reads and checks the file that the argument names, and reports its warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a file that can't be read or is invalid, with its line;
/// [`Code::BackupDamaged`] for a damaged backup.
pub async fn load_store(argument: &OsStr, context: &Context<'_>) -> Result<StoreArg, Failure> {
    let invalid = |reason: String| {
        Failure::new(Code::ConfigInvalid, reason).hint(
            "name a store by a TOML file with a [metadata-client] section, as in the configuration of \
             servers, or by a backup file",
        )
    };
    let name = name_input(argument);
    let bytes = read_input(argument, read_store_file, context).await;
    let bytes = bytes.map_err(|error| invalid(format!("failed to read {name}: {error}")))?;
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
    let (StoreArg::Config(one), StoreArg::Config(other)) = (one, other) else { return false };
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
