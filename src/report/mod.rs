//! Output: the only module that prints. Data goes to standard output, everything else to standard error.
//!
//! It knows outcomes, events and the model, and neither the command line nor the commands.

mod awaited_condition;
mod bar_style;
mod changes;
mod color;
mod description;
mod findings;
mod json;
mod key_names;
mod margin_terminal;
mod message_stream;
mod next_steps;
mod patient_write;
mod plan_summary;
mod plan_table;
mod progress;
mod quiet_time;
mod rendered;
mod report_file;
mod run_json;
mod stage_names;
mod status_json;
mod status_text;
pub mod style;
mod table;
mod text;
mod undo;
mod usage_error;

use crate::outcome::{CommandResult, Failure, Outcome};
use crate::visible::escape_text;
pub use message_stream::MessageStream;
pub use progress::{LogWriter, ProgressReporter};
pub use rendered::{LostOutput, Rendered};
pub use report_file::ReportFile;
use style::{OutputFormat, Style};
pub use usage_error::render_usage_error;

/// Renders an outcome as text or JSON. But for the bytes of a value, nothing in it steers a terminal.
pub fn render(outcome: &Outcome, style: Style) -> Rendered {
    let rendered = match style.output {
        OutputFormat::Json => json::render(outcome),
        OutputFormat::Text => text::render(outcome, style),
    };
    let out = match &outcome.result {
        Some(CommandResult::Bytes(_)) => rendered.out,
        _ => escape_text(&String::from_utf8_lossy(&rendered.out)).into_owned().into_bytes(),
    };
    Rendered { out, err: color::escape_painted(&rendered.err, style.err_color) }
}

/// Renders the JSON document of an outcome.
pub fn render_document(outcome: &Outcome) -> Vec<u8> {
    json::render(outcome).out
}

/// Renders a failure as text for people.
pub fn render_failure(failure: Failure, style: Style) -> String {
    render(
        &Outcome { result: None, failure: Some(failure) },
        Style { output: OutputFormat::Text, ..style },
    )
    .err
}

#[cfg(test)]
mod tests;
