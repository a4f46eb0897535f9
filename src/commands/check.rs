//! `metadata check`: whether a store is sound. Writes nothing.

use std::ffi::OsString;

use crate::blocking::run_detached;
use crate::codec;
use crate::commands::Context;
use crate::commands::read_store::{ReadStore, read_store};
use crate::outcome::{CheckResult, Code, CommandResult, Failure, Outcome};
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
    /// Check this store instead of the running cluster: a TOML or backup file, the folder of a
    /// stopped node, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,
}

/// Reads every key and checks the values and the references between them.
///
/// # Errors
/// Any [`Failure`] to open or read the store; [`Code::NotARestateStore`] if it has no keys.
pub async fn run(args: &CheckArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let read = read_store(args.from.as_deref(), context).await?.require_keys()?;
    let ReadStore { store, snapshot, missing, .. } = read;
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
