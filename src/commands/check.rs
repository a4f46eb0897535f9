//! `metadata check`: whether a store is sound. Writes nothing.

use std::ffi::OsString;

use crate::blocking::run_detached;
use crate::codec;
use crate::commands::open_store::{self, store_name};
use crate::commands::{Context, store_arg};
use crate::events::Stage;
use crate::outcome::{CheckResult, Code, CommandResult, Failure, Outcome};
use crate::pipeline::snapshot;
use crate::pipeline::soundness::check_soundness;
use crate::wording::plural;

const EXAMPLES: &str = r#"Examples:
  # The running cluster, before a migration:
  restatectl -s http://node-1:5122 metadata check
  # An external store, only the errors:
  restatectl metadata check --from etcd.toml -o json | jq '.findings[] | select(.level == "error")'"#;

/// Arguments of `metadata check`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Check this store instead of the running cluster: a TOML or backup file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,
}

/// Reads every key and checks the values and the references between them.
///
/// # Errors
/// Any [`Failure`] to open or read the store; [`Code::NotARestateStore`] if it has no keys.
pub async fn run(args: &CheckArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    let failed = |error| opened.failure(&error);
    let snapshot =
        snapshot::read(source, Stage::ReadSource, context.events).await.map_err(failed)?;
    let store = store_name(source);
    if snapshot.is_empty() {
        return Err(Failure::no_keys(&store).into());
    }
    let foreign = source.count_foreign_keys().await.map_err(failed)?;
    let missing = snapshot::describe_missing_keys(source, &snapshot, foreign);
    let (cluster, keys) = (codec::cluster_of(&snapshot), snapshot.len());
    // Values of many MiB take their time.
    let found = run_detached(move || check_soundness(&snapshot)).await?;
    let failure = (found.errors > 0).then(|| {
        let errors = plural(found.errors, "error");
        Failure::new(
            Code::MetadataInconsistent,
            format!("{store} has {errors} that servers would not run on"),
        )
        .hint(
            "correct a value with `metadata patch` and the same store, or restore it from a backup",
        )
    });
    let result = CheckResult {
        store,
        cluster,
        keys,
        findings: found.findings,
        errors: found.errors,
        warnings: found.warnings,
        incomplete: missing,
    };
    Ok(Outcome { result: Some(CommandResult::Check(result)), failure })
}
