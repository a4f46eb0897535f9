//! `metadata list`: lists the keys of a store.

use std::ffi::OsString;

use crate::codec;
use crate::commands::Context;
use crate::commands::read_store::{ReadStore, read_store};
use crate::commands::snapshot_warnings::find_snapshot_warnings;
use crate::model::{Entry, Key};
use crate::outcome::{CommandResult, ListResult, ListedKey, Outcome};

const EXAMPLES: &str = r#"Examples:
  # The running cluster:
  restatectl -s http://node-1:5122 metadata list
  # An external store, only the names of its keys:
  restatectl metadata list --from etcd.toml -o json | jq -r '.keys[].key'"#;

/// Arguments of `metadata list`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List this store instead of the running cluster: a TOML or backup file, the folder of a
    /// stopped node, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,
}

/// Reads every key.
///
/// # Errors
/// Any [`Failure`](crate::outcome::Failure) to open or read the store.
pub async fn run(args: &ListArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let ReadStore { store, snapshot, foreign, missing } =
        read_store(args.from.as_deref(), context).await?;
    let mut warnings = find_snapshot_warnings(&snapshot);
    let complete = missing.is_none();
    warnings.extend(missing);
    Ok(Outcome::done(CommandResult::List(ListResult {
        store,
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
