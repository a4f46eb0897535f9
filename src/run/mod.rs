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
    let single_words = ["-ojson", "-o=json", "--output=json"];
    words.iter().any(|word| single_words.iter().any(|single| word == single))
        || words.windows(2).any(|pair| {
            matches!(pair, [option, value] if (option == "-o" || option == "--output") && value == "json")
        })
}
