//! A table as TOML with escapes: each entry is one line, and no character of it steers a terminal.
//!
//! The usual writer prefers forms that people like to read: texts over several lines, and literal ones, in which
//! nothing can be escaped.

use toml::{Table, Value};

use crate::visible::steers_terminal;

/// Returns the section with this name.
pub(super) fn write_section(name: &str, table: &Table) -> String {
    let entries = table.iter().map(|(key, value)| format!("\n{}", write_entry(key, value)));
    format!("[{name}]{}", entries.collect::<String>())
}

fn write_entry(key: &str, value: &Value) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let key = match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => write_text(key),
    };
    format!("{key} = {}", write_value(value))
}

fn write_value(value: &Value) -> String {
    match value {
        Value::String(text) => write_text(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(write_value).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| write_entry(key, value));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        number_or_time => number_or_time.to_string(),
    }
}

fn write_text(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if steers_terminal(c) => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_section_is_the_same_toml_and_steers_no_terminal() {
        let hostile = "a\n[other]\r\x1b[2J\u{9b}\u{7f}\u{202e}\u{e0041}'\\\"é";
        let inner = Table::from_iter([("type".to_owned(), hostile.into())]);
        let table = Table::from_iter([
            (hostile.to_owned(), Value::Array(vec![hostile.into(), 1.into(), 1.5.into()])),
            ("bare-key".to_owned(), true.into()),
            (String::new(), Value::Table(inner)),
        ]);
        let text = write_section("metadata-client", &table);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(!text.contains(|c| steers_terminal(c) && c != '\n'), "{text}");
        let read: Table = toml::from_str(&text).unwrap();
        assert_eq!(read["metadata-client"], Value::Table(table));
        assert!(toml_1_0::ImDocument::parse(text).is_ok());
    }
}
