//! `metadata backup`: saves a whole store to a file.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::backends::backup::{BackupOrigin, Destination};
use crate::codec;
use crate::commands::open_store::{self, store_name};
use crate::commands::read_progress::ReadProgress;
use crate::commands::save_backup::{check_destination, save_entries};
use crate::commands::snapshot_warnings::find_snapshot_warnings;
use crate::commands::{Context, store_arg};
use crate::events::Stage;
use crate::outcome::{BackupResult, Code, CommandResult, Failure, Outcome};
use crate::pipeline::snapshot;

const EXAMPLES: &str = r#"Examples:
  # The running cluster, before a migration:
  restatectl -s http://node-1:5122 metadata backup --to before.jsonl
  # An external store:
  restatectl metadata backup --from etcd.toml --to etcd.jsonl"#;

/// Arguments of `metadata backup`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata backup [OPTIONS] --to <FILE>")]
pub struct BackupArgs {
    /// Write the backup to this file, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,

    /// Save this store instead of the running cluster: a TOML or backup file, the folder of a
    /// stopped node, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,
}

/// Reads every key and saves it.
///
/// # Errors
/// Any [`Failure`] to open or read the store, and [`Code::BackupFailed`].
pub async fn run(args: &BackupArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    if args.to.as_os_str() == "-" {
        let reason =
            "--to requires the name of a file: a backup can't be written to standard output";
        return Err(Failure::new(Code::Usage, reason).into());
    }
    let progress = ReadProgress::start(context);
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    let destination = Destination::File(args.to.clone());
    check_destination(&destination)?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    progress.set_store(store_name(source));
    let snapshot = snapshot::read(source, Stage::ReadSource, context.events).await;
    let snapshot = snapshot.map_err(|error| opened.failure(&error))?;
    if snapshot.is_empty() {
        return Err(Failure::no_keys(&store_name(source)).into());
    }
    let foreign = source.count_foreign_keys().await.map_err(|error| opened.failure(&error))?;
    let missing = snapshot::describe_missing_keys(source, &snapshot, foreign);
    let complete = missing.is_none();
    let cluster = codec::cluster_of(&snapshot);
    let (store, data_loss) = (source.name(), source.data_loss());
    let origin = BackupOrigin { store, cluster, complete, data_loss, overwritten_with: None };
    let saved = save_entries(&destination, &origin, &snapshot, context.events)?;
    let warnings = find_snapshot_warnings(&snapshot).into_iter().chain(missing).collect();
    let store = store_name(source);
    Ok(Outcome::done(CommandResult::Backup(BackupResult { store, saved, complete, warnings })))
}
