//! Holds a document against a shape, and collects every place where it differs.

use super::error::ShapeError;
use super::form::{Field, Need, Shape};
use crate::codec::Tree;
use crate::model::FindingClass;

/// The errors of one document that are kept: a large one may have millions.
const MOST_ERRORS: usize = 10_000;

/// Returns every place at which the document is not of the shape.
pub(super) fn find_mismatches(shape: &Shape, document: &Tree<'_>) -> Vec<ShapeError> {
    let mut walk = Walk { path: Vec::new(), errors: Vec::new() };
    walk.check_value(shape, document);
    walk.errors
}

struct Walk<'a> {
    /// The way to the value that is looked at. It becomes text only for an error: most values have none.
    path: Vec<Step<'a>>,
    errors: Vec<ShapeError>,
}

/// A step from a value to one that it contains.
#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Element(usize),
}

impl<'a> Walk<'a> {
    fn check_value(&mut self, shape: &Shape, value: &'a Tree<'_>) {
        match (shape, value) {
            (Shape::Any, _) | (Shape::Nullable(_), Tree::Null) => {}
            (Shape::Bool, Tree::Bool(_)) | (Shape::Text, Tree::Text(_)) => {}
            (Shape::Parsed(form), Tree::Text(text)) if (form.is_valid)(text) => {}
            (Shape::Integer, Tree::Number(number)) if !number.is_f64() => {}
            (Shape::Number(least, most), Tree::Number(number))
                if number.as_u64().is_some_and(|n| (*least..=*most).contains(&n)) => {}
            (Shape::Nullable(shape), _) => self.check_value(shape, value),
            (Shape::AnyOf(shapes), _)
                if shapes.iter().any(|shape| find_mismatches(shape, value).is_empty()) => {}
            (Shape::NonEmptyList(_), Tree::List(elements)) if elements.is_empty() => {
                self.report_mismatch(shape, value);
            }
            (Shape::List(shape) | Shape::NonEmptyList(shape), Tree::List(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    self.descend(Step::Element(index), |walk| walk.check_value(shape, element));
                }
            }
            (Shape::Pair(first, second), Tree::List(elements)) => match elements.as_slice() {
                [one, two] => {
                    self.descend(Step::Element(0), |walk| walk.check_value(first, one));
                    self.descend(Step::Element(1), |walk| walk.check_value(second, two));
                }
                _ => self.report_mismatch(shape, value),
            },
            (Shape::Map(names, shape), Tree::Object(fields)) => {
                for (name, value) in fields {
                    self.descend(Step::Field(name), |walk| {
                        if !(names.is_valid)(name) {
                            walk.report(format!("is not {}", names.description));
                        }
                        walk.check_value(shape, value);
                    });
                }
            }
            (Shape::Object(fields), Tree::Object(_)) => self.check_fields(fields, value),
            (Shape::Variant(_), _) => self.check_variant(shape, value),
            _ => self.report_mismatch(shape, value),
        }
    }

    fn check_fields(&mut self, fields: &[Field], value: &'a Tree<'_>) {
        for field in fields {
            let step = Step::Field(field.name);
            match (value.get(field.name), field.need) {
                (Some(value), _) => {
                    self.descend(step, |walk| walk.check_value(field.shape, value));
                }
                (None, Need::Needed) => {
                    self.descend(step, |walk| walk.report("is missing".to_owned()));
                }
                (None, Need::Expected) => self.descend(step, Walk::report_unset),
                (None, Need::Optional) => {}
            }
        }
    }

    /// Checks an enum as serde writes it: the name alone, or an object with the name and the content.
    fn check_variant(&mut self, shape: &Shape, value: &'a Tree<'_>) {
        let named = match value {
            Tree::Text(name) => Some((name, None)),
            Tree::Object(fields) if fields.len() == 1 => {
                fields.first().map(|(name, content)| (name, Some(content)))
            }
            _ => None,
        };
        let known = match (shape, named) {
            (Shape::Variant(variants), Some((name, content))) => variants
                .iter()
                .find(|(known, _)| known == name)
                .map(|(name, shape)| (*name, *shape, content)),
            _ => None,
        };
        match known {
            Some((_, None, None)) => {}
            Some((name, Some(shape), Some(content))) => {
                self.descend(Step::Field(name), |walk| walk.check_value(shape, content));
            }
            _ => self.report_mismatch(shape, value),
        }
    }

    fn descend(&mut self, step: Step<'a>, check: impl FnOnce(&mut Walk<'a>)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    /// Returns the JSON pointer of the value that is looked at, by which a patch names the same place.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Field(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Element(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    fn report(&mut self, message: String) {
        self.add(ShapeError::new(self.pointer(), message));
    }

    /// Reports a field that servers run without.
    fn report_unset(&mut self) {
        let error = ShapeError::new(self.pointer(), "is missing");
        self.add(error.of_class(FindingClass::FieldMissing));
    }

    fn add(&mut self, error: ShapeError) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    /// Reports the kind of what is there, and not what it holds: that may be a secret.
    fn report_mismatch(&mut self, shape: &Shape, value: &Tree<'_>) {
        let found = match value {
            Tree::Null => "null".to_owned(),
            Tree::Bool(_) => "true or false".to_owned(),
            // The value of a header, where a text is expected.
            Tree::Number(_) if matches!(shape, Shape::Text | Shape::Parsed(_)) => {
                "a number".to_owned()
            }
            Tree::Number(number) if number.is_f64() => "a number with a fraction".to_owned(),
            Tree::Number(number) if number.is_i64() && !number.is_u64() => {
                "a negative number".to_owned()
            }
            Tree::Number(number) => number.to_string(),
            Tree::Text(_) => "a text".to_owned(),
            Tree::List(elements) => format!("a list of {}", elements.len()),
            Tree::Object(_) => "an object".to_owned(),
        };
        self.report(format!("is {found} instead of {}", shape.describe()));
    }
}
