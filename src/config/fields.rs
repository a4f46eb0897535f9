//! The fields of one section by type. A field of another type is a fault at its place; the message
//! names the field and never its value, which may be a secret.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::similar::find_similar;

/// A value and where in the text it is.
pub(super) type WithOffset<T> = (T, usize);

/// The position in the text, and the fault there.
pub(super) type FieldError = (usize, String);

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

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Describes a missing field, with the similar one that the section has.
    pub(super) fn describe_missing(&self, name: &str, needs: &str) -> String {
        let mut alike = self.names().filter(|written| find_similar(written, [name]).is_some());
        let written = alike.next().map(|written| format!("; the section has {written}"));
        format!("{needs}{}", written.unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<WithOffset<String>>, FieldError> {
        self.get(name).map(|value| text(name, "text in quotes", value)).transpose()
    }

    /// Reads a list of texts.
    pub(super) fn texts(
        &self,
        name: &str,
    ) -> Result<Option<WithOffset<Vec<WithOffset<String>>>>, FieldError> {
        const WANTED: &str = "a list of texts in quotes";
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.get_ref().as_array().ok_or_else(|| wrong_type(name, WANTED, value))?;
        let texts = list.iter().map(|item| text(name, WANTED, item)).collect::<Result<_, _>>()?;
        Ok(Some((texts, value.span().start)))
    }

    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, FieldError> {
        const WANTED: &str = "a duration in quotes, such as \"5s\" or \"1m 30s\"";
        let Some(value) = self.get(name) else { return Ok(None) };
        let (written, at) = text(name, WANTED, value)?;
        match humantime::parse_duration(&written) {
            Ok(duration) if !duration.is_zero() => Ok(Some(duration)),
            _ => Err((at, format!("{name} must be {WANTED}, and more than nothing"))),
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, FieldError> {
        let wrong = |value| wrong_type(name, "true or false", value);
        let value = self.get(name);
        value.map(|value| value.get_ref().as_bool().ok_or_else(|| wrong(value))).transpose()
    }

    /// Reads a whole number of at least 1.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, FieldError> {
        const WANTED: &str = "a whole number of at least 1";
        let Some(value) = self.get(name) else { return Ok(None) };
        let written =
            value.get_ref().as_integer().ok_or_else(|| wrong_type(name, WANTED, value))?;
        match u64::from_str_radix(written.as_str(), written.radix()) {
            Ok(count @ 1..) => Ok(Some(count)),
            _ => Err((value.span().start, format!("{name} must be {WANTED}"))),
        }
    }

    /// Reads a number of at least 1.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, FieldError> {
        const WANTED: &str = "a number of at least 1";
        let Some(value) = self.get(name) else { return Ok(None) };
        let written = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return Err(wrong_type(name, WANTED, value)),
        };
        match written.parse() {
            Ok(number) if (1.0..=1e6).contains(&number) => Ok(Some(number)),
            _ => Err((value.span().start, format!("{name} must be {WANTED}"))),
        }
    }

    /// Reads a table inside the section.
    pub(super) fn table(&self, name: &str) -> Result<Option<WithOffset<Fields<'_>>>, FieldError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let table = value.get_ref().as_table().ok_or_else(|| wrong_type(name, "a table", value))?;
        Ok(Some((Fields::new(table), value.span().start)))
    }
}

fn text(
    name: &str,
    wanted: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<(String, usize), FieldError> {
    let text = value.get_ref().as_str().ok_or_else(|| wrong_type(name, wanted, value))?;
    Ok((text.to_owned(), value.span().start))
}

fn wrong_type(name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> FieldError {
    (
        value.span().start,
        format!("{name} must be {wanted}, but is of type {}", value.get_ref().type_str()),
    )
}
