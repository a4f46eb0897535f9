//! Events on standard error as they come: on a terminal a bar for each stage that is under way, which
//! gives way to a line with a tick; elsewhere only the line.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState,
    ProgressStyle,
};

use super::margin::Margin;
use super::quiet_time::QuietTime;
use super::style::Style;
use super::text::{CYAN, GREEN, RED, YELLOW, paint, warning};
use crate::events::{Event, EventSink, Stage};
use crate::outcome::{CheckStatus, Finding};

/// Draws events.
pub struct ProgressReporter {
    style: Style,
    terminal: bool,
    unicode: bool,
    bars: MultiProgress,
    stages: Mutex<HashMap<Stage, Running>>,
    quiet_time: Mutex<QuietTime>,
}

struct Running {
    store: String,
    since: Instant,
    keys: u64,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl ProgressReporter {
    /// On standard error.
    pub fn new(style: Style) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let terminal = io::stderr().is_terminal() && !dumb;
        let target = match terminal {
            true => ProgressDrawTarget::term_like_with_hz(Box::new(Margin::new()), 20),
            false => ProgressDrawTarget::hidden(),
        };
        ProgressReporter {
            style,
            terminal,
            unicode: locale_is_utf8(|name| std::env::var(name).ok()),
            bars: MultiProgress::with_draw_target(target),
            stages: Mutex::default(),
            quiet_time: Mutex::new(QuietTime::starting(Some(Instant::now()))),
        }
    }

    /// To be called every second: tells someone who waits long what for.
    pub fn still_waiting(&self) {
        let due = locked(&self.quiet_time).due(Instant::now());
        if let Some(lasted) = due {
            let lasted = humantime::format_duration(lasted);
            let waiting_for = self.waiting_for();
            self.line(&format!("waiting for {waiting_for}: no answer for {lasted}\n"));
        }
    }

    fn waiting_for(&self) -> String {
        let stages = locked(&self.stages);
        let mut told: Vec<_> = stages
            .iter()
            .map(|(stage, running)| {
                format!("{} ({}, {} keys so far)", running.store, doing(*stage), running.keys)
            })
            .collect();
        told.sort_unstable();
        if told.is_empty() { "the servers".to_owned() } else { told.join(" and ") }
    }

    /// Standard error for lines that others write, between the bars and not through them.
    pub fn log(&self) -> Log {
        Log(self.bars.clone())
    }

    fn bar(&self, stage: Stage) -> Option<ProgressBar> {
        if !self.terminal || self.style.quiet {
            return None;
        }
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(self.counting());
        bar.set_message(doing(stage));
        bar.enable_steady_tick(Duration::from_millis(200));
        Some(bar)
    }

    /// While it is not known how many there are.
    fn counting(&self) -> ProgressStyle {
        let style = ProgressStyle::with_template("{msg:24} {spinner} {pos} keys {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        if self.unicode { style } else { style.tick_chars("|/-\\ ") }
    }

    /// Once it is known.
    fn measuring(&self) -> ProgressStyle {
        let template = "{msg:24} [{wide_bar}] {pos}/{len} {rate:>7} {left:>9}";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{:.0}/s", state.per_sec());
        });
        let style = style.with_key("left", |state: &ProgressState, text: &mut dyn fmt::Write| {
            // The first keys tell little of the pace.
            if state.elapsed() >= Duration::from_secs(1) {
                let _ = write!(text, "{:#} left", HumanDuration(state.eta()));
            }
        });
        style.progress_chars(if self.unicode { "█▌ " } else { "=> " })
    }

    /// In front of what is done, where someone looks on.
    fn tick(&self) -> String {
        let sign = if self.unicode { "✓" } else { "ok" };
        match self.terminal {
            true => format!("{} ", paint(sign, GREEN, self.style.err_color)),
            false => String::new(),
        }
    }

    fn line(&self, text: &str) {
        if !self.style.quiet {
            // Nobody may be reading any more, and that stops nothing.
            let _ = self.log().write_all(text.as_bytes());
        }
    }

    fn finished(&self, stage: Stage, running: &Running) -> String {
        format!(
            "{}{} {}: {} keys, {} in {:.2} s\n",
            self.tick(),
            done(stage),
            running.store,
            running.keys,
            HumanBytes(running.bytes),
            running.since.elapsed().as_secs_f64()
        )
    }

    fn finding(&self, finding: &Finding) -> String {
        let (word, color) = match finding.status {
            CheckStatus::Ok => ("ok", GREEN),
            CheckStatus::Failed => ("FAILED", RED),
            CheckStatus::Warning => ("warning", YELLOW),
            CheckStatus::Skipped => ("skipped", CYAN),
        };
        let word = paint(&format!("{word:<7}"), color, self.style.err_color);
        let mut text = format!("check {:<15} {word} {}\n", finding.check.name(), finding.detail);
        for item in &finding.items {
            text.push_str(&format!("        - {item}\n"));
        }
        if finding.status == CheckStatus::Warning {
            for hint in &finding.hints {
                text.push_str(&format!("        {hint}\n"));
            }
        }
        text
    }
}

impl EventSink for ProgressReporter {
    fn emit(&self, event: Event<'_>) {
        let asking = matches!(event, Event::Asking);
        *locked(&self.quiet_time) = QuietTime::starting((!asking).then(Instant::now));
        let mut stages = locked(&self.stages);
        match event {
            Event::Asking | Event::Answered => {}
            Event::Started(stage, store) => {
                let bar = self.bar(stage);
                let store = store.to_owned();
                stages.insert(
                    stage,
                    Running { store, since: Instant::now(), keys: 0, bytes: 0, bar },
                );
            }
            Event::Total(stage, total) => {
                if let Some(bar) = stages.get(&stage).and_then(|running| running.bar.as_ref()) {
                    bar.set_length(total as u64);
                    bar.set_style(self.measuring());
                }
            }
            Event::Key(stage, bytes) => {
                if let Some(running) = stages.get_mut(&stage) {
                    running.keys += 1;
                    running.bytes += bytes;
                    if let Some(bar) = &running.bar {
                        bar.inc(1);
                    }
                }
            }
            Event::Finished(stage) => {
                if let Some(running) = stages.remove(&stage) {
                    if let Some(bar) = &running.bar {
                        bar.finish_and_clear();
                    }
                    self.line(&self.finished(stage, &running));
                }
            }
            Event::Finding(finding) => self.line(&self.finding(finding)),
            Event::Planned(plan) => {
                self.line(&format!("plan: {}\n", super::text::counts(plan, true)))
            }
            Event::BackedUp(path, keys) => {
                let path = path.display();
                self.line(&format!("saved what the target held, {keys} keys, to {path}\n"));
            }
            Event::Warning(text) => self.line(&warning(text, self.style)),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run may be interrupted in the midst of a stage.
impl Drop for ProgressReporter {
    fn drop(&mut self) {
        let stages = self.stages.get_mut().unwrap_or_else(PoisonError::into_inner);
        for bar in stages.drain().filter_map(|(_, running)| running.bar) {
            bar.finish_and_clear();
        }
    }
}

/// See [`ProgressReporter::log`].
#[derive(Clone)]
pub struct Log(MultiProgress);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// The first of the variables that is set decides, as in the C library.
fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set);
    let locale = name.and_then(variable).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadSource => "reading the source",
        Stage::ReadTarget => "reading the target",
        Stage::Write => "writing",
        Stage::ReadBack => "reading back",
        Stage::ReadSourceAgain => "reading the source again",
    }
}

fn done(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadSource => "read",
        Stage::ReadTarget => "read",
        Stage::Write => "wrote to",
        Stage::ReadBack => "read back",
        Stage::ReadSourceAgain => "read again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_is_that_of_the_c_library() {
        let utf8 = |set: &[(&str, &str)]| {
            locale_is_utf8(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]) && utf8(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(utf8(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8")]));
        assert!(!utf8(&[]) && !utf8(&[("LANG", "C")]));
        assert!(!utf8(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]));
    }
}
