//! The options of every command: plain data.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::report::style::{ColorChoice, OutputFormat, TableStyle};
use crate::terminal::log::TimeFormat;

/// Options of every command.
#[derive(Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalOptions {
    /// Connect to these nodes: their node-to-node addresses, as http://, https:// or unix:
    ///
    /// Separate several by commas, or repeat the option. The other nodes of the cluster are found
    /// through these. A node that does not respond is skipped.
    #[arg(
        short = 's', long, global = true, aliases = ["server", "addresses"], value_delimiter = ',',
        env = "RESTATECTL_ADDRESS", default_value = "http://localhost:5122/", value_name = "ADDRESS"
    )]
    pub address: Vec<String>,

    /// Connect to this node only; do not look for other nodes
    #[arg(short = 'S', long, global = true, value_name = "ADDRESS")]
    pub single_address: Option<String>,

    /// Wait up to this many milliseconds for a connection
    #[arg(
        long, global = true, default_value_t = 3000, value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1..=86_400_000)
    )]
    pub connect_timeout: u64,

    /// Wait up to this many milliseconds for each response; a whole command has no limit
    #[arg(
        long, global = true, default_value_t = 13000, value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1..=86_400_000)
    )]
    pub request_timeout: u64,

    /// Accept messages of up to this many bytes from nodes, and send them [default: 67108864]
    ///
    /// Set it to the servers' message-size-limit where that was changed. A cluster accepts values of up to 95 % of its
    /// limit, which is 33554432 by default.
    #[arg(long, global = true, value_name = "BYTES")]
    pub message_size_limit: Option<NonZeroU32>,

    /// Send at most this many requests to one store at a time [default: per store]
    #[arg(long, global = true, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,

    /// Trust the certificate authorities in this PEM file when connecting to nodes
    #[arg(long, global = true, env = "RESTATECTL_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// Present the certificate in this PEM file to the nodes
    #[arg(long, global = true, env = "RESTATECTL_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Use the private key in this PEM file with --tls-cert
    #[arg(long, global = true, env = "RESTATECTL_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Do not verify node certificates
    #[arg(long, global = true)]
    pub insecure_skip_tls_verify: bool,

    /// Draw tables in this style
    #[arg(long, global = true, value_enum, default_value_t = TableStyle::Compact)]
    pub table_style: TableStyle,

    /// Print the times of log lines (-v) in this format
    #[arg(long, global = true, value_enum, default_value_t = TimeFormat::Human)]
    pub time_format: TimeFormat,

    /// Answer every question with yes, as the variable CI does unless it is empty, 0 or false
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,

    /// Increase verbosity: -v logs each request, -vv also the libraries' logs; RUST_LOG overrides it
    #[arg(short = 'v', long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Print only data and errors
    #[arg(short = 'q', long, global = true, action = clap::ArgAction::Count)]
    pub quiet: u8,

    /// Print text for people, or one JSON document for programs
    #[arg(short = 'o', long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,

    /// Use colours in text output
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

impl GlobalOptions {
    /// Returns the time limit of one request.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout)
    }

    /// Returns whether the output is a JSON document.
    pub fn is_json_output(&self) -> bool {
        self.output == OutputFormat::Json
    }
}
