//! The fields of one section by type. A field of another type is a fault at its place; the message
//! names the field and never its value, which may be a secret.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where in the text it is.
pub(super) type Placed<T> = (T, usize);

/// Where in the text, and what is wrong there.
pub(super) type Fault = (usize, String);

pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a DeTable<'a>) -> Self {
        Fields { table }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(|name| name.get_ref().as_ref())
    }

    fn get(&self, name: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<Placed<String>>, Fault> {
        self.get(name).map(|value| text(name, "text in quotes", value)).transpose()
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Placed<Vec<Placed<String>>>>, Fault> {
        const WANTED: &str = "a list of texts in quotes";
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.get_ref().as_array().ok_or_else(|| wrong_type(name, WANTED, value))?;
        let texts = list.iter().map(|item| text(name, WANTED, item)).collect::<Result<_, _>>()?;
        Ok(Some((texts, value.span().start)))
    }

    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Fault> {
        const WANTED: &str = "a duration in quotes, such as \"5s\" or \"1m 30s\"";
        let Some(value) = self.get(name) else { return Ok(None) };
        let (written, at) = text(name, WANTED, value)?;
        match humantime::parse_duration(&written) {
            Ok(duration) if !duration.is_zero() => Ok(Some(duration)),
            _ => Err((at, format!("{name} must be {WANTED}, and more than nothing"))),
        }
    }
}

fn text(name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Result<(String, usize), Fault> {
    let text = value.get_ref().as_str().ok_or_else(|| wrong_type(name, wanted, value))?;
    Ok((text.to_owned(), value.span().start))
}

fn wrong_type(name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Fault {
    (
        value.span().start,
        format!("{name} must be {wanted}, but is of type {}", value.get_ref().type_str()),
    )
}
