//! The fields of one section by type. A field of another type is a fault at its place; the message
//! names the field and never its value, which may be a secret.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::parse_duration;
use super::similar::find_similar;

const DURATION: &str = "a duration in quotes, such as \"5s\" or \"1m 30s\"";

/// A value and where in the text it is.
pub(super) type WithOffset<T> = (T, usize);

/// The position in the text, and the fault there.
pub(super) type FieldError = (usize, String);

pub(super) struct Fields<'a> {
    named: Vec<(&'a str, &'a Spanned<DeValue<'a>>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a DeTable<'a>) -> Self {
        let named = table.iter().map(|(name, value)| (name.get_ref().as_ref(), value));
        Fields { named: named.collect() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| *name)
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

    fn get(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.named.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<WithOffset<String>>, FieldError> {
        self.text_as(name, "text in quotes")
    }

    /// Reads a text, which messages call `wanted`.
    pub(super) fn text_as(
        &self,
        name: &str,
        wanted: &str,
    ) -> Result<Option<WithOffset<String>>, FieldError> {
        self.get(name).map(|value| text(name, wanted, value)).transpose()
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
        let Some((written, at)) = self.text_as(name, DURATION)? else { return Ok(None) };
        let wrong = || (at, format!("{name} must be {DURATION}"));
        parse_duration(&written).ok_or_else(wrong).map(Some)
    }

    /// Reads a duration that may not be zero.
    pub(super) fn timeout(&self, name: &str) -> Result<Option<Duration>, FieldError> {
        let at = self.get(name).map(|value| value.span().start).unwrap_or_default();
        match self.duration(name)? {
            Some(Duration::ZERO) => Err((at, format!("{name} must be more than zero"))),
            duration => Ok(duration),
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, FieldError> {
        let wrong = |value| wrong_type(name, "true or false", value);
        let value = self.get(name);
        value.map(|value| value.get_ref().as_bool().ok_or_else(|| wrong(value))).transpose()
    }

    /// Returns a whole number; `None` inside if it is negative or too large.
    pub(super) fn integer(&self, name: &str) -> Option<WithOffset<Option<u64>>> {
        let value = self.get(name)?;
        let written = value.get_ref().as_integer()?;
        let number = i64::from_str_radix(written.as_str(), written.radix()).ok();
        Some((number.and_then(|number| u64::try_from(number).ok()), value.span().start))
    }

    /// Reads a whole number of at least 1.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, FieldError> {
        const WANTED: &str = "a whole number of at least 1";
        let Some(value) = self.get(name) else { return Ok(None) };
        match self.integer(name).ok_or_else(|| wrong_type(name, WANTED, value))? {
            (Some(count @ 1..), _) => Ok(Some(count)),
            (_, at) => Err((at, format!("{name} must be {WANTED}"))),
        }
    }

    /// Reads a number, in the precision that the server keeps.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, FieldError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number as f32),
            DeValue::Float(number) => {
                number.as_str().parse::<f64>().ok().map(|number| number as f32)
            }
            _ => return Err(wrong_type(name, "a number", value)),
        };
        let wrong = || (value.span().start, format!("{name} must be a number"));
        number.map(|number| Some(number.into())).ok_or_else(wrong)
    }

    /// Reads a table inside the section, or a list whose items stand for `names`: of the first
    /// list of names that begins with the same text and is as long.
    pub(super) fn table_or_list(
        &self,
        name: &str,
        forms: &[&[&'static str]],
    ) -> Result<Option<WithOffset<Fields<'a>>>, FieldError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let at = value.span().start;
        let fields = match value.get_ref() {
            DeValue::Table(table) => Fields::new(table),
            DeValue::Array(items) => {
                let kind = items.first().and_then(|item| item.get_ref().as_str());
                let form = forms.iter().find(|form| form.first().copied() == kind);
                let names = form.filter(|form| form.len() == items.len());
                let names = names.ok_or_else(|| wrong_type(name, "a table", value))?;
                let names = std::iter::once("type").chain(names.iter().skip(1).copied());
                Fields { named: names.zip(items.iter()).collect() }
            }
            _ => return Err(wrong_type(name, "a table", value)),
        };
        Ok(Some((fields, at)))
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
