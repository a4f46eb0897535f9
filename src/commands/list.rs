//! `metadata list`: what a store holds.

use crate::codec;
use crate::commands::open_store::store_name;
use crate::commands::{Context, open_store, store_arg};
use crate::events::Stage;
use crate::model::{Entry, Key, Snapshot};
use crate::outcome::{CommandResult, ListResult, ListedKey, Outcome};
use crate::pipeline::snapshot;

const EXAMPLES: &str = r#"Examples:
  # The running cluster:
  restatectl -s http://node-1:5122 metadata list
  # A store, and only the names of its keys:
  restatectl metadata list --from etcd.toml -o json | jq -r '.keys[].key'"#;

/// Arguments of `metadata list`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List this store instead of the running cluster: a TOML or backup file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<String>,
}

const UNLISTED: &str = "the store does not permit to list: it was read by the known names, and \
                        whether it has keys of other names is not known";

/// Reads every key.
///
/// # Errors
/// Any [`Failure`](crate::outcome::Failure) of opening or reading.
pub async fn run(args: &ListArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let from = store_arg::load_optional(args.from.as_deref(), context)?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    let failed = |error| opened.failure(&error);
    let snapshot =
        snapshot::read(source, Stage::ReadSource, context.events).await.map_err(failed)?;
    let foreign = source.count_foreign_keys().await.map_err(failed)?;
    let mut warnings = faults(&snapshot);
    if source.can_list() && foreign.is_none() {
        warnings.push(UNLISTED.to_owned());
    }
    Ok(Outcome::done(CommandResult::List(ListResult {
        store: store_name(source),
        cluster: codec::cluster_of(&snapshot),
        warnings,
        rows: snapshot.into_iter().map(list_key).collect(),
        foreign,
    })))
}

fn list_key((key, entry): (Key, Entry)) -> ListedKey {
    let encoding = entry.value().and_then(|value| codec::encoding(&value.bytes).ok());
    ListedKey { key, entry, encoding: encoding.map(codec::Encoding::name) }
}

/// What deserves a word, and is no reason to stop: each damaged key, and a store that is none for a server.
pub fn faults(snapshot: &Snapshot) -> Vec<String> {
    let damaged = snapshot.iter().filter_map(|(key, entry)| match entry {
        Entry::Damaged { reason, .. } => Some(format!("{key} {reason}")),
        Entry::Intact(value, _) => Some(format!("{key} {}", codec::check(key, value).err()?)),
    });
    let is_half = !snapshot.is_empty() && !snapshot.contains_key(&Key::NodesConfig);
    damaged.chain(is_half.then(|| HALF.to_owned())).collect()
}

/// A migration puts `nodes_config` last, and takes it away first where it overwrites.
const HALF: &str = "there is no nodes_config: servers take the store for one that was never set up. An \
                    interrupted migration leaves it so; the same command with --resume finishes it";
