//! The look of the output: its format, tables and colours.

use std::io::{self, IsTerminal};

use clap::ValueEnum;

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum OutputFormat {
    Text,
    Json,
}

/// `--table-style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableStyle {
    /// No borders, condensed layout
    Compact,
    /// UTF-8 borders, good for multiline text
    Borders,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// Use colours on a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always use colours
    Always,
    /// Never use colours
    Never,
}

/// The look of one run's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Text or JSON.
    pub output: OutputFormat,
    /// The borders of tables.
    pub table: TableStyle,
    /// `true` if standard output takes colours.
    pub out_color: bool,
    /// `true` if standard error takes colours.
    pub err_color: bool,
    /// `true` if only data and errors are written.
    pub quiet: bool,
    /// The columns of standard output, if it is a terminal.
    pub columns: Option<usize>,
    /// `true` if standard output was a terminal at the start.
    pub out_is_terminal: bool,
}

impl Style {
    /// Plain text without colours, for a destination that is not a terminal.
    pub const PLAIN: Style = Style {
        output: OutputFormat::Text,
        table: TableStyle::Compact,
        out_color: false,
        err_color: false,
        quiet: false,
        columns: None,
        out_is_terminal: false,
    };

    /// Returns the style that fits the options and the streams that the program was started with.
    pub fn for_streams(
        output: OutputFormat,
        table: TableStyle,
        color: ColorChoice,
        quiet: bool,
    ) -> Self {
        Style {
            output,
            table,
            out_color: uses_color(color, io::stdout().is_terminal()),
            err_color: uses_color(color, io::stderr().is_terminal()),
            quiet,
            out_is_terminal: io::stdout().is_terminal(),
            columns: console::Term::stdout().size_checked().map(|(_, columns)| columns.into()),
        }
    }
}

/// Returns whether a stream takes colours.
pub(super) fn uses_color(color: ColorChoice, is_terminal: bool) -> bool {
    let is_disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !is_disabled,
    }
}
