//! One run of the program: what its command and the thread that hears of signals share.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::command::{run_command, run_with_progress};
use crate::blocking::run_detached;
use crate::cli::Cli;
use crate::commands::{Context, UnfinishedSlot};
use crate::events::{Event, EventSink, InterimReport};
use crate::options::GlobalOptions;
use crate::outcome::{Code, Failure, Outcome};
use crate::report::style::Style;
use crate::report::{self, LostOutput, MessageStream, ProgressReporter, ReportFile};
use crate::terminal::log::{LogOptions, start_logging};
use crate::terminal::signals::Interruption;

/// A run of the program.
pub(super) struct ProgramRun {
    cli: Cli,
    words: Vec<OsString>,
    style: Style,
    stream: MessageStream,
    progress: ProgressReporter,
    report: Mutex<Option<ReportFile>>,
    unfinished: UnfinishedSlot,
    started: Instant,
    has_ended: AtomicBool,
}

impl ProgramRun {
    /// Prepares the run of a command line, and the log.
    pub(super) fn new(cli: Cli, words: Vec<OsString>) -> Self {
        let (style, log) = output_options(&cli.options);
        let stream = MessageStream::start();
        let progress = ProgressReporter::new(style, stream.clone());
        let log_lines = progress.log_writer();
        start_logging(log, move || log_lines.clone());
        ProgramRun {
            cli,
            words,
            style,
            stream,
            progress,
            report: Mutex::default(),
            unfinished: UnfinishedSlot::default(),
            started: Instant::now(),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Runs the command, reports its end, and returns the exit code.
    pub(super) fn run_to_end(&self, interruption: &Interruption) -> u8 {
        let outcome = self.run_to_outcome(interruption);
        self.end(&outcome.unwrap_or_else(|error| failed_outcome(&error)))
    }

    fn run_to_outcome(&self, interruption: &Interruption) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(async {
            self.open_report(interruption).await?;
            let report = self.lock_report().clone();
            let context = Context {
                options: &self.cli.options,
                events: &self.progress,
                report: report.as_ref().map(|report| report as &dyn InterimReport),
                interruption,
                unfinished: &self.unfinished,
                command_line: &self.words,
                started: self.started,
            };
            let command = run_command(&self.cli.command, &context);
            run_with_progress(command, &self.progress).await
        });
        // Connections that hang must not keep the program from ending.
        runtime.shutdown_background();
        outcome
    }

    /// Opens the file of `--report`, which may be a pipe that waits for its reader.
    async fn open_report(&self, interruption: &Interruption) -> anyhow::Result<()> {
        let Some(path) = self.cli.report_path().map(ToOwned::to_owned) else { return Ok(()) };
        let opened = tokio::select! {
            opened = run_detached(move || ReportFile::create(&path)) => opened??,
            signal = interruption.wait() => return Err(signal.failure().into()),
        };
        if let Some(warning) = opened.warning() {
            self.progress.emit(Event::Warning(warning));
        }
        *self.lock_report() = Some(opened);
        Ok(())
    }

    fn lock_report(&self) -> MutexGuard<'_, Option<ReportFile>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the command has ended, and all that is left is to report it.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    /// Returns the outcome of a command that does not end by itself: it is stuck, or it panicked.
    pub(super) fn outcome_so_far(&self, failure: Failure) -> Outcome {
        self.unfinished.outcome_so_far(failure)
    }

    /// Reports the outcome, once: to the file of `--report` and to the standard streams. Returns the exit code.
    pub(super) fn end(&self, outcome: &Outcome) -> u8 {
        let code = outcome.exit();
        if self.has_ended.swap(true, Ordering::SeqCst) {
            return code;
        }
        self.progress.clear_bars();
        let report = self.lock_report().take();
        let saved = report.map_or(Ok(()), |report| report.write(outcome));
        let printed = report::render(outcome, self.style).write(&self.stream, self.style);
        let lost = [saved.map_err(LostOutput::new).err(), printed.err()];
        let code = lost.into_iter().flatten().fold(code, |code, lost| {
            let work = outcome.describe_completed_work();
            lost.with_work(work).report(code, &self.stream)
        });
        self.stream.flush(None);
        code
    }

    /// Prints a last message, as far as standard error takes it at once.
    pub(super) fn print_last_words(&self, message: &str) {
        const TIME_TO_PRINT: Duration = Duration::from_millis(200);
        self.stream.print_error(message);
        self.stream.flush(Some(TIME_TO_PRINT));
    }
}

fn output_options(options: &GlobalOptions) -> (Style, LogOptions) {
    let quiet = options.quiet > 0;
    let style = Style::for_streams(options.output, options.table_style, options.color, quiet);
    let log = LogOptions { quiet, verbose: options.verbose, time_format: options.time_format };
    (style, log)
}

fn failed_outcome(error: &anyhow::Error) -> Outcome {
    let failure = match error.downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => Failure::new(Code::Internal, format!("{error:#}")),
    };
    Outcome { result: None, failure: Some(failure) }
}
