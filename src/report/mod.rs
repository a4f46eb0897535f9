//! Output: the only module that prints. Data goes to standard output, everything else to standard error.
//!
//! It knows outcomes, events and the model, and neither the command line nor the commands.

mod bar_style;
mod color;
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
pub mod style;
mod table;
mod text;
mod undo;
mod usage_error;

use crate::outcome::Outcome;
pub use message_stream::MessageStream;
pub use progress::{LogWriter, ProgressReporter};
pub use rendered::{LostOutput, Rendered};
pub use report_file::ReportFile;
use style::{OutputFormat, Style};
pub use usage_error::render_usage_error;

/// Renders an outcome as text or JSON.
pub fn render(outcome: &Outcome, style: Style) -> Rendered {
    match style.output {
        OutputFormat::Json => json::render(outcome),
        OutputFormat::Text => text::render(outcome, style),
    }
}

#[cfg(test)]
mod tests;
