//! `metadata backup`: a whole store into one file.

use std::path::PathBuf;

use crate::backends::backup::{self, Destination};
use crate::codec;
use crate::commands::open_store::store_name;
use crate::commands::{Context, list, open_store, store_arg};
use crate::events::Stage;
use crate::outcome::{BackupResult, Code, CommandResult, Failure, Outcome};
use crate::pipeline::snapshot;

const EXAMPLES: &str = r#"Examples:
  # The running cluster, before a migration:
  restatectl -s http://node-1:5122 metadata backup --to before.jsonl
  # A store:
  restatectl metadata backup --from etcd.toml --to etcd.jsonl"#;

/// Arguments of `metadata backup`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata backup [OPTIONS] --to <FILE>")]
pub struct BackupArgs {
    /// Write the backup to this file, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,

    /// Save this store instead of the running cluster: a TOML or backup file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<String>,
}

/// Reads every key and saves it.
///
/// # Errors
/// Any [`Failure`] of opening or reading; [`Code::BackupFailed`].
pub async fn run(args: &BackupArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    if args.to.as_os_str() == "-" {
        let reason =
            "--to wants the name of a file: a backup is written to a file that is whole or absent";
        return Err(Failure::new(Code::Usage, reason).into());
    }
    let from = store_arg::load_optional(args.from.as_deref(), context)?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    let read = snapshot::read(source, Stage::ReadSource, context.events).await;
    let snapshot = read.map_err(|error| opened.failure(&error))?;
    if snapshot.is_empty() {
        let reason = format!("{} holds no keys of Restate's", source.name());
        return Err(Failure::new(Code::NotARestateStore, reason).into());
    }
    let cluster = codec::cluster_of(&snapshot);
    let saved =
        backup::save(&Destination::File(args.to.clone()), source.name(), cluster, &snapshot);
    let saved = saved.map_err(|error| failed(&args.to.display().to_string(), &error))?;
    Ok(Outcome::done(CommandResult::Backup(BackupResult {
        store: store_name(source),
        saved,
        warnings: list::faults(&snapshot),
    })))
}

/// A backup that could not be made.
pub fn failed(place: &str, error: &std::io::Error) -> Failure {
    Failure::new(Code::BackupFailed, format!("failed to save a backup to {place}: {error}"))
}
