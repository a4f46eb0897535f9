//! Colours on a terminal, and the labels that begin errors, hints and warnings.

use super::style::Style;

/// The SGR parameters of an ANSI escape sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Color(&'static str);

pub(super) const BOLD_RED: Color = Color("31;1");
pub(super) const GREEN: Color = Color("32");
pub(super) const YELLOW: Color = Color("33");
pub(super) const CYAN: Color = Color("36");

/// Returns the text in this colour if the stream takes colours.
pub(super) fn paint_text(text: &str, color: Color, colored: bool) -> String {
    if colored { format!("\x1b[{}m{text}\x1b[0m", color.0) } else { text.to_owned() }
}

/// Returns a `warning:` line.
pub(super) fn warning_line(message: &str, style: Style) -> String {
    format!("{} {message}\n", paint_text("warning:", YELLOW, style.err_color))
}

/// Returns a `warning:` line for each of the messages.
pub(super) fn warning_lines<'a>(
    messages: impl IntoIterator<Item = &'a String>,
    style: Style,
) -> String {
    messages.into_iter().map(|message| warning_line(message, style)).collect()
}
