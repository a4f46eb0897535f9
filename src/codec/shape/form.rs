//! The forms that the values of a document can have.

use super::text::TextForm;

/// The form of a value.
#[derive(Debug)]
pub(super) enum Shape {
    /// Any value; it is not checked.
    Any,
    Bool,
    Text,
    /// A text that the server parses.
    Parsed(&'static TextForm),
    /// One of these texts, or an object with one of these names and its content.
    Variant(&'static [(&'static str, Option<&'static Shape>)]),
    /// A whole number, with the least and the largest.
    Number(u64, u64),
    /// A whole number, also below zero.
    Integer,
    /// Null, or a value of this form.
    Nullable(&'static Shape),
    /// A value of one of these forms.
    AnyOf(&'static [&'static Shape]),
    List(&'static Shape),
    /// A list that is not empty.
    NonEmptyList(&'static Shape),
    /// A list of exactly two.
    Pair(&'static Shape, &'static Shape),
    /// An object with any names of this form, all values of one form.
    Map(&'static TextForm, &'static Shape),
    Object(&'static [Field]),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) shape: &'static Shape,
}

/// Whether a field may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    /// A server needs it.
    Needed,
    /// A server runs without it, and takes it for something that it seldom is.
    Expected,
    Optional,
}

pub(super) const fn needs(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, need: Need::Needed, shape }
}

pub(super) const fn expects(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, need: Need::Expected, shape }
}

pub(super) const fn may_have(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, need: Need::Optional, shape }
}

pub(super) const U16: Shape = Shape::Number(0, u16::MAX as u64);
pub(super) const U32: Shape = Shape::Number(0, u32::MAX as u64);
pub(super) const U64: Shape = Shape::Number(0, u64::MAX);
pub(super) const POSITIVE: Shape = Shape::Number(1, u64::MAX);

impl Shape {
    /// Describes the form, to be read after "instead of".
    pub(super) fn describe(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Text => "a text".to_owned(),
            Shape::Parsed(form) => form.description.to_owned(),
            Shape::Number(least, u64::MAX) if *least > 0 => {
                format!("a whole number of at least {least}")
            }
            Shape::Number(least, most) => format!("a whole number from {least} to {most}"),
            Shape::Integer => "a whole number".to_owned(),
            Shape::Nullable(shape) => format!("{} or null", shape.describe()),
            Shape::AnyOf(shapes) => {
                let all: Vec<_> = shapes.iter().map(|shape| shape.describe()).collect();
                all.join(" or ")
            }
            Shape::List(_) => "a list".to_owned(),
            Shape::NonEmptyList(_) => "a list that is not empty".to_owned(),
            Shape::Pair(..) => "a list of 2".to_owned(),
            Shape::Map(..) | Shape::Object(_) => "an object".to_owned(),
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
