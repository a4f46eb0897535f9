//! Text of foreign origin, made visible: a terminal shows each character of it and obeys none.
//!
//! Names of clusters, nodes, keys and stores, and the messages of servers, may hold anything. Where such a text
//! stands in a line of ours, [`escape_line`] keeps it from leaving the line. Where text leaves the program,
//! [`escape_text`] is applied once more to all of it, for a place that was forgotten.

use std::borrow::Cow;

/// Returns the text with an escape, such as `\u{1b}` or `\n`, for each character that a terminal would obey.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escape_unless(text, |_| false)
}

/// Returns lines of text with an escape for each character that a terminal would obey, but for line ends.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape_unless(text, |c| c == '\n')
}

fn escape_unless(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    replace_each(text, |c| steers_terminal(c) && !is_kept(c), |c| c.escape_default().to_string())
}

/// Returns the JSON text with `\uXXXX` for each character in it that a terminal would obey; the value that it
/// describes stays the same. Such characters are in strings only, apart from line ends, which are kept.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| steers_terminal(c) && c != '\n';
    replace_each(text, is_escaped, |c| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn replace_each(
    text: &str,
    is_replaced: impl Fn(char) -> bool,
    replace: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_replaced(c) {
            true => replaced.push_str(&replace(c)),
            false => replaced.push(c),
        }
    }
    Cow::Owned(replaced)
}

/// Returns whether a terminal obeys the character, or shows others in another order because of it, or shows
/// nothing for it: control characters, line separators, bidirectional marks, and what Unicode names ignorable.
pub fn steers_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_steer_are_escaped_and_others_are_kept() {
        for (text, line) in [
            ("plain é 日本 ✅", "plain é 日本 ✅"),
            ("a\x1b[2Jb", r"a\u{1b}[2Jb"),
            ("x\n✅ ok\r\ty\0\x7f", r"x\n✅ ok\r\ty\u{0}\u{7f}"),
            ("\u{9b}2J\u{85}", r"\u{9b}2J\u{85}"),
            ("\u{202e}txt\u{2066}\u{200f}\u{61c}", r"\u{202e}txt\u{2066}\u{200f}\u{61c}"),
            ("\u{200b}\u{2028}\u{feff}\u{e0041}", r"\u{200b}\u{2028}\u{feff}\u{e0041}"),
        ] {
            assert_eq!(escape_line(text), line);
            assert_eq!(escape_text(text), line.replace(r"x\n", "x\n"));
        }
    }

    #[test]
    fn escaped_json_describes_the_same_value() {
        let all: String = ('\0'..=char::MAX).filter(|c| steers_terminal(*c)).collect();
        let value = serde_json::json!({"name": all, "plain é": ["\u{e0041}\u{9b}", 1]});
        for text in [value.to_string(), format!("{value:#}")] {
            let escaped = escape_json(&text);
            assert!(!escaped.contains(|c| steers_terminal(c) && c != '\n'));
            assert!(escaped.contains("\\udb40\\udc41") && escaped.contains("plain é"));
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        }
    }
}
