//! `metadata patch`: applies an RFC 6902 patch to one value.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::blocking::run_detached;
use crate::commands::Context;
use crate::commands::edit::{self, Edit, EditArgs, JsonText};
use crate::commands::input::is_standard_input;
use crate::outcome::{Code, Failure, Outcome};
use crate::pipeline::edit::Patch;
use crate::shell::quote_word;

const EXAMPLES: &str = r#"Examples:
  # Show what would change:
  restatectl metadata patch -k pp_epoch_0 -n -p '[{"op": "replace", "path": "/epoch", "value": 9}]'
  # From a file, and only if the stored value has version 4:
  restatectl metadata patch -k bifrost_config --version 4 -p @patch.json
  # From standard input, so that a secret in it stands on no command line:
  restatectl metadata patch -k schema_registry -p - < patch.json"#;

/// Arguments of `metadata patch`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata patch [OPTIONS] --key <KEY> --patch <PATCH>")]
pub struct PatchArgs {
    #[command(flatten)]
    edit: EditArgs,

    /// Apply this patch: JSON, @FILE to read it from a file, or - for standard input
    ///
    /// A patch is a JSON list of operations, such as '[{"op": "replace", "path": "/a", "value": 1}]'.
    #[arg(short = 'p', long, value_name = "PATCH")]
    patch: OsString,
}

/// Applies the patch and writes the result back.
///
/// # Errors
/// None; a failure is in the outcome.
pub async fn run(args: &PatchArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    edit::run(&args.edit, load_patch(args, context), context).await
}

async fn load_patch(args: &PatchArgs, context: &Context<'_>) -> Result<Edit, Failure> {
    let file = args.patch.as_bytes().strip_prefix(b"@").map(OsStr::from_bytes);
    let input = file.or_else(|| is_standard_input(&args.patch).then_some(&args.patch));
    let Some(input) = input else { return parse_inline_patch(&args.patch).await };
    let JsonText { text, name } =
        edit::read_json_text(input, "--patch", &args.edit, context).await?;
    Patch::parse(&text).map(Edit::Patch).map_err(|reason| invalid_patch(&name, &reason))
}

/// Parses a patch that stands on the command line. No patch begins like the name of a file.
async fn parse_inline_patch(word: &OsStr) -> Result<Edit, Failure> {
    let patch = word.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(Patch::parse);
    let reason = match patch {
        Ok(patch) => return Ok(Edit::Patch(patch)),
        Err(reason) => reason,
    };
    let path = Path::new(word).to_owned();
    let failure = invalid_patch("--patch", &reason);
    match run_detached(move || path.is_file()).await {
        Ok(true) => {
            let file = quote_word(word);
            Err(failure
                .hint(format!("to read the patch from the file {file}, pass --patch @{file}")))
        }
        _ => Err(failure),
    }
}

fn invalid_patch(name: &str, reason: &str) -> Failure {
    Failure::new(Code::Usage, format!("{name} is not a JSON patch: {reason}"))
        .hint("pass a list of operations as in RFC 6902, each with op, path, and value or from")
}
