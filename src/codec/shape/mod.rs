//! Whether the servers would read a document back: which fields their decoders need, and of which form.
//!
//! There is no source to read this from. The shapes in [`kinds`] were found by writing broken
//! documents to real 1.7.12 servers, and say what these refused, or started with and did not work. A
//! field that is not known here is passed over, as the servers pass it over.

mod kinds;

use serde_json::Value as Json;

use crate::model::Key;

/// The form of a value.
#[derive(Debug)]
enum Shape {
    /// Not looked at.
    Any,
    Bool,
    Text,
    /// One of these texts, or an object with one of these names and its content.
    Variant(&'static [(&'static str, Option<&'static Shape>)]),
    /// A whole number from 0 to this one.
    Unsigned(u64),
    /// A whole number from 1 on, of 64 bits.
    Positive,
    /// A whole number.
    Integer,
    /// May be null.
    Nullable(&'static Shape),
    List(&'static Shape),
    /// A list that is not empty.
    NonEmptyList(&'static Shape),
    /// A replication property, such as `{node: 2}`.
    Replication,
    /// A list of exactly two.
    Pair(&'static Shape, &'static Shape),
    /// Any names, all of one form.
    Map(&'static Shape),
    Object(&'static [Field]),
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    /// Whether a server needs it.
    needed: bool,
    shape: &'static Shape,
}

const fn needs(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, needed: true, shape }
}

const fn may_have(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, needed: false, shape }
}

/// Checks a document that is to replace `stored`, if anything is stored. What is taken over from
/// there unchanged is not judged: a newer server may have written it.
///
/// # Errors
/// Where the first fault is, as a path, and what it is.
pub fn check_shape(key: &Key, document: &Json, stored: Option<&Json>) -> Result<(), String> {
    let Some(shape) = kinds::shape_of(key) else { return Ok(()) };
    fits(shape, document, stored, &mut Vec::new())?;
    kinds::make_sense(key, document)
}

fn fits(
    shape: &Shape,
    value: &Json,
    stored: Option<&Json>,
    path: &mut Vec<String>,
) -> Result<(), String> {
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
        (Shape::Nullable(shape), value) => fits(shape, value, stored, path),
        (Shape::Replication, Json::String(text)) if is_replication(text) => Ok(()),
        (Shape::NonEmptyList(_), Json::Array(elements)) if elements.is_empty() => {
            Err(wrong(shape, value, path))
        }
        (Shape::List(shape) | Shape::NonEmptyList(shape), Json::Array(elements)) => {
            list(shape, elements, stored, path)
        }
        (Shape::Pair(first, second), Json::Array(pair)) => match pair.as_slice() {
            [one, two] => {
                let stored_at = |index: usize| stored.and_then(|stored| stored.get(index));
                at("0", path, |path| fits(first, one, stored_at(0), path))?;
                at("1", path, |path| fits(second, two, stored_at(1), path))
            }
            _ => Err(wrong(shape, value, path)),
        },
        (Shape::Map(shape), Json::Object(fields)) => fields.iter().try_for_each(|(name, value)| {
            let stored = stored.and_then(|stored| stored.get(name));
            at(name, path, |path| fits(shape, value, stored, path))
        }),
        (Shape::Object(fields), Json::Object(_)) => object(fields, value, stored, path),
        (Shape::Variant(variants), _) => variant(shape, variants, value, stored, path),
        _ => Err(wrong(shape, value, path)),
    }
}

/// An element may have another place than it had.
fn list(
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
        at(&index.to_string(), path, |path| fits(shape, element, stored, path))?;
    }
    Ok(())
}

fn object(
    fields: &[Field],
    value: &Json,
    stored: Option<&Json>,
    path: &mut Vec<String>,
) -> Result<(), String> {
    for field in fields {
        let stored = stored.and_then(|stored| stored.get(field.name));
        match value.get(field.name) {
            Some(value) => at(field.name, path, |path| fits(field.shape, value, stored, path))?,
            None if field.needed => {
                return at(field.name, path, |path| Err(format!("{} is missing", told(path))));
            }
            None => {}
        }
    }
    Ok(())
}

/// As serde writes an enum: the name alone, or an object with the name and the content.
fn variant(
    shape: &Shape,
    variants: &[(&'static str, Option<&'static Shape>)],
    value: &Json,
    stored: Option<&Json>,
    path: &mut Vec<String>,
) -> Result<(), String> {
    let (name, content) = match value {
        Json::String(name) => (name, None),
        Json::Object(fields) => match fields.iter().next() {
            Some((name, content)) if fields.len() == 1 => (name, Some(content)),
            _ => return Err(wrong(shape, value, path)),
        },
        _ => return Err(wrong(shape, value, path)),
    };
    let known = variants.iter().find(|(known, _)| known == name);
    match (known, content) {
        (Some((_, None)), None) => Ok(()),
        (Some((_, Some(shape))), Some(content)) => {
            let stored = stored.and_then(|stored| stored.get(name));
            at(name, path, |path| fits(shape, content, stored, path))
        }
        _ => Err(wrong(shape, value, path)),
    }
}

/// A count, or counts of nodes, zones, regions in braces.
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

fn at<T>(
    name: &str,
    path: &mut Vec<String>,
    go: impl FnOnce(&mut Vec<String>) -> Result<T, String>,
) -> Result<T, String> {
    path.push(name.replace('~', "~0").replace('/', "~1"));
    let result = go(path);
    path.pop();
    result
}

/// As a JSON pointer, which is what a patch calls the place.
fn told(path: &[String]) -> String {
    if path.is_empty() { "the document".to_owned() } else { format!("/{}", path.join("/")) }
}

/// Names the kind of what is there, and not what it holds: that may be a secret.
fn wrong(shape: &Shape, value: &Json, path: &[String]) -> String {
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
    format!("{} is {found} instead of {}", told(path), shape.words())
}

impl Shape {
    fn words(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Text => "a text".to_owned(),
            Shape::Unsigned(most) => format!("a whole number from 0 to {most}"),
            Shape::Positive => "a whole number from 1 on".to_owned(),
            Shape::Integer => "a whole number".to_owned(),
            Shape::Nullable(shape) => format!("{} or null", shape.words()),
            Shape::List(_) => "a list".to_owned(),
            Shape::NonEmptyList(_) => "a list that is not empty".to_owned(),
            Shape::Replication => "a replication such as \"{node: 2}\"".to_owned(),
            Shape::Pair(..) => "a list of 2".to_owned(),
            Shape::Map(_) | Shape::Object(_) => "an object".to_owned(),
            Shape::Variant(variants) => {
                let known = variants.iter().map(|(name, content)| match content {
                    None => format!("{name:?}"),
                    Some(_) => format!("{{{name:?}: …}}"),
                });
                format!("one of {}", known.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
