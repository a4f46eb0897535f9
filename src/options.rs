//! The options of every command, and what they say of how stores are reached.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::report::style::{ColorChoice, OutputFormat, TableStyle};
use crate::terminal::log::TimeFormat;

/// Options of every command.
#[derive(Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalOptions {
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
    #[arg(short = 'o', long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,

    /// When to use colours
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
