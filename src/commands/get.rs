//! `metadata get`: one value.

use clap::builder::NonEmptyStringValueParser;

use crate::codec;
use crate::commands::{Context, open_store, store_arg};
use crate::model::{Entry, Key};
use crate::outcome::{Code, CommandResult, Failure, FetchedValue, Outcome};

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

    /// Read this store instead of the running cluster: a TOML or backup file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<String>,

    /// Write the exact stored bytes instead of JSON
    #[arg(long)]
    pub raw: bool,
}

/// Reads and decodes the value.
///
/// # Errors
/// Any [`Failure`] of opening, reading or decoding.
pub async fn run(args: &GetArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    if args.raw && context.options.is_json_output() {
        let reason = "--raw writes bytes, which no JSON document can hold; leave out -o json";
        return Err(Failure::new(Code::Usage, reason).into());
    }
    let from = store_arg::load_optional(args.from.as_deref(), context)?;
    let opened = open_store::open_source(from, context).await?;
    let key = Key::parse(&args.key);
    let source = opened.source();
    let mut entries =
        source.read(std::slice::from_ref(&key)).await.map_err(|error| opened.failure(&error))?;
    let Some(entry) = entries.pop().flatten() else {
        let reason = format!("the key {key} does not exist in {}", source.name());
        return Err(Failure::new(Code::KeyNotFound, reason)
            .hint("`metadata list` shows the keys that exist")
            .into());
    };
    let (bytes, gotten) = match entry {
        Entry::Damaged { reason, .. } => return Err(corrupt(&key, &reason).into()),
        Entry::Intact(value, _) => (value.bytes.clone(), value),
    };
    if args.raw {
        return Ok(Outcome::done(CommandResult::Bytes(bytes.to_vec())));
    }
    let read = |error: codec::CodecError| {
        corrupt(&key, &error.to_string()).hint("--raw writes the bytes as they are")
    };
    Ok(Outcome::done(CommandResult::Get(FetchedValue {
        version: gotten.version,
        encoding: codec::encoding(&gotten.bytes).map_err(read)?.name(),
        value: codec::describe(&key, &gotten).map_err(read)?,
        warning: match codec::check(&key, &gotten) {
            Ok(()) | Err(codec::CodecError::Undecodable(_)) => None,
            Err(fault) => Some(format!("{key} {fault}")),
        },
        key,
    })))
}

fn corrupt(key: &Key, reason: &str) -> Failure {
    Failure::new(Code::ValueCorrupt, format!("{key} {reason}"))
}
