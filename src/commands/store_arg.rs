//! STORE arguments: the path of a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, or the path of a backup file. The content tells them apart.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::backends::backup::{Backup, is_backup};
use crate::commands::Context;
use crate::config::{self, DynamoDbConfig, ObjectStoreConfig, StoreConfig, StoreFile};
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
pub fn load_store(argument: &str, context: &Context<'_>) -> Result<StoreArg, Failure> {
    let invalid = |reason: String| {
        Failure::new(Code::ConfigInvalid, reason).hint(
            "name a store by a TOML file with a [metadata-client] section, as in the configuration of \
             servers, or by a backup file",
        )
    };
    let name = if argument == "-" { "standard input" } else { argument };
    let bytes =
        read_file(argument).map_err(|error| invalid(format!("failed to read {name}: {error}")))?;
    if is_backup(&bytes) {
        return match Backup::parse(&bytes, name) {
            Ok(backup) => Ok(StoreArg::Backup(Box::new(backup))),
            Err(error) => Err(Failure::new(Code::BackupDamaged, error.to_string())),
        };
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        invalid(format!("{name} is not text: byte {offset} is not valid UTF-8"))
    })?;
    let file = config::parse(&text, name).map_err(|error| invalid(error.to_string()))?;
    for warning in &file.warnings {
        context.events.emit(Event::Warning(warning));
    }
    Ok(StoreArg::Config(Box::new(file)))
}

/// Loads the store of an option that may be absent.
///
/// # Errors
/// As [`load_store`].
pub fn load_optional(
    argument: Option<&str>,
    context: &Context<'_>,
) -> Result<Option<StoreArg>, Failure> {
    argument.map(|argument| load_store(argument, context)).transpose()
}

fn read_file(argument: &str) -> io::Result<Vec<u8>> {
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
    Err(io::Error::other("it is too large for a configuration file"))
}

/// Returns whether both arguments name the same store.
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
        (StoreConfig::ObjectStore(one), StoreConfig::ObjectStore(other)) => {
            let endpoint =
                |config: &ObjectStoreConfig| config.endpoint.as_deref().map(normalize_endpoint);
            (&one.bucket, &one.prefix, endpoint(one))
                == (&other.bucket, &other.prefix, endpoint(other))
        }
        (StoreConfig::DynamoDb(one), StoreConfig::DynamoDb(other)) => {
            // Two accounts can have tables of the same name: only the access distinguishes them.
            let endpoint =
                |config: &DynamoDbConfig| config.endpoint.as_deref().map(normalize_endpoint);
            (&one.table, &one.key_prefix, &one.region, endpoint(one), &one.access)
                == (&other.table, &other.key_prefix, &other.region, endpoint(other), &other.access)
        }
        (one, other) => one == other,
    }
}

/// Returns an address or URL in its normal form, in which all names of this machine are `localhost`. Names
/// of other machines are kept: only a request could tell whether two of them are one machine.
fn normalize_endpoint(address: &str) -> String {
    let address = address.trim_end_matches('/');
    let (scheme, authority) = address.split_once("://").unwrap_or(("", address));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let is_local = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip| loopback.contains(&ip));
    let host = if is_local { "localhost".to_owned() } else { host.to_lowercase() };
    format!("{scheme}://{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::normalize_endpoint;

    #[test]
    fn names_of_this_machine_are_normalized_to_localhost() {
        for (one, other, same) in [
            ("127.0.0.1:2379", "localhost:2379", true),
            ("[::1]:2379", "127.0.0.1:2379", true),
            ("http://LocalHost:8333/", "http://127.0.0.1:8333", true),
            ("http://localhost:8333", "https://localhost:8333", false),
            ("a:1", "A:1", true),
            ("a:1", "b:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
        ] {
            assert_eq!(normalize_endpoint(one) == normalize_endpoint(other), same, "{one} {other}");
        }
    }
}
