//! `metadata put`: replaces one value by a JSON document.

use std::ffi::OsString;
use std::io::{self, Read};

use crate::commands::Context;
use crate::commands::edit::{self, Edit, EditArgs};
use crate::commands::input::{is_standard_input, name_input, read_input};
use crate::outcome::{Code, Failure, Outcome};

/// The largest document in bytes: a value has at most 30 MiB, and its JSON is a few times as large.
const LARGEST_DOCUMENT: u64 = 256 << 20;

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
    if is_standard_input(&args.document) && args.edit.from.as_deref().is_some_and(is_standard_input)
    {
        let reason = "only one of DOC and --from can be read from standard input";
        return Err(Failure::new(Code::Usage, reason));
    }
    let name = name_input(&args.document);
    let bytes = read_input(&args.document, read_document, context).await.map_err(|error| {
        Failure::new(Code::Usage, format!("failed to read the document from {name}: {error}"))
    })?;
    serde_json::from_slice(&bytes).map(Edit::Put).map_err(|error| {
        Failure::new(Code::Usage, format!("{name} is not a JSON document: {error}"))
            .hint("print the current document with `metadata get --key KEY`")
    })
}

fn read_document(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_DOCUMENT {
        true => Err(io::Error::other("it is larger than any value")),
        false => Ok(bytes),
    }
}
