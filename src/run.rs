//! Runs the program: parses the command line, runs the command, and returns the exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use clap::CommandFactory;

use crate::cli::{self, Cli, Command, MetadataCommand};
use crate::commands::{Context, backup, completions, get, list, migrate, patch, put, verify};
use crate::options::GlobalOptions;
use crate::outcome::{Code, Failure, Outcome, exit};
use crate::report::style::Style;
use crate::report::{self, ProgressReporter, Rendered, ReportFile};
use crate::terminal::log::{LogOptions, start_logging};
use crate::terminal::signals;

/// Runs the program with these command-line words and returns its exit code.
pub fn run_program(words: &[OsString]) -> u8 {
    let cli = match Cli::parse_words(words) {
        Ok(cli) => cli,
        Err(error) => return report_wrong_usage(&error, words),
    };
    let (style, log) = output_options(&cli.options);
    let progress = ProgressReporter::new(style);
    let log_lines = progress.log_writer();
    start_logging(log, move || log_lines.clone());
    let report = match cli.report_path().map(ReportFile::create).transpose() {
        Ok(report) => report,
        Err(failure) => {
            return report_outcome(&Outcome { result: None, failure: Some(failure) }, style);
        }
    };
    let outcome = run_to_outcome(&cli, words, &progress);
    drop(progress);
    let saved = report.map_or(Ok(()), |report| report.write(&outcome));
    let code = report_outcome(&outcome, style);
    match saved {
        Ok(()) => code,
        Err(reason) => report_lost_output(code, &reason),
    }
}

fn output_options(options: &GlobalOptions) -> (Style, LogOptions) {
    let quiet = options.quiet > 0;
    let style = Style::for_streams(options.output, options.table_style, options.color, quiet);
    let log = LogOptions { quiet, verbose: options.verbose, time_format: options.time_format };
    (style, log)
}

fn run_to_outcome(cli: &Cli, words: &[OsString], progress: &ProgressReporter) -> Outcome {
    let run = || -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let command = run_command(cli, words, progress);
        let outcome = runtime.block_on(run_with_progress(command, progress));
        // Connections that hang must not keep the program from ending.
        runtime.shutdown_background();
        outcome
    };
    run().unwrap_or_else(|error| failed_outcome(&error))
}

/// Runs the command until it ends or a signal ends it.
async fn run_command(
    cli: &Cli,
    command_line: &[OsString],
    progress: &ProgressReporter,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let context = Context { options: &cli.options, events: progress, command_line, started };
    let command = match &cli.command {
        Command::Completions(args) => return completions::run(args, Cli::command()),
        Command::Metadata { command } => command,
    };
    match command {
        // Commands that write handle signals themselves: they report what has been written.
        MetadataCommand::Migrate(args) => migrate::run(args, &context).await,
        MetadataCommand::Patch(args) => patch::run(args, &context).await,
        MetadataCommand::Put(args) => put::run(args, &context).await,
        MetadataCommand::Verify(args) => run_until_signal(verify::run(args, &context)).await,
        MetadataCommand::List(args) => run_until_signal(list::run(args, &context)).await,
        MetadataCommand::Get(args) => run_until_signal(get::run(args, &context)).await,
        MetadataCommand::Backup(args) => run_until_signal(backup::run(args, &context)).await,
    }
}

/// Runs a command that writes nothing, so that a signal needs no report of what was written.
async fn run_until_signal(
    command: impl Future<Output = anyhow::Result<Outcome>>,
) -> anyhow::Result<Outcome> {
    tokio::select! {
        outcome = command => outcome,
        signal = signals::wait_for_signal() => Err(signal?.failure().into()),
    }
}

/// Runs `command`, reporting every second which store is still being waited for.
async fn run_with_progress<T>(command: impl Future<Output = T>, progress: &ProgressReporter) -> T {
    const REPORT_INTERVAL: Duration = Duration::from_secs(1);
    let mut command = pin!(command);
    loop {
        match tokio::time::timeout(REPORT_INTERVAL, &mut command).await {
            Ok(outcome) => return outcome,
            Err(_) => progress.report_waiting(),
        }
    }
}

fn failed_outcome(error: &anyhow::Error) -> Outcome {
    let failure = match error.downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => Failure::new(Code::Internal, format!("{error:#}")),
    };
    Outcome { result: None, failure: Some(failure) }
}

fn report_wrong_usage(error: &clap::Error, words: &[OsString]) -> u8 {
    let message = cli::misplaced_command_message(error);
    let rendered = report::render_usage_error(error, message, is_json_requested(words));
    let code = u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
    write_output(&rendered, code)
}

/// Returns whether the words ask for JSON, although they can't be parsed as a command line.
fn is_json_requested(words: &[OsString]) -> bool {
    let single_words = ["-ojson", "-o=json", "--output=json"];
    words.iter().any(|word| single_words.iter().any(|single| word == single))
        || words.windows(2).any(|pair| {
            matches!(pair, [option, value] if (option == "-o" || option == "--output") && value == "json")
        })
}

fn report_outcome(outcome: &Outcome, style: Style) -> u8 {
    write_output(&report::render(outcome, style), outcome.exit())
}

fn write_output(rendered: &Rendered, code: u8) -> u8 {
    match rendered.write() {
        Ok(()) => code,
        Err(error) => {
            report_lost_output(code, &format!("failed to write to standard output: {error}"))
        }
    }
}

/// Reports that the command is done, but that not all of its output has been written.
fn report_lost_output(code: u8, reason: &str) -> u8 {
    let _ = writeln!(io::stderr(), "error: {reason}");
    if code == exit::DONE { exit::FAILED } else { code }
}
