//! Progress on standard error. On a terminal each running stage has a bar, which a line with a tick
//! replaces at its end; elsewhere only that line is printed.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::awaited_condition::AwaitedCondition;
use super::bar_style::BarStyle;
use super::color::{BOLD_RED, CYAN, GREEN, YELLOW, escape_painted, paint_text, warning_line};
use super::margin_terminal::MarginTerminal;
use super::message_stream::MessageStream;
use super::plan_summary::summarize_actions;
use super::quiet_time::QuietTime;
use super::stage_names::{activity_name, finished_activity_name};
use super::style::Style;
use crate::events::{Event, EventSink, Stage};
use crate::model::StoppedMembers;
use crate::outcome::{CheckStatus, Finding};
use crate::shell::quote_word;
use crate::visible::escape_line;
use crate::wording::{format_bytes, plural};

const FRAMES_PER_SECOND: u8 = 20;
const SPINNER_INTERVAL: Duration = Duration::from_millis(200);

/// Draws events.
pub struct ProgressReporter {
    style: Style,
    is_terminal: bool,
    bar_style: BarStyle,
    bars: MultiProgress,
    stream: MessageStream,
    stages: Mutex<HashMap<Stage, RunningStage>>,
    quiet_time: Mutex<QuietTime>,
    /// The file, pipe or stream that is awaited, if one is.
    input: Mutex<Option<String>>,
    /// The condition that is awaited, if one is.
    awaited: Mutex<Option<AwaitedCondition>>,
}

struct RunningStage {
    store: String,
    started: Instant,
    keys: usize,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl ProgressReporter {
    /// Creates a reporter that draws on standard error.
    pub fn new(style: Style, stream: MessageStream) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let is_terminal = io::stderr().is_terminal() && !is_dumb;
        let draw_target = if is_terminal {
            let terminal = Box::new(MarginTerminal::new(stream.clone()));
            ProgressDrawTarget::term_like_with_hz(terminal, FRAMES_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        ProgressReporter {
            style,
            is_terminal,
            bar_style: BarStyle::from_environment(),
            bars: MultiProgress::with_draw_target(draw_target),
            stream,
            stages: Mutex::default(),
            quiet_time: Mutex::new(QuietTime::start(Some(Instant::now()))),
            input: Mutex::default(),
            awaited: Mutex::default(),
        }
    }

    /// Reports the stores that have not responded for a while. To be called every second.
    pub fn report_waiting(&self) {
        // Who is waited for is shown already.
        if lock(&self.awaited).is_some() {
            return;
        }
        let due = lock(&self.quiet_time).take_report(Instant::now());
        if let Some(duration) = due {
            let duration = humantime::format_duration(duration);
            let stores = self.describe_waiting();
            self.print_line(&format!("waiting for {stores}: no response for {duration}\n"));
        }
    }

    fn describe_waiting(&self) -> String {
        if let Some(input) = lock(&self.input).clone() {
            return input;
        }
        let stages = lock(&self.stages);
        let mut stores: Vec<_> = stages
            .iter()
            .map(|(stage, running)| {
                let activity = activity_name(*stage);
                let keys = plural(running.keys, "key");
                format!("{} ({activity}, {keys} so far)", running.store)
            })
            .collect();
        stores.sort_unstable();
        if stores.is_empty() { "the servers".to_owned() } else { stores.join(" and ") }
    }

    /// Returns a writer to standard error for lines that do not disturb the bars.
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { bars: self.bars.clone(), stream: self.stream.clone() }
    }

    /// Tells whoever is at the terminal that they are waited for.
    fn await_file(&self, name: &str, is_typed: bool) {
        *lock(&self.input) = Some(name.to_owned());
        if is_typed {
            self.print_line(&format!(
                "reading {name}: type or paste the text, then press Ctrl-D\n"
            ));
        }
    }

    /// Prints why the condition does not hold yet, once and when that changes; a terminal also shows for how long.
    fn await_condition(&self, condition: &str, reasons: &str) {
        let mut awaited = lock(&self.awaited);
        let start =
            || AwaitedCondition::start(self.add_spinner(self.bar_style.wait_style(), condition));
        if awaited.get_or_insert_with(start).change_reasons(reasons) {
            self.print_line(&format!("waiting for {condition}: {}\n", escape_line(reasons)));
        }
    }

    /// Removes the bars of stages that an interruption has left unfinished.
    pub fn clear_bars(&self) {
        *lock(&self.awaited) = None;
        for bar in lock(&self.stages).drain().filter_map(|(_, running)| running.bar) {
            bar.finish_and_clear();
        }
    }

    fn add_bar(&self, stage: Stage) -> Option<ProgressBar> {
        self.add_spinner(self.bar_style.spinner_style(), activity_name(stage))
    }

    fn add_spinner(&self, style: ProgressStyle, message: &str) -> Option<ProgressBar> {
        if !self.is_terminal || self.style.quiet {
            return None;
        }
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(style);
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(SPINNER_INTERVAL);
        Some(bar)
    }

    fn print_line(&self, text: &str) {
        if !self.style.quiet {
            let text = escape_painted(text, self.style.err_color);
            self.bars.suspend(|| self.stream.send(text.as_bytes()));
        }
    }

    fn print_always(&self, text: &str) {
        let text = escape_painted(text, self.style.err_color);
        self.bars.suspend(|| self.stream.send_always(text.as_bytes()));
    }

    fn start_stage(&self, stage: Stage, store: &str) {
        let running = RunningStage {
            store: escape_line(store).into_owned(),
            started: Instant::now(),
            keys: 0,
            bytes: 0,
            bar: self.add_bar(stage),
        };
        lock(&self.stages).insert(stage, running);
    }

    fn set_total(&self, stage: Stage, total: usize) {
        if let Some(bar) = lock(&self.stages).get(&stage).and_then(|running| running.bar.as_ref()) {
            bar.set_length(total as u64);
            bar.set_style(self.bar_style.bar_style());
        }
    }

    /// Prints each member with the end of its log, and what else is known of them.
    fn print_members(&self, members: &StoppedMembers) {
        for member in &members.members {
            self.print_line(&format!("found {}\n", escape_line(&member.to_string())));
        }
        for warning in &members.warnings {
            self.print_line(&warning_line(warning, self.style));
        }
    }

    fn count_key(&self, stage: Stage, bytes: u64) {
        if let Some(running) = lock(&self.stages).get_mut(&stage) {
            running.keys += 1;
            running.bytes += bytes;
            if let Some(bar) = &running.bar {
                bar.inc(1);
            }
        }
    }

    fn finish_stage(&self, stage: Stage) {
        let Some(running) = lock(&self.stages).remove(&stage) else { return };
        if let Some(bar) = &running.bar {
            bar.finish_and_clear();
        }
        self.print_line(&format!(
            "{}{} {}: {}, {} in {:.2} s\n",
            self.tick_prefix(),
            finished_activity_name(stage),
            running.store,
            plural(running.keys, "key"),
            format_bytes(running.bytes),
            running.started.elapsed().as_secs_f64()
        ));
    }

    /// Returns the tick before a finished stage. Only a terminal shows one.
    fn tick_prefix(&self) -> String {
        if !self.is_terminal {
            return String::new();
        }
        let sign = self.bar_style.tick_sign();
        format!("{} ", paint_text(sign, GREEN, self.style.err_color))
    }

    fn render_finding(&self, finding: &Finding) -> String {
        let (word, color) = match finding.status {
            CheckStatus::Ok => ("ok", GREEN),
            CheckStatus::Failed => ("FAILED", BOLD_RED),
            CheckStatus::Warning => ("warning", YELLOW),
            CheckStatus::Skipped => ("skipped", CYAN),
        };
        let word = paint_text(&format!("{word:<7}"), color, self.style.err_color);
        let (name, detail) = (finding.check.name(), escape_line(&finding.detail));
        let mut text = format!("check {name:<15} {word} {detail}\n");
        for item in &finding.items {
            text.push_str(&format!("        - {}\n", escape_line(item)));
        }
        if finding.status == CheckStatus::Warning {
            for hint in &finding.hints {
                text.push_str(&format!("        {}\n", escape_line(hint)));
            }
        }
        text
    }
}

impl EventSink for ProgressReporter {
    fn emit(&self, event: Event<'_>) {
        let is_waiting_for_operator =
            matches!(event, Event::Asking(_) | Event::AwaitingFile { is_typed: true, .. });
        let quiet_since = (!is_waiting_for_operator).then(Instant::now);
        *lock(&self.quiet_time) = QuietTime::start(quiet_since);
        match event {
            Event::Asking(question) => self.print_always(question),
            Event::Answered => {}
            Event::FileReady => *lock(&self.input) = None,
            Event::AwaitingFile { name, is_typed } => self.await_file(name, is_typed),
            Event::Started(stage, store) => self.start_stage(stage, store),
            Event::Total(stage, total) => self.set_total(stage, total),
            Event::Key(stage, bytes) => self.count_key(stage, bytes),
            Event::Finished(stage) => self.finish_stage(stage),
            Event::Finding(finding) => self.print_line(&self.render_finding(finding)),
            Event::Planned(plan) => {
                self.print_line(&format!("plan: {}\n", summarize_actions(plan, true)));
            }
            Event::BackedUp(path, keys) => {
                let (keys, path) = (plural(keys, "key"), quote_word(path));
                self.print_line(&format!("saved the target's {keys} to {path}\n"));
            }
            Event::Awaiting { condition, reasons } => self.await_condition(condition, reasons),
            Event::Awaited => *lock(&self.awaited) = None,
            Event::SourceSaved(path, keys) => {
                let (keys, path) = (plural(keys, "key"), quote_word(path));
                self.print_line(&format!("saved the source's {keys} to {path}\n"));
            }
            Event::StoppedMembers(members) => self.print_members(members),
            Event::Warning(text) => self.print_line(&warning_line(text, self.style)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A writer to standard error that hides the bars while it writes. It never fails: the log's library
/// would print its failure to the same stream, and panic.
#[derive(Clone)]
pub struct LogWriter {
    bars: MultiProgress,
    stream: MessageStream,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| self.stream.send(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
