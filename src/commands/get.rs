//! `metadata get`: prints one value.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use clap::builder::NonEmptyStringValueParser;

use crate::codec::{self, CodecError};
use crate::commands::open_store::{self, store_name};
use crate::commands::read_progress::ReadProgress;
use crate::commands::{Context, store_arg};
use crate::model::{Entry, Key, Value};
use crate::outcome::{Code, CommandResult, Failure, FetchedValue, Outcome};
use crate::visible::steers_terminal;

const EXAMPLES: &str = r#"Examples:
  # The nodes as the running cluster has them:
  restatectl -s http://node-1:5122 metadata get -k nodes_config
  # The stored bytes:
  restatectl metadata get -k rule_book --from etcd.toml --raw > rule_book.bin"#;

/// Arguments of `metadata get`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata get [OPTIONS] --key <KEY>")]
pub struct GetArgs {
    /// Print the value of this key, such as nodes_config, rule_book or pp_epoch_0
    #[arg(short = 'k', long, value_parser = NonEmptyStringValueParser::new())]
    pub key: String,

    /// Read this store instead of the running cluster: a TOML or backup file, the folder of a
    /// stopped node, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,

    /// Write the exact stored bytes instead of JSON
    ///
    /// They are binary: onto a terminal they are refused unless they are plain text.
    #[arg(long)]
    pub raw: bool,
}

/// Reads and decodes the value.
///
/// # Errors
/// Any [`Failure`] to open or read the store, or to decode the value.
pub async fn run(args: &GetArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    if args.raw && context.options.is_json_output() {
        let reason = "--raw writes bytes, which a JSON document can't hold";
        return Err(Failure::new(Code::Usage, reason).hint("leave out -o json").into());
    }
    let (progress, key) = (ReadProgress::start(context), Key::parse(&args.key));
    progress.set_key(&key);
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    progress.set_store(store_name(source));
    open_store::warn_of_loss(source, context);
    let mut entries =
        source.read(std::slice::from_ref(&key)).await.map_err(|error| opened.failure(&error))?;
    let Some(entry) = entries.pop().flatten() else {
        return Err(Failure::absent_key(&key, source.name()).into());
    };
    let value = match entry {
        Entry::Damaged { reason, .. } => return Err(corrupt_value(&key, &reason).into()),
        Entry::Intact(value, _) => value,
    };
    let result = match args.raw {
        true => CommandResult::Bytes(raw_bytes(&key, &value)?),
        false => CommandResult::Get(decode_value(key, &value)?),
    };
    Ok(Outcome::done(result))
}

/// Returns the stored bytes, unless they would steer the terminal that standard output is.
fn raw_bytes(key: &Key, value: &Value) -> Result<Vec<u8>, Failure> {
    let steers = |c: char| steers_terminal(c) && !matches!(c, '\n' | '\t');
    let is_text = str::from_utf8(&value.bytes).is_ok_and(|text| !text.contains(steers));
    if is_text || !io::stdout().is_terminal() {
        return Ok(value.bytes.to_vec());
    }
    let reason = format!("the stored bytes of {key} are not text, which a terminal could show");
    Err(Failure::new(Code::Usage, reason)
        .hint("redirect standard output to a file or a pipe")
        .hint("print the value as JSON, without --raw"))
}

fn decode_value(key: Key, value: &Value) -> Result<FetchedValue, Failure> {
    let corrupt = |error: CodecError| {
        corrupt_value(&key, &error.to_string())
            .hint("save the stored bytes to a file: add --raw, then > FILE")
    };
    Ok(FetchedValue {
        version: value.version,
        encoding: codec::encoding(&value.bytes).map_err(corrupt)?.name(),
        value: codec::describe(&key, value).map_err(corrupt)?,
        warning: match codec::check(&key, value) {
            Ok(()) | Err(CodecError::Undecodable(_)) => None,
            Err(error) => Some(format!("{key} {error}")),
        },
        key,
    })
}

fn corrupt_value(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("{key} {reason}"))
}
