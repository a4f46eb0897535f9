//! Checks that the servers would read a document back: the fields that their decoders need, and the form
//! of each.
//!
//! There is no source to read this from. The shapes in [`kinds`] were found by writing broken documents to
//! real 1.7.12 servers: they are what these refused, or started with and did not work. An unknown field
//! is skipped, as the servers skip it.

mod form;
mod kinds;

use serde_json::Value as Json;

use crate::model::Key;
use form::{Field, Shape};

/// A value of the new document, and the stored one in its place.
#[derive(Clone, Copy)]
struct Pair<'a> {
    value: &'a Json,
    stored: Option<&'a Json>,
}

impl<'a> Pair<'a> {
    fn new(value: &'a Json, stored: Option<&'a Json>) -> Self {
        Pair { value, stored }
    }
}

/// Checks a document that is to replace `stored`, if anything is stored.
///
/// What is taken over from there unchanged is not judged: a newer server may have written it.
///
/// # Errors
/// The JSON pointer of the first fault, and what is wrong there.
pub fn check_shape(key: &Key, document: &Json, stored: Option<&Json>) -> Result<(), String> {
    let Some(shape) = kinds::shape_of(key) else { return Ok(()) };
    check_value(shape, Pair::new(document, stored), &mut Vec::new())?;
    kinds::check_consistency(key, document)
}

fn check_value(shape: &Shape, pair: Pair<'_>, path: &mut Vec<String>) -> Result<(), String> {
    let Pair { value, stored } = pair;
    if stored == Some(value) {
        return Ok(());
    }
    match (shape, value) {
        (Shape::Any, _) | (Shape::Nullable(_), Json::Null) => Ok(()),
        (Shape::Bool, Json::Bool(_)) | (Shape::Text, Json::String(_)) => Ok(()),
        (Shape::Integer, Json::Number(number)) if !number.is_f64() => Ok(()),
        (Shape::Unsigned(most), Json::Number(number))
            if number.as_u64().is_some_and(|n| n <= *most) =>
        {
            Ok(())
        }
        (Shape::Positive, Json::Number(number)) if number.as_u64().is_some_and(|n| n > 0) => Ok(()),
        (Shape::Nullable(shape), _) => check_value(shape, pair, path),
        (Shape::Replication, Json::String(text)) if is_replication(text) => Ok(()),
        (Shape::NonEmptyList(_), Json::Array(elements)) if elements.is_empty() => {
            Err(describe_mismatch(shape, value, path))
        }
        (Shape::List(shape) | Shape::NonEmptyList(shape), Json::Array(elements)) => {
            check_elements(shape, elements, stored, path)
        }
        (Shape::Pair(..), Json::Array(_)) => check_pair(shape, pair, path),
        (Shape::Map(shape), Json::Object(fields)) => fields.iter().try_for_each(|(name, value)| {
            let stored = stored.and_then(|stored| stored.get(name));
            descend(name, path, |path| check_value(shape, Pair::new(value, stored), path))
        }),
        (Shape::Object(fields), Json::Object(_)) => check_fields(fields, pair, path),
        (Shape::Variant(_), _) => check_variant(shape, pair, path),
        _ => Err(describe_mismatch(shape, value, path)),
    }
}

fn check_pair(shape: &Shape, pair: Pair<'_>, path: &mut Vec<String>) -> Result<(), String> {
    let elements = pair.value.as_array().map_or(&[][..], Vec::as_slice);
    let (Shape::Pair(first, second), [one, two]) = (shape, elements) else {
        return Err(describe_mismatch(shape, pair.value, path));
    };
    let stored_at = |index: usize| pair.stored.and_then(|stored| stored.get(index));
    descend("0", path, |path| check_value(first, Pair::new(one, stored_at(0)), path))?;
    descend("1", path, |path| check_value(second, Pair::new(two, stored_at(1)), path))
}

/// Checks the elements of a list; one that is stored at another place of it is unchanged.
fn check_elements(
    shape: &Shape,
    elements: &[Json],
    stored: Option<&Json>,
    path: &mut Vec<String>,
) -> Result<(), String> {
    let before = stored.and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    for (index, element) in elements.iter().enumerate() {
        let stored = before.get(index);
        if stored != Some(element) && before.contains(element) {
            continue;
        }
        let pair = Pair::new(element, stored);
        descend(&index.to_string(), path, |path| check_value(shape, pair, path))?;
    }
    Ok(())
}

fn check_fields(fields: &[Field], pair: Pair<'_>, path: &mut Vec<String>) -> Result<(), String> {
    for field in fields {
        let stored = pair.stored.and_then(|stored| stored.get(field.name));
        match pair.value.get(field.name) {
            Some(value) => descend(field.name, path, |path| {
                check_value(field.shape, Pair::new(value, stored), path)
            })?,
            None if field.is_needed => {
                return descend(field.name, path, |path| {
                    Err(format!("{} is missing", format_pointer(path)))
                });
            }
            None => {}
        }
    }
    Ok(())
}

/// Checks an enum as serde writes it: the name alone, or an object with the name and the content.
fn check_variant(shape: &Shape, pair: Pair<'_>, path: &mut Vec<String>) -> Result<(), String> {
    let (name, content) = match pair.value {
        Json::String(name) => (name, None),
        Json::Object(fields) => match fields.iter().next() {
            Some((name, content)) if fields.len() == 1 => (name, Some(content)),
            _ => return Err(describe_mismatch(shape, pair.value, path)),
        },
        _ => return Err(describe_mismatch(shape, pair.value, path)),
    };
    let Shape::Variant(variants) = shape else { return Ok(()) };
    let known = variants.iter().find(|(known, _)| known == name);
    match (known, content) {
        (Some((_, None)), None) => Ok(()),
        (Some((_, Some(shape))), Some(content)) => {
            let stored = pair.stored.and_then(|stored| stored.get(name));
            descend(name, path, |path| check_value(shape, Pair::new(content, stored), path))
        }
        _ => Err(describe_mismatch(shape, pair.value, path)),
    }
}

/// Returns whether the text is a count, or counts of nodes, zones and regions in braces.
fn is_replication(text: &str) -> bool {
    let is_count = |text: &str| text.trim().parse::<u8>().is_ok_and(|count| count > 0);
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inner {
        None => is_count(text),
        Some(inner) => inner.split(',').all(|part| {
            part.split_once(':').is_some_and(|(scope, count)| {
                ["node", "zone", "region"].contains(&scope.trim()) && is_count(count)
            })
        }),
    }
}

fn descend<T>(
    name: &str,
    path: &mut Vec<String>,
    check: impl FnOnce(&mut Vec<String>) -> Result<T, String>,
) -> Result<T, String> {
    path.push(name.replace('~', "~0").replace('/', "~1"));
    let result = check(path);
    path.pop();
    result
}

/// Returns the path as a JSON pointer, by which a patch names the same place.
fn format_pointer(path: &[String]) -> String {
    if path.is_empty() { "the document".to_owned() } else { format!("/{}", path.join("/")) }
}

/// Describes the kind of what is there, and not what it holds: that may be a secret.
fn describe_mismatch(shape: &Shape, value: &Json, path: &[String]) -> String {
    let found = match value {
        Json::Null => "null".to_owned(),
        Json::Bool(_) => "true or false".to_owned(),
        Json::Number(number) if number.is_f64() => "a number with a fraction".to_owned(),
        Json::Number(number) if number.is_i64() && !number.is_u64() => {
            "a negative number".to_owned()
        }
        Json::Number(number) => number.to_string(),
        Json::String(_) => "a text".to_owned(),
        Json::Array(elements) => format!("a list of {}", elements.len()),
        Json::Object(_) => "an object".to_owned(),
    };
    format!("{} is {found} instead of {}", format_pointer(path), shape.describe())
}

#[cfg(test)]
mod tests;
