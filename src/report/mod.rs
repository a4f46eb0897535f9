//! The only place that prints: data to standard output, everything else to standard error.

mod file;
mod json;
mod margin;
mod names;
mod plan_table;
mod progress;
mod quiet_time;
mod steps;
mod text;

use std::io::{self, IsTerminal, Write};

use crate::cli::{Color, Global, Output, TableStyle};
use crate::outcome::{Code, Failure, Outcome};
pub use file::ReportFile;
pub use progress::{Log, Progress};

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Text or JSON.
    pub output: Output,
    /// How tables are drawn.
    pub table: TableStyle,
    /// Whether standard output takes colours.
    pub out_color: bool,
    /// Whether standard error takes colours.
    pub err_color: bool,
    /// Whether only data and errors are written.
    pub quiet: bool,
    /// The columns of standard output, where it is a terminal.
    pub columns: Option<usize>,
}

impl Style {
    /// By the options and the terminal.
    pub fn of(global: &Global) -> Self {
        Style {
            output: global.output,
            table: global.table_style,
            out_color: colored(global.color, io::stdout().is_terminal()),
            err_color: colored(global.color, io::stderr().is_terminal()),
            quiet: global.quiet > 0,
            columns: console::Term::stdout().size_checked().map(|(_, columns)| columns.into()),
        }
    }
}

fn colored(color: Color, terminal: bool) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !unwanted,
    }
}

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
        Output::Json => json::render(outcome),
        Output::Text => text::render(outcome, style),
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
pub fn usage(error: &clap::Error, official: Option<String>, as_json: bool) -> Rendered {
    if !error.use_stderr() {
        return Rendered { out: error.render().to_string().into_bytes(), err: String::new() };
    }
    let failure = |message: String| Outcome {
        failure: Some(Failure::new(Code::Usage, message)),
        ..Outcome::default()
    };
    match (official, as_json) {
        (Some(message), false) => text::render(&failure(message), PLAIN),
        (None, false) => Rendered { err: error.render().to_string(), ..Rendered::default() },
        (message, true) => {
            let told = error.render().to_string();
            let told = told.trim().trim_start_matches("error: ").to_owned();
            json::render(&failure(message.unwrap_or(told)))
        }
    }
}

const PLAIN: Style = Style {
    output: Output::Text,
    table: TableStyle::Compact,
    out_color: false,
    err_color: false,
    quiet: false,
    columns: None,
};

#[cfg(test)]
mod tests;
