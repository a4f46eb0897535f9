//! The options of every command, and what they say of how stores are reached.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::backends::cluster::ClusterOptions;
use crate::backends::transport::{Address, Limits, TlsOptions};
use crate::backends::{Requests, StoreError};

/// Options of every command.
#[derive(Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Nodes to connect to: their node-to-node addresses, as http://, https:// or unix:
    ///
    /// Several by comma or by repeating the option. The other nodes are found through what these
    /// know; a node that does not answer is passed over for the next.
    #[arg(
        short = 's', long, global = true, aliases = ["server", "addresses"], value_delimiter = ',',
        env = "RESTATECTL_ADDRESS", default_value = "http://localhost:5122/", value_name = "ADDRESS"
    )]
    pub address: Vec<String>,

    /// Connect to this node only, without looking for the others
    #[arg(short = 'S', long, global = true, value_name = "ADDRESS")]
    pub single_address: Option<String>,

    /// How long to wait for a connection, in milliseconds
    #[arg(
        long, global = true, default_value_t = 3000, value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1..=86_400_000)
    )]
    pub connect_timeout: u64,

    /// How long to wait for one request, in milliseconds; never for a whole command
    #[arg(
        long, global = true, default_value_t = 13000, value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1..=86_400_000)
    )]
    pub request_timeout: u64,

    /// The most requests to one store at once; by default what is good for the store
    #[arg(long, global = true, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,

    /// PEM file of the authorities that sign the nodes' certificates
    #[arg(long, global = true, env = "RESTATECTL_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// PEM file of the certificate to show to the nodes
    #[arg(long, global = true, env = "RESTATECTL_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of that certificate's private key
    #[arg(long, global = true, env = "RESTATECTL_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Take any certificate from the nodes
    #[arg(long, global = true)]
    pub insecure_skip_tls_verify: bool,

    /// How tables are drawn
    #[arg(long, global = true, value_enum, default_value_t = TableStyle::Compact)]
    pub table_style: TableStyle,

    /// How the times of the lines of -v are written; no other output has one
    #[arg(long, global = true, value_enum, default_value_t = TimeFormat::Human)]
    pub time_format: TimeFormat,

    /// Answer every question with yes, as the environment variable CI does
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,

    /// Say more: -v each request, -vv the libraries' own logs; or as RUST_LOG says
    #[arg(short = 'v', long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing but data and errors
    #[arg(short = 'q', long, global = true, action = clap::ArgAction::Count)]
    pub quiet: u8,

    /// Text for people, or one JSON document for programs
    #[arg(short = 'o', long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,

    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Output {
    Text,
    Json,
}

/// `--table-style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableStyle {
    /// No borders, condensed layout
    Compact,
    /// UTF-8 borders, good for multiline text
    Borders,
}

/// `--time-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimeFormat {
    /// As people say it
    Human,
    /// As in 1996-12-19T16:39:57-08:00
    Iso8601,
    /// As in Tue, 1 Jul 2003 10:52:37 +0200
    Rfc2822,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Global {
    /// For one request.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout)
    }

    /// How requests to any store are made.
    pub fn requests(&self) -> Requests {
        Requests { timeout: self.request_timeout(), most_at_once: self.concurrency }
    }

    /// How the cluster is reached.
    ///
    /// # Errors
    /// [`StoreError::Usage`] for an address that is none, or half of a TLS identity.
    pub fn cluster(&self) -> Result<ClusterOptions, StoreError> {
        let written =
            self.single_address.as_ref().map_or(self.address.clone(), |one| vec![one.clone()]);
        let addresses = written
            .iter()
            .filter(|address| !address.trim().is_empty())
            .map(|address| address.parse())
            .collect::<Result<Vec<_>, _>>()
            .map_err(StoreError::Usage)?;
        if addresses.is_empty() {
            return Err(StoreError::Usage(
                "--address, or RESTATECTL_ADDRESS, is empty; name at least one node".to_owned(),
            ));
        }
        self.cluster_at(addresses, self.single_address.is_some())
    }

    /// The same for these addresses; `only_these` where no other nodes are to be asked.
    ///
    /// # Errors
    /// [`StoreError::Usage`] for half of a TLS identity.
    pub fn cluster_at(
        &self,
        addresses: Vec<Address>,
        only_these: bool,
    ) -> Result<ClusterOptions, StoreError> {
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            _ => {
                let reason = "--tls-cert and --tls-key are given together or not at all";
                return Err(StoreError::Usage(reason.to_owned()));
            }
        };
        Ok(ClusterOptions {
            addresses,
            only_these,
            limits: Limits {
                connect: Duration::from_millis(self.connect_timeout),
                request: self.request_timeout(),
                keep_alive: None,
            },
            most_at_once: self.concurrency,
            tls: TlsOptions {
                ca: self.tls_ca.clone(),
                identity,
                skip_verify: self.insecure_skip_tls_verify,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn half_an_identity_and_empty_addresses_are_wrong_usage() {
        let global = |words: &[&str]| {
            let line = [&["restatectl", "metadata", "list"], words].concat();
            Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).global
        };
        assert!(global(&["--tls-cert", "a.pem"]).cluster().is_err());
        assert!(global(&["-s", ""]).cluster().is_err());
        assert_eq!(global(&["-s", "a,b"]).cluster().unwrap().addresses.len(), 2);
    }
}
