//! The errors, help and version texts of the command-line parser.

use super::rendered::Rendered;
use super::style::Style;
use super::{json, text};
use crate::outcome::{Code, Failure, Outcome};
use crate::visible::escape_text;

/// Renders the parser's message: help and version to standard output, wrong usage as an error.
/// `misplaced_command` replaces the parser's own message if there is one.
pub fn render_usage_error(
    error: &clap::Error,
    misplaced_command: Option<String>,
    as_json: bool,
) -> Rendered {
    let message = escape_text(&error.render().to_string()).into_owned();
    if !error.use_stderr() {
        return Rendered { out: message.into_bytes(), err: String::new() };
    }
    match (misplaced_command, as_json) {
        (Some(message), false) => text::render(&usage_failure(message), Style::PLAIN),
        (None, false) => Rendered { err: message, ..Rendered::default() },
        (misplaced_command, true) => {
            let reason = message.trim().trim_start_matches("error: ").to_owned();
            json::render(&usage_failure(misplaced_command.unwrap_or(reason)))
        }
    }
}

fn usage_failure(message: String) -> Outcome {
    Outcome { failure: Some(Failure::new(Code::Usage, message)), ..Outcome::default() }
}
