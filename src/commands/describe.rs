//! `metadata describe`: what the metadata says, as tables for people. Writes nothing.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::blocking::run_detached;
use crate::codec;
use crate::commands::Context;
use crate::commands::read_store::{ReadStore, read_store};
use crate::outcome::{CommandResult, DescriptionPart, DescriptionResult, Outcome};
use crate::pipeline::description::describe_store;

const EXAMPLES: &str = r#"Examples:
  # The running cluster:
  restatectl -s http://node-1:5122 metadata describe
  # Every partition in a backup file:
  restatectl metadata describe partitions --from before.jsonl
  # The addresses of the nodes in an external store:
  restatectl metadata describe --from etcd.toml -o json | jq -r '.nodes[].address'"#;

/// Arguments of `metadata describe`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DescribeArgs {
    /// Show only this part, row by row
    #[arg(value_name = "PART")]
    pub part: Option<PartName>,

    /// Describe this store instead of the running cluster: a TOML or backup file, the folder of a
    /// stopped node, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,

    /// Show every row instead of one for many that are alike
    #[arg(long)]
    pub all: bool,
}

/// The names of the parts.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(missing_docs)]
pub enum PartName {
    Nodes,
    Partitions,
    Logs,
    Deployments,
    Rules,
}

impl PartName {
    fn part(self) -> DescriptionPart {
        match self {
            PartName::Nodes => DescriptionPart::Nodes,
            PartName::Partitions => DescriptionPart::Partitions,
            PartName::Logs => DescriptionPart::Logs,
            PartName::Deployments => DescriptionPart::Deployments,
            PartName::Rules => DescriptionPart::Rules,
        }
    }
}

/// Reads every key and describes them.
///
/// # Errors
/// Any [`Failure`](crate::outcome::Failure) to open or read the store;
/// [`Code::NotARestateStore`](crate::outcome::Code::NotARestateStore) if it has no keys.
pub async fn run(args: &DescribeArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let read = read_store(args.from.as_deref(), context).await?.require_keys()?;
    let ReadStore { store, snapshot, missing, .. } = read;
    let cluster = codec::cluster_of(&snapshot);
    let description = run_detached(move || describe_store(&snapshot)).await?;
    let undescribed = description.undescribed.iter().map(|(key, reason)| format!("{key} {reason}"));
    let warnings = undescribed.take(MOST_WARNINGS).chain(missing).collect();
    Ok(Outcome::done(CommandResult::Describe(Box::new(DescriptionResult {
        store,
        cluster,
        part: args.part.map(PartName::part),
        shows_every_row: args.all || args.part.is_some(),
        description,
        warnings,
    }))))
}

/// The keys that can't be described, and are named.
const MOST_WARNINGS: usize = 20;
