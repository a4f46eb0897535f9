//! The forms that the values of a document can have.

/// The form of a value.
#[derive(Debug)]
pub(super) enum Shape {
    /// Any value; it is not checked.
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
    /// Null, or a value of this form.
    Nullable(&'static Shape),
    List(&'static Shape),
    /// A list that is not empty.
    NonEmptyList(&'static Shape),
    /// A replication property, such as `{node: 2}`.
    Replication,
    /// A list of exactly two.
    Pair(&'static Shape, &'static Shape),
    /// An object with any names, all values of one form.
    Map(&'static Shape),
    Object(&'static [Field]),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// `true` if a server needs it.
    pub(super) is_needed: bool,
    pub(super) shape: &'static Shape,
}

pub(super) const fn needs(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, is_needed: true, shape }
}

pub(super) const fn may_have(name: &'static str, shape: &'static Shape) -> Field {
    Field { name, is_needed: false, shape }
}

impl Shape {
    /// Describes the form, to be read after "instead of".
    pub(super) fn describe(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Text => "a text".to_owned(),
            Shape::Unsigned(most) => format!("a whole number from 0 to {most}"),
            Shape::Positive => "a whole number of at least 1".to_owned(),
            Shape::Integer => "a whole number".to_owned(),
            Shape::Nullable(shape) => format!("{} or null", shape.describe()),
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
