//! The options of every command, converted to the options of the backends.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::backends::RequestOptions;
use crate::backends::cluster::ClusterOptions;
use crate::backends::transport::{Address, Limits, TlsOptions};
use crate::options::GlobalOptions;
use crate::outcome::{Code, Failure};

/// As the servers have it among themselves by default: a connection that is idle while the other store is read or
/// the operator is asked stays known to firewalls, and one that is dead is noticed.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the options of requests to any store.
pub fn request_options(options: &GlobalOptions) -> RequestOptions {
    RequestOptions { timeout: options.request_timeout(), max_concurrency: options.concurrency }
}

/// Returns the options to reach the cluster at `--address`.
///
/// # Errors
/// [`Code::Usage`] for an invalid address, or an incomplete TLS identity.
pub fn default_cluster_options(options: &GlobalOptions) -> Result<ClusterOptions, Failure> {
    let single_address = options.single_address.clone().map(|address| vec![address]);
    let texts = single_address.unwrap_or_else(|| options.address.clone());
    let addresses = texts
        .iter()
        .filter(|address| !address.trim().is_empty())
        .map(|address| address.parse())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|reason| Failure::new(Code::Usage, reason))?;
    if addresses.is_empty() {
        let reason = "--address, or RESTATECTL_ADDRESS, is empty";
        return Err(Failure::new(Code::Usage, reason).hint("name at least one node"));
    }
    cluster_options_at(addresses, options.single_address.is_some(), options)
}

/// Returns the options to reach the cluster at these addresses; with `only_these`, no other node is asked.
///
/// # Errors
/// [`Code::Usage`] for an incomplete TLS identity.
pub fn cluster_options_at(
    addresses: Vec<Address>,
    only_these: bool,
    options: &GlobalOptions,
) -> Result<ClusterOptions, Failure> {
    Ok(ClusterOptions {
        addresses,
        only_these,
        limits: Limits {
            connect: Duration::from_millis(options.connect_timeout),
            request: options.request_timeout(),
            keep_alive: Some((KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT)),
            message: options.message_size_limit.map(NonZeroU32::get).map(|bytes| bytes as usize),
        },
        max_concurrency: options.concurrency,
        tls: tls_options(options)?,
    })
}

/// Returns the options of connections with TLS.
///
/// Nodes that could not be asked for want of them would look as if they had stopped, so that a run over external stores
/// would write beside them.
///
/// # Errors
/// [`Code::Usage`] for an incomplete TLS identity.
pub fn tls_options(options: &GlobalOptions) -> Result<TlsOptions, Failure> {
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        (None, None) => None,
        _ => {
            let reason = "--tls-cert and --tls-key must be given together, also where RESTATECTL_TLS_CERT and \
                          RESTATECTL_TLS_KEY give them";
            return Err(Failure::new(Code::Usage, reason));
        }
    };
    let (ca, skip_verify) = (options.tls_ca.clone(), options.insecure_skip_tls_verify);
    Ok(TlsOptions { ca, identity, skip_verify })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn cluster_options_refuse_an_incomplete_identity_and_empty_addresses() {
        let options = |words: &[&str]| {
            let line = [&["restatectl", "metadata", "list"], words].concat();
            let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
            default_cluster_options(&cli.options)
        };
        assert!(options(&["--tls-cert", "a.pem"]).is_err());
        assert!(options(&["-s", ""]).is_err());
        assert_eq!(options(&["-s", "a,b"]).unwrap().addresses.len(), 2);
    }
}
