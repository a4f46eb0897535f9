//! The arguments of `metadata undo`.

use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = r#"Examples:
  # What would be taken back of a run that did not end well:
  restatectl metadata undo --report migrate.json --toml etcd.toml --dry-run
  # Take it back:
  restatectl metadata undo --report migrate.json --toml etcd.toml"#;

/// Arguments of `metadata undo`.
#[derive(clap::Args)]
#[command(
    after_help = EXAMPLES,
    override_usage = "restatectl metadata undo [OPTIONS] --report <FILE> --toml <STORE>"
)]
pub struct UndoArgs {
    /// Take back what the run of this report wrote: the file of `migrate --report`, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub report: OsString,

    /// Take it back from this store, the target of that run: a TOML file, or - for standard input
    #[arg(long, visible_alias = "target", value_name = "STORE")]
    pub toml: OsString,

    /// Check and plan, show what would be taken back, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Save what is deleted or replaced to a file in this folder, and find the backup file of the run there
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub backup_dir: PathBuf,

    /// Skip the probe of conditional writes that S3 stores other than Amazon's get
    #[arg(long)]
    pub skip_store_probe: bool,
}
