//! `metadata put`: replaces one value by a JSON document.

use std::ffi::OsString;

use crate::commands::Context;
use crate::commands::edit::{self, Edit, EditArgs, JsonText};
use crate::outcome::{Code, Failure, Outcome};

const EXAMPLES: &str = r#"Examples:
  # Edit a value by hand:
  restatectl metadata get -k rule_book > rule_book.json
  restatectl metadata put -k rule_book rule_book.json
  # In an external store, from standard input:
  restatectl metadata put -k rule_book --from etcd.toml - < rule_book.json"#;

/// Arguments of `metadata put`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata put [OPTIONS] --key <KEY> <DOC>")]
pub struct PutArgs {
    #[command(flatten)]
    edit: EditArgs,

    /// Store this JSON document, as printed by `get`: a file, or - for standard input
    #[arg(value_name = "DOC")]
    document: OsString,
}

/// Replaces the value by the document, or creates it.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(args: &PutArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    edit::run(&args.edit, load_document(args, context), context).await
}

async fn load_document(args: &PutArgs, context: &Context<'_>) -> Result<Edit, Failure> {
    let JsonText { text, name } =
        edit::read_json_text(&args.document, "DOC", &args.edit, context).await?;
    serde_json::from_str(&text).map(Edit::Put).map_err(|error| {
        Failure::new(Code::Usage, format!("{name} is not a JSON document: {error}"))
            .hint("print the current document with `metadata get --key KEY`")
    })
}
