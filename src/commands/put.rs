//! `metadata put`: replaces one value by a JSON document.

use std::fs::File;
use std::io::{self, Read};

use crate::commands::Context;
use crate::commands::edit::{self, Edit, EditArgs};
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
    document: String,
}

/// Replaces the value by the document, or creates it.
///
/// # Errors
/// A failure to listen for signals; any other is in the outcome.
pub async fn run(args: &PutArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    edit::run(&args.edit, load_document(args), context).await
}

fn load_document(args: &PutArgs) -> Result<Edit, Failure> {
    if args.document == "-" && args.edit.from.as_deref() == Some("-") {
        let reason = "only one of DOC and --from can be read from standard input";
        return Err(Failure::new(Code::Usage, reason));
    }
    let name = if args.document == "-" { "standard input" } else { &args.document };
    let bytes = read_document(&args.document).map_err(|error| {
        Failure::new(Code::Usage, format!("failed to read the document from {name}: {error}"))
    })?;
    serde_json::from_slice(&bytes).map(Edit::Put).map_err(|error| {
        Failure::new(Code::Usage, format!("{name} is not a JSON document: {error}"))
            .hint("print the current document with `metadata get --key KEY`")
    })
}

fn read_document(argument: &str) -> io::Result<Vec<u8>> {
    let input: Box<dyn Read> = if argument == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(argument)?)
    };
    let mut bytes = Vec::new();
    input.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_DOCUMENT {
        true => Err(io::Error::other("it is larger than any value")),
        false => Ok(bytes),
    }
}
