//! The top of the command line: options of every command, and the subcommands.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::backends::cluster::ClusterOptions;
use crate::backends::transport::{Address, Limits, TlsOptions};
use crate::backends::{Requests, StoreError};
use crate::commands::backup::BackupArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::get::GetArgs;
use crate::commands::list::ListArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::patch::PatchArgs;
use crate::commands::put::PutArgs;
use crate::commands::verify::VerifyArgs;

/// Version, commit and target, as far as the build knew them.
pub const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("RESTATECTL_COMMIT"),
    ", ",
    env!("RESTATECTL_TARGET"),
    ")"
);

const EXAMPLES: &str = "Examples:
  restatectl -s http://node-1:5122 metadata list
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --dry-run
  restatectl metadata migrate --help";

const METADATA_EXAMPLES: &str = "Examples:
  restatectl metadata migrate --toml etcd.toml --dry-run
  restatectl metadata verify --toml etcd.toml
  restatectl metadata get --key rule_book --from etcd.toml";

/// Move a Restate cluster's metadata between stores, and look at it
///
/// The metadata of a Restate cluster (nodes, logs, partitions, deployments, rules, epochs) lives in
/// the cluster itself or in an external store. This program copies it from one to the other,
/// verifies the copy, and shows what any of them holds.
#[derive(Parser)]
#[command(
    name = "restatectl", version, long_version = LONG_VERSION,
    infer_subcommands = true, arg_required_else_help = true, after_help = EXAMPLES
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Where `--report` wants the JSON document, too.
    pub fn report(&self) -> Option<&Path> {
        match &self.command {
            Command::Metadata { command: MetadataCommand::Migrate(args) } => args.report.as_deref(),
            Command::Metadata { command: MetadataCommand::Verify(args) } => args.report.as_deref(),
            _ => None,
        }
    }
}

/// The commands at the top.
#[derive(Subcommand)]
pub enum Command {
    /// Copy, compare, show and edit a cluster's metadata
    #[command(infer_subcommands = true, arg_required_else_help = true)]
    #[command(after_help = METADATA_EXAMPLES)]
    Metadata {
        /// What to do with it.
        #[command(subcommand)]
        command: MetadataCommand,
    },
    /// Print a script that completes this program's command line in a shell
    Completions(CompletionsArgs),
}

/// The commands below `metadata`.
#[derive(Subcommand)]
pub enum MetadataCommand {
    /// Copy all metadata into another store, verify it there, and say what comes next
    Migrate(MigrateArgs),
    /// Compare every key of two stores, and write nothing
    Verify(VerifyArgs),
    /// List every key with its kind, version, size, encoding and digest
    List(ListArgs),
    /// Print one value as JSON
    Get(GetArgs),
    /// Save a whole store into one file, which every STORE argument reads
    Backup(BackupArgs),
    /// Change one value by a JSON patch (RFC 6902)
    Patch(PatchArgs),
    /// Replace one value by a JSON document, or create it
    Put(PutArgs),
}

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

/// Commands that the official `restatectl` has and this program does not.
const OFFICIAL: [&str; 12] = [
    "provision",
    "status",
    "nodes",
    "partitions",
    "logs",
    "snapshots",
    "config",
    "replicated-loglet",
    "metadata-server",
    "ms",
    "sql",
    "storage",
];

/// What to say of a command that is not ours but the official tool's.
pub fn official_command(error: &clap::Error) -> Option<String> {
    let name = error.get(clap::error::ContextKind::InvalidSubcommand)?;
    let clap::error::ContextValue::String(name) = name else { return None };
    OFFICIAL.contains(&name.as_str()).then(|| {
        format!(
            "this program has no command '{name}'; the official restatectl has it \
             (npm package @restatedev/restatectl)"
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_may_be_shortened_and_official_ones_are_named() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["restatectl"], words].concat());
        assert!(parse(&["m", "l", "--toml", "etcd.toml"]).is_ok());
        assert!(
            parse(&["meta", "mig", "--toml", "t", "-s", "http://a,b", "--server", "c"]).is_ok()
        );
        for words in [&["status"][..], &["sql"], &["ms"]] {
            let error = parse(words).err().unwrap();
            assert!(official_command(&error).unwrap().contains("the official restatectl has it"));
        }
        assert!(official_command(&parse(&["lst"]).err().unwrap()).is_none());
    }

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
