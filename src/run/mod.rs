//! Runs the program: parses the command line, runs the command on a thread of its own, and returns the
//! exit code.

mod command;
mod program_run;
mod supervise;

use std::ffi::OsString;

use crate::cli::{self, Cli};
use crate::outcome::exit;
use crate::report::style::Style;
use crate::report::{self, MessageStream};
use program_run::ProgramRun;

/// Runs the program with these command-line words and returns its exit code.
pub fn run_program(words: &[OsString]) -> u8 {
    match Cli::parse_words(words) {
        Ok(cli) => supervise::run_supervised(ProgramRun::new(cli, words.to_vec())),
        Err(error) => report_wrong_usage(&error, words),
    }
}

fn report_wrong_usage(error: &clap::Error, words: &[OsString]) -> u8 {
    let message = cli::misplaced_command_message(error);
    let rendered = report::render_usage_error(error, message, is_json_requested(words));
    let code = u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
    let stream = MessageStream::start();
    let code = match rendered.write(&stream, Style::PLAIN) {
        Ok(()) => code,
        Err(lost) => lost.report(code, &stream),
    };
    stream.flush();
    code
}

/// Returns whether the words ask for JSON, although they can't be parsed as a command line.
fn is_json_requested(words: &[OsString]) -> bool {
    words.iter().enumerate().any(|(index, word)| match word.to_str().and_then(output_value) {
        Some("") => words.get(index + 1).is_some_and(|next| next == "json"),
        value => value == Some("json"),
    })
}

/// Returns the value of `--output` in this word, which is empty if it is the next one; `None` for any other word.
fn output_value(word: &str) -> Option<&str> {
    if let Some(value) = word.strip_prefix("--output") {
        return if value.is_empty() { Some("") } else { value.strip_prefix('=') };
    }
    // Behind options without a value, as in -qo.
    let letters = word.strip_prefix('-')?.trim_start_matches(SWITCHES);
    let value = letters.strip_prefix('o')?;
    Some(value.strip_prefix('=').unwrap_or(value))
}

/// The short options without a value.
const SWITCHES: [char; 4] = ['n', 'q', 'v', 'y'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_in_every_form_of_the_option() {
        let is_asked = |words: &[&str]| {
            is_json_requested(&words.iter().map(OsString::from).collect::<Vec<_>>())
        };
        for words in [
            &["-o", "json"][..],
            &["-ojson"],
            &["-o=json"],
            &["--output", "json"],
            &["--output=json"],
            &["-qo", "json"],
            &["list", "-vyojson", "--bogus"],
            &["-no=json"],
        ] {
            assert!(is_asked(words), "{words:?}");
        }
        for words in [
            &["-o"][..],
            &["json"],
            &["-o", "text", "json"],
            &["--outputs", "json"],
            &["-xo", "json"],
        ] {
            assert!(!is_asked(words), "{words:?}");
        }
    }
}
