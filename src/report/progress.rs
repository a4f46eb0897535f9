//! Events on standard error as they come: a bar per stage on a terminal, elsewhere one line per
//! stage.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Style;
use super::text::{CYAN, GREEN, RED, YELLOW, paint, warning};
use crate::preflight::{Finding, Status};
use crate::watch::{Event, Stage, Watch};

/// Draws events.
pub struct Progress {
    style: Style,
    terminal: bool,
    stages: Mutex<HashMap<Stage, Running>>,
}

struct Running {
    store: String,
    since: Instant,
    keys: u64,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// On standard error.
    pub fn new(style: Style) -> Self {
        Progress { style, terminal: io::stderr().is_terminal(), stages: Mutex::default() }
    }

    fn bar(&self, stage: Stage) -> Option<ProgressBar> {
        if !self.terminal || self.style.quiet {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(doing(stage));
        Some(bar)
    }

    fn line(&self, text: &str) {
        if !self.style.quiet {
            // Nobody may be reading any more, and that stops nothing.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    fn finished(&self, stage: Stage, running: &Running) -> String {
        format!(
            "{} {}: {} keys, {} in {:.2} s\n",
            done(stage),
            running.store,
            running.keys,
            HumanBytes(running.bytes),
            running.since.elapsed().as_secs_f64()
        )
    }

    fn finding(&self, finding: &Finding) -> String {
        let (word, color) = match finding.status {
            Status::Ok => ("ok", GREEN),
            Status::Failed => ("FAILED", RED),
            Status::Warning => ("warning", YELLOW),
            Status::Skipped => ("skipped", CYAN),
        };
        let word = paint(&format!("{word:<7}"), color, self.style.err_color);
        let mut text = format!("check {:<15} {word} {}\n", finding.check.name(), finding.detail);
        for item in &finding.items {
            text.push_str(&format!("        - {item}\n"));
        }
        if finding.status == Status::Warning {
            for hint in &finding.hints {
                text.push_str(&format!("        {hint}\n"));
            }
        }
        text
    }
}

impl Watch for Progress {
    fn on(&self, event: Event<'_>) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
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
