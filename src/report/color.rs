//! Colours on a terminal, and the labels that begin errors, hints and warnings.

use super::style::Style;
use crate::visible::{escape_line, escape_text};

/// The SGR parameters of an ANSI escape sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Color(&'static str);

pub(super) const BOLD_RED: Color = Color("31;1");
pub(super) const GREEN: Color = Color("32");
pub(super) const YELLOW: Color = Color("33");
pub(super) const CYAN: Color = Color("36");
const RESET: Color = Color("0");

/// The character that begins a control sequence.
const ESCAPE: char = '\x1b';

/// Returns the text in this colour if the stream takes colours.
pub(super) fn paint_text(text: &str, color: Color, colored: bool) -> String {
    let painted = || format!("{ESCAPE}[{}m{text}{ESCAPE}[{}m", color.0, RESET.0);
    if colored { painted() } else { text.to_owned() }
}

/// Makes visible whatever in the text would steer a terminal, but for line ends, and for the colours of this
/// module if the stream takes them. Foreign parts of the text were made visible before; this is for those that
/// were forgotten.
pub(super) fn escape_painted(text: &str, colored: bool) -> String {
    let mut pieces = text.split(ESCAPE);
    let mut shown = escape_text(pieces.next().unwrap_or_default()).into_owned();
    for piece in pieces {
        let own = [BOLD_RED, GREEN, YELLOW, CYAN, RESET].into_iter().find_map(|color| {
            let rest = piece.strip_prefix('[')?.strip_prefix(color.0)?.strip_prefix('m')?;
            Some((color, rest)).filter(|_| colored)
        });
        match own {
            Some((color, rest)) => {
                shown.push_str(&format!("{ESCAPE}[{}m{}", color.0, escape_text(rest)));
            }
            None => shown.push_str(&format!("{}{}", ESCAPE.escape_default(), escape_text(piece))),
        }
    }
    shown
}

/// Returns a `warning:` line.
pub(super) fn warning_line(message: &str, style: Style) -> String {
    let label = paint_text("warning:", YELLOW, style.err_color);
    format!("{label} {}\n", escape_line(message))
}

/// Returns a `warning:` line for each of the messages.
pub(super) fn warning_lines<'a>(
    messages: impl IntoIterator<Item = &'a String>,
    style: Style,
) -> String {
    messages.into_iter().map(|message| warning_line(message, style)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_colours_and_line_ends_reach_a_terminal() {
        let label = paint_text("error:", BOLD_RED, true);
        let text = format!("{label} a\x1b[2Jb\x1b\x1b]0;x\x07\r\x1b[5m\n\x1b[31;1");
        let rest = r" a\u{1b}[2Jb\u{1b}\u{1b}]0;x\u{7}\r\u{1b}[5m";
        assert_eq!(escape_painted(&text, true), format!("{label}{rest}\n\\u{{1b}}[31;1"));
        assert!(!escape_painted(&text, false).contains(ESCAPE));
        assert_eq!(escape_painted("\x1b", true), r"\u{1b}");
    }
}
