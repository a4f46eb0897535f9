//! From the words of a command line to an exit code.

use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use clap::Parser;

use crate::cli::{self, Cli};
use crate::commands;
use crate::log;
use crate::outcome::{Code, Failure, Outcome, exit};
use crate::report::{self, Progress, Rendered, ReportFile, Style};

/// Runs the program.
pub fn program(words: &[String]) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error, words),
    };
    let style = Style::of(&cli.global);
    let progress = Progress::new(style);
    log::start(&cli.global, &progress);
    let report = match cli.report().map(ReportFile::open).transpose() {
        Ok(report) => report,
        Err(failure) => return told(&Outcome { subject: None, failure: Some(failure) }, style),
    };
    let outcome = command(&cli, words, &progress).unwrap_or_else(|error| failed(&error));
    drop(progress);
    let written = report.map_or(Ok(()), |report| report.write(&outcome));
    match (told(&outcome, style), written) {
        (code, Ok(())) => code,
        (code, Err(reason)) => unwritten(code, &reason),
    }
}

fn told(outcome: &Outcome, style: Style) -> u8 {
    finish(&report::render(outcome, style), outcome.exit())
}

/// The command is done, but not all of what it has to say arrived.
fn unwritten(code: u8, reason: &str) -> u8 {
    let _ = writeln!(io::stderr(), "error: {reason}");
    if code == exit::DONE { exit::FAILED } else { code }
}

fn command(cli: &Cli, words: &[String], progress: &Progress) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(watched(commands::run(cli, progress, words), progress));
    // Connections that hang must not keep the program from ending.
    runtime.shutdown_background();
    outcome
}

/// Someone who waits long is told what for, whatever it is that does not answer.
async fn watched<T>(command: impl Future<Output = T>, progress: &Progress) -> T {
    const SECOND: Duration = Duration::from_secs(1);
    let mut command = pin!(command);
    loop {
        match tokio::time::timeout(SECOND, &mut command).await {
            Ok(outcome) => return outcome,
            Err(_) => progress.still_waiting(),
        }
    }
}

fn failed(error: &anyhow::Error) -> Outcome {
    let failure = match error.downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => Failure::new(Code::Internal, format!("{error:#}")),
    };
    Outcome { subject: None, failure: Some(failure) }
}

fn wrong_usage(error: &clap::Error, words: &[String]) -> u8 {
    let rendered = report::usage(error, cli::command_elsewhere(error), wants_json(words));
    let code = u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
    finish(&rendered, code)
}

/// The command line can't be parsed, and yet says how its reader wants to be told so.
fn wants_json(words: &[String]) -> bool {
    let alone = ["-ojson", "-o=json", "--output=json"];
    words.iter().any(|word| alone.contains(&word.as_str()))
        || words.windows(2).any(|pair| {
            matches!(pair, [option, value] if ["-o", "--output"].contains(&option.as_str()) && value == "json")
        })
}

fn finish(rendered: &Rendered, code: u8) -> u8 {
    match report::write(rendered) {
        Ok(()) => code,
        Err(error) => unwritten(code, &format!("failed to write to standard output: {error}")),
    }
}
