//! The JSON texts of an edit: a document or a patch, from a file or from standard input.

use std::ffi::OsStr;
use std::io::{self, Read};

use super::args::EditArgs;
use crate::commands::Context;
use crate::commands::input::{is_standard_input, name_input, read_input};
use crate::commands::text_encoding::decode_text;
use crate::outcome::{Code, Failure};

/// The largest document in bytes: a value has at most 30 MiB, and its JSON is a few times as large.
const LARGEST_DOCUMENT: u64 = 256 << 20;

/// A JSON text, and how messages call it.
pub struct JsonText {
    /// The text.
    pub text: String,
    /// The file, or standard input.
    pub name: String,
}

/// Reads the JSON text that the argument names; `option` is how the argument is called.
///
/// # Errors
/// [`Code::Usage`] if it can't be read, is too large or not UTF-8, or if standard input is read twice.
pub async fn read_json_text(
    argument: &OsStr,
    option: &str,
    args: &EditArgs,
    context: &Context<'_>,
) -> Result<JsonText, Failure> {
    if is_standard_input(argument) && args.from.as_deref().is_some_and(is_standard_input) {
        let reason = format!("only one of {option} and --from can be read from standard input");
        return Err(Failure::new(Code::Usage, reason));
    }
    let name = name_input(argument);
    let bytes = read_input(argument, read_document, context).await.map_err(|error| {
        Failure::new(Code::Usage, format!("failed to read {option} from {name}: {error}"))
    })?;
    match decode_text(bytes) {
        Ok(text) => Ok(JsonText { text, name }),
        Err(reason) => Err(Failure::new(Code::Usage, format!("{name} {reason}"))),
    }
}

fn read_document(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_DOCUMENT {
        true => Err(io::Error::other("it is larger than any value")),
        false => Ok(bytes),
    }
}
