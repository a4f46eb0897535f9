//! STORE arguments: a path to a TOML file with a `[metadata-client]` section, `-` for that TOML on
//! standard input, or a path to a backup file; which of them it is, is seen from its content.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::backends::backup::{Backup, is_backup};
use crate::commands::Context;
use crate::config::{self, DynamoDbConfig, ObjectStoreConfig, StoreConfig, StoreFile};
use crate::events::Event;
use crate::outcome::{Code, Failure};

/// A configuration has some kilobytes; more than this is something else.
const LARGEST_CONFIG: u64 = 4 << 20;

/// All values of a store, each of up to 30 MiB, in base64.
const LARGEST_BACKUP: u64 = 1 << 30;

/// What an argument names.
pub enum StoreArg {
    /// A store that is reached by its configuration.
    Config(Box<StoreFile>),
    /// A backup file.
    Backup(Box<Backup>),
}

/// Reads and checks what the argument names, and tells its warnings.
///
/// # Errors
/// [`Code::ConfigInvalid`] with the file and the normalize_endpoint; [`Code::BackupDamaged`].
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
        context.events.emit(Event::Warning(warning));
    }
    Ok(StoreArg::Config(Box::new(loaded)))
}

/// Loads the argument of an option that may be absent.
///
/// # Errors
/// As [`load`].
pub fn load_optional(
    argument: Option<&str>,
    context: &Context<'_>,
) -> Result<Option<StoreArg>, Failure> {
    argument.map(|argument| load(argument, context)).transpose()
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

/// Whether both arguments lead to the same store.
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
            // Tables of one name in two accounts are two: only the access tells.
            let endpoint =
                |config: &DynamoDbConfig| config.endpoint.as_deref().map(normalize_endpoint);
            (&one.table, &one.key_prefix, &one.region, endpoint(one), &one.access)
                == (&other.table, &other.key_prefix, &other.region, endpoint(other), &other.access)
        }
        (one, other) => one == other,
    }
}

/// An address or URL in one way of writing it: this machine has several names. Other machines' names are
/// taken as they are; where two of them lead, only a request could tell.
fn normalize_endpoint(address: &str) -> String {
    let address = address.trim_end_matches('/');
    let (scheme, authority) = address.split_once("://").unwrap_or(("", address));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let is_own = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip| own.contains(&ip));
    let host = if is_own { "localhost".to_owned() } else { host.to_lowercase() };
    format!("{scheme}://{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::normalize_endpoint;

    #[test]
    fn this_machine_has_several_names() {
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
