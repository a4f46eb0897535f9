//! `metadata list`: lists the keys of a store.

use std::ffi::OsString;

use crate::codec;
use crate::commands::open_store::{self, store_name};
use crate::commands::snapshot_warnings::find_snapshot_warnings;
use crate::commands::{Context, store_arg};
use crate::events::Stage;
use crate::model::{Entry, Key};
use crate::outcome::{CommandResult, ListResult, ListedKey, Outcome};
use crate::pipeline::snapshot;

const EXAMPLES: &str = r#"Examples:
  # The running cluster:
  restatectl -s http://node-1:5122 metadata list
  # An external store, only the names of its keys:
  restatectl metadata list --from etcd.toml -o json | jq -r '.keys[].key'"#;

/// Arguments of `metadata list`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List this store instead of the running cluster: a TOML or backup file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,
}

/// Reads every key.
///
/// # Errors
/// Any [`Failure`](crate::outcome::Failure) to open or read the store.
pub async fn run(args: &ListArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    let failed = |error| opened.failure(&error);
    let snapshot =
        snapshot::read(source, Stage::ReadSource, context.events).await.map_err(failed)?;
    let foreign = source.count_foreign_keys().await.map_err(failed)?;
    let mut warnings = find_snapshot_warnings(&snapshot);
    let missing = snapshot::describe_missing_keys(source, &snapshot, foreign);
    let complete = missing.is_none();
    warnings.extend(missing);
    Ok(Outcome::done(CommandResult::List(ListResult {
        store: store_name(source),
        cluster: codec::cluster_of(&snapshot),
        warnings,
        rows: snapshot.into_iter().map(list_key).collect(),
        foreign,
        complete,
    })))
}

/// Adds the encoding to an entry.
fn list_key((key, entry): (Key, Entry)) -> ListedKey {
    let encoding = entry.value().and_then(|value| codec::encoding(&value.bytes).ok());
    ListedKey { key, entry, encoding: encoding.map(codec::Encoding::name) }
}
