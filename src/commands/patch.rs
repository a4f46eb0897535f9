//! `metadata patch`: applies an RFC 6902 patch to one value.

use crate::commands::Context;
use crate::commands::edit::{self, Edit, EditArgs};
use crate::outcome::{Code, Failure, Outcome};
use crate::pipeline::edit::Patch;

const EXAMPLES: &str = r#"Examples:
  # Show what would change:
  restatectl metadata patch -k pp_epoch_0 -n -p '[{"op": "replace", "path": "/epoch", "value": 9}]'
  # Only if the stored value has version 4:
  restatectl metadata patch -k bifrost_config --version 4 -p "$(cat patch.json)""#;

/// Arguments of `metadata patch`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata patch [OPTIONS] --key <KEY> --patch <JSON>")]
pub struct PatchArgs {
    #[command(flatten)]
    edit: EditArgs,

    /// Apply this patch: a JSON list of operations, such as '[{"op": "replace", "path": "/a", "value": 1}]'
    #[arg(short = 'p', long, value_name = "JSON")]
    patch: String,
}

/// Applies the patch and writes the result back.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(args: &PatchArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    let patch = Patch::parse(&args.patch).map_err(|reason| {
        Failure::new(Code::Usage, format!("--patch is not a JSON patch: {reason}"))
            .hint("pass a list of operations as in RFC 6902, each with op, path, and value or from")
    });
    let edit = std::future::ready(patch.map(Edit::Patch));
    edit::run(&args.edit, edit, context).await
}
