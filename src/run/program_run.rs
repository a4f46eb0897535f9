//! One run of the program: what its command and the thread that hears of signals share.

use std::ffi::OsString;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
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
use crate::shell::quote_word;
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
    ending: Mutex<Option<Ending>>,
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
            ending: Mutex::default(),
        }
    }

    /// Runs the command, reports its end, and returns the exit code.
    pub(super) fn run_to_end(&self, interruption: &Interruption) -> u8 {
        let outcome = self.run_to_outcome(interruption);
        self.end(&outcome.unwrap_or_else(|error| self.outcome_so_far(into_failure(&error))))
    }

    fn run_to_outcome(&self, interruption: &Interruption) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let command = async {
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
            run_command(&self.cli.command, &context).await
        };
        let outcome = runtime.block_on(run_with_progress(command, &self.progress));
        // Connections that hang must not keep the program from ending.
        runtime.shutdown_background();
        outcome
    }

    /// Opens the file of `--report`, which may be a pipe that waits for its reader.
    async fn open_report(&self, interruption: &Interruption) -> anyhow::Result<()> {
        let Some(path) = self.cli.report_path().map(ToOwned::to_owned) else { return Ok(()) };
        let name = quote_word(&path);
        self.progress.emit(Event::AwaitingFile { name: &name, is_typed: false });
        let opened = tokio::select! {
            opened = run_detached(move || ReportFile::create(&path)) => opened??,
            signal = interruption.wait() => return Err(signal.failure().into()),
        };
        self.progress.emit(Event::FileReady);
        if let Some(warning) = opened.warning() {
            self.progress.emit(Event::Warning(warning));
        }
        *self.lock_report() = Some(opened);
        Ok(())
    }

    fn lock_report(&self) -> MutexGuard<'_, Option<ReportFile>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how the command has ended, once all that is left is to report it.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.lock_ending().clone()
    }

    fn lock_ending(&self) -> MutexGuard<'_, Option<Ending>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the outcome of a command that failed, is stuck, or panicked, as far as it came.
    pub(super) fn outcome_so_far(&self, failure: Failure) -> Outcome {
        self.unfinished.outcome_so_far(failure)
    }

    /// Reports the outcome, once: to the file of `--report` and to the standard streams. Returns the exit code.
    ///
    /// A file that hangs does not keep the outcome from the streams.
    pub(super) fn end(&self, outcome: &Outcome) -> u8 {
        if self.lock_ending().replace(Ending::of(outcome)).is_some() {
            return outcome.exit();
        }
        self.progress.clear_bars();
        let saving = self.save_report(outcome);
        let mut saved = saving.recv_timeout(TIME_TO_SAVE);
        let printed = report::render(outcome, self.style).write(&self.stream, self.style);
        if saved == Err(RecvTimeoutError::Timeout) {
            saved = saving.recv().map_err(RecvTimeoutError::from);
        }
        let saved = saved.unwrap_or_else(|_| Err("the report could not be written".to_owned()));
        if let Ok(Some(warning)) = &saved {
            self.progress.emit(Event::Warning(warning));
        }
        let lost = [saved.map_err(LostOutput::new).err(), printed.err()];
        let code = lost.into_iter().flatten().fold(outcome.exit(), |code, lost| {
            let work = outcome.describe_completed_work();
            lost.with_work(work).report(code, &self.stream)
        });
        self.stream.flush();
        code
    }

    /// Writes the report, if there is one, on a thread of its own, which returns a warning, or why it failed.
    fn save_report(&self, outcome: &Outcome) -> Receiver<Result<Option<String>, String>> {
        let (sender, receiver) = mpsc::channel();
        let report = self.lock_report().take();
        let document = report.is_some().then(|| report::render_document(outcome));
        let continues_earlier = outcome.continues_earlier_report();
        let save = move || {
            let write =
                |report: ReportFile| report.write(&document.unwrap_or_default(), continues_earlier);
            let saved = report.map(write);
            // Nobody may wait any more.
            let _ = sender.send(saved.unwrap_or(Ok(None)));
        };
        // Without a thread, the sender is dropped, which tells as much.
        let _ = std::thread::Builder::new().name("report".to_owned()).spawn(save);
        receiver
    }

    /// Prints a failure that ends the program at once, as far as standard error takes it.
    pub(super) fn print_last_words(&self, failure: Failure) {
        const TIME_TO_PRINT: Duration = Duration::from_millis(200);
        self.stream.print(&report::render_failure(failure, self.style));
        self.stream.flush_for(TIME_TO_PRINT);
    }
}

/// The time that the report may take before the outcome is printed without waiting for it.
const TIME_TO_SAVE: Duration = Duration::from_secs(1);

/// How and when the command has ended.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) at: Instant,
    /// The end of the work, in words.
    pub(super) work: String,
}

impl Ending {
    fn of(outcome: &Outcome) -> Self {
        let work = match (outcome.describe_completed_work(), &outcome.failure) {
            (Some(work), _) => format!("{work} itself is complete"),
            (None, Some(failure)) => format!("the command itself had failed: {}", failure.message),
            (None, None) => "the command itself had ended".to_owned(),
        };
        Ending { at: Instant::now(), work }
    }
}

fn output_options(options: &GlobalOptions) -> (Style, LogOptions) {
    let quiet = options.quiet > 0;
    let style = Style::for_streams(options.output, options.table_style, options.color, quiet);
    let log = LogOptions { quiet, verbose: options.verbose, time_format: options.time_format };
    (style, log)
}

fn into_failure(error: &anyhow::Error) -> Failure {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => Failure::new(Code::Internal, format!("{error:#}")),
    }
}
