//! The only place that prints: data to standard output, everything else to standard error.

mod json;
mod margin;
mod names;
mod plan_table;
mod progress;
mod quiet_time;
mod report_file;
mod steps;
pub mod style;
mod text;

use std::io::{self, Write};

use crate::outcome::{Code, Failure, Outcome};
pub use progress::{Log, ProgressReporter};
pub use report_file::ReportFile;
use style::{OutputFormat, Style};

/// What goes to standard output and to standard error.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Data.
    pub out: Vec<u8>,
    /// Status and errors.
    pub err: String,
}

/// The whole of an outcome.
pub fn render(outcome: &Outcome, style: Style) -> Rendered {
    match style.output {
        OutputFormat::Json => json::render(outcome),
        OutputFormat::Text => text::render(outcome, style),
    }
}

/// Writes it. A closed pipe is no failure: nobody wants to read more.
///
/// # Errors
/// Any other failure of standard output, such as a full disk.
pub fn write(rendered: &Rendered) -> io::Result<()> {
    let _ = io::stderr().lock().write_all(rendered.err.as_bytes());
    let mut out = io::stdout().lock();
    match out.write_all(&rendered.out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// What clap has to say: help and version to standard output, wrong usage as an error.
pub fn render_usage_error(
    error: &clap::Error,
    official: Option<String>,
    as_json: bool,
) -> Rendered {
    if !error.use_stderr() {
        return Rendered { out: error.render().to_string().into_bytes(), err: String::new() };
    }
    let failure = |message: String| Outcome {
        failure: Some(Failure::new(Code::Usage, message)),
        ..Outcome::default()
    };
    match (official, as_json) {
        (Some(message), false) => text::render(&failure(message), Style::PLAIN),
        (None, false) => Rendered { err: error.render().to_string(), ..Rendered::default() },
        (message, true) => {
            let told = error.render().to_string();
            let told = told.trim().trim_start_matches("error: ").to_owned();
            json::render(&failure(message.unwrap_or(told)))
        }
    }
}

#[cfg(test)]
mod tests;
