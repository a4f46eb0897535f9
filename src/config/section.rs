//! The section as the user wrote it, without its secrets.

use std::fmt;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::escaped_toml::write_section;
use crate::visible::steers_terminal;

/// The name of the section.
pub(super) const SECTION: &str = "metadata-client";

/// The word that is printed in place of a secret. A configuration that has it is refused.
pub(super) const REDACTED: &str = "<redacted>";

/// A `[metadata-client]` section without its secrets. Two are equal if they say the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Section(Table);

impl Section {
    pub(super) fn without_secrets(table: &DeTable<'_>) -> Section {
        Section(shown_table(table))
    }

    /// Returns a field that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = Table::from_iter([(SECTION.to_owned(), Value::Table(self.0.clone()))]);
        let text = toml::to_string_pretty(&document).map_err(|_| fmt::Error)?;
        let has_long_text = ["\"\"\"", "'''"].iter().any(|quotes| text.contains(quotes));
        match has_long_text || text.contains(|c| steers_terminal(c) && c != '\n') {
            true => f.write_str(&write_section(SECTION, &self.0)),
            false => f.write_str(text.trim_end()),
        }
    }
}

fn shown_table(table: &DeTable<'_>) -> Table {
    table
        .iter()
        .map(|(name, value)| {
            let name = name.get_ref().to_string();
            let value = if is_secret(&name) {
                Value::String(REDACTED.to_owned())
            } else {
                shown_value(value.get_ref())
            };
            (name, value)
        })
        .collect()
}

fn shown_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(without_userinfo(text)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::String(number.to_string()), Value::Float)
        }
        DeValue::Boolean(answer) => Value::Boolean(*answer),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| shown_value(item.get_ref())).collect())
        }
        DeValue::Table(table) => Value::Table(shown_table(table)),
    }
}

/// Returns whether the field is a known secret, or one that a later version may name like one.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "token", "password"].iter().any(|word| name.contains(word))
}

/// Removes the user name and password that may stand in front of an address's host.
pub(crate) fn without_userinfo(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(s, r)| (s, r));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        None => address.to_owned(),
        Some((_, host)) if scheme.is_empty() => format!("{REDACTED}@{host}{path}"),
        Some((_, host)) => format!("{scheme}://{REDACTED}@{host}{path}"),
    }
}
