//! The arguments of `metadata migrate`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::node_ids::parse_node_id;
use crate::model::{FindingClass, FindingLevel, Key};

const EXAMPLES: &str = r#"Examples:
  # On the live cluster, with nothing written:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --dry-run
  # In the maintenance window, with a report for the archive:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --backup before.jsonl --report migrate.json
  # After an interruption:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --backup before.jsonl --report migrate.json --resume
  # From one store to another:
  restatectl metadata migrate --from etcd.toml --toml s3.toml
  # With all nodes stopped, from the base directories of their metadata servers:
  restatectl metadata migrate --from /mnt/n1,/mnt/n2 --toml etcd.toml"#;

/// Arguments of `metadata migrate`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata migrate [OPTIONS] --toml <STORE>")]
pub struct MigrateArgs {
    /// Write to this store: a TOML file with a [metadata-client] section, or - for standard input
    #[arg(long, visible_alias = "target", value_name = "STORE")]
    pub toml: OsString,

    /// Copy from this store, such as a backup file or the folders of stopped nodes, instead of the running cluster
    #[arg(long, value_name = "STORE")]
    pub from: Option<OsString>,

    /// Check and plan, show what would be written, and write nothing
    ///
    /// Safe on a live cluster: nodes that are not in migration mode yet are then only a warning. A node that
    /// does not respond fails it. --force asks for nothing, and an S3 store is probed only with --store-probe. Otherwise
    /// the exit code is the one that the real run would have.
    #[arg(long)]
    pub dry_run: bool,

    /// Resume an interrupted run; keys the target already holds unchanged are skipped
    #[arg(long)]
    pub resume: bool,

    /// Replace Restate's keys in the target, and delete those that the source does not have
    ///
    /// What is replaced is saved to a backup file first. Applies to the same cluster at equal or older
    /// versions; see --overwrite-cluster and --overwrite-newer. Asks on a terminal, otherwise requires
    /// --yes.
    #[arg(long)]
    pub force: bool,

    /// Also save the source, as it was copied, to this file, which must not exist yet
    ///
    /// The file is complete and on the disk before the first write. It is a backup file, which every STORE
    /// argument accepts. If the source changes during the run and is copied again, the run replaces its own
    /// file.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,

    /// Save what --force replaces to a file in this folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub backup_dir: PathBuf,

    /// Also replace the metadata of the cluster with this name (with --force)
    ///
    /// Use `unknown` for a target with Restate keys but no readable nodes_config.
    #[arg(long, value_name = "NAME", requires = "force")]
    pub overwrite_cluster: Option<String>,

    /// Also replace keys that are newer in the target (with --force)
    #[arg(long, requires = "force")]
    pub overwrite_newer: bool,

    /// Skip a node that is permanently removed, such as N3
    ///
    /// Accepted only if nothing, or another node, responds at its address.
    #[arg(long, value_name = "NODE", value_parser = parse_node_id)]
    pub ignore_node: Vec<u32>,

    /// Copy this key although its codec can't be decoded here
    #[arg(long, value_name = "KEY", value_parser = |key: &str| Ok::<_, String>(Key::parse(key)))]
    pub allow_undecoded: Vec<Key>,

    /// Copy in spite of errors of this class, such as log-missing, that the check `consistency` finds
    ///
    /// They become warnings. `metadata check` prints the class of each error.
    #[arg(long, value_name = "CODE", value_parser = parse_finding_class)]
    pub accept_finding: Vec<FindingClass>,

    /// Copy from the folders of fewer stopped nodes than a majority, or from a backup made so
    ///
    /// Writes that only the other members acknowledged are lost. They must never start on their old metadata again.
    #[arg(long)]
    pub accept_data_loss: bool,

    /// Skip the probe of conditional writes that S3 stores other than Amazon's get
    #[arg(long)]
    pub skip_store_probe: bool,

    /// Make the probe of conditional writes in a dry run too: on a scratch object, which is removed
    #[arg(long, requires = "dry_run", conflicts_with = "skip_store_probe")]
    pub store_probe: bool,

    /// Accept servers of this newer minor version, such as 1.8
    #[arg(long, value_name = "X.Y", value_parser = parse_minor_version)]
    pub accept_version: Option<(u64, u64)>,

    /// Also write the JSON document to this file, however the run ends
    ///
    /// `metadata undo` takes the run back by it. A run with --resume continues the report of the run before; other
    /// runs keep that under its name and a number, if it lists written keys.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn parse_finding_class(text: &str) -> Result<FindingClass, String> {
    let is_acceptable =
        |class: &FindingClass| class.level() == FindingLevel::Error && !class.is_about_bytes();
    let acceptable: Vec<_> = FindingClass::ALL.iter().copied().filter(is_acceptable).collect();
    acceptable.iter().copied().find(|class| class.name() == text).ok_or_else(|| {
        let names: Vec<_> = acceptable.iter().map(|class| class.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn parse_minor_version(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('.').map(|(major, minor)| (major.parse(), minor.parse()));
    match numbers {
        Some((Ok(major), Ok(minor))) => Ok((major, minor)),
        _ => Err("expected the first two numbers of a version, such as 1.8".to_owned()),
    }
}
