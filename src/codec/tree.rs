//! A decoded value as the checks read it.
//!
//! It borrows its texts from the stored bytes and hashes no names: a partition table of 65,535 partitions takes less than
//! half the memory of the same JSON.

use std::borrow::Cow;

use serde_json::{Number, Value as Json};

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number; those of 64 bits are exact.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// The elements of a list.
    List(Vec<Tree<'a>>),
    /// The fields in the order in which they are stored, each name once.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// Returns the tree of a document, whose texts it borrows.
    pub fn borrow(document: &'a Json) -> Self {
        match document {
            Json::Null => Tree::Null,
            Json::Bool(is_true) => Tree::Bool(*is_true),
            Json::Number(number) => Tree::Number(number.clone()),
            Json::String(text) => Tree::Text(Cow::Borrowed(text)),
            Json::Array(elements) => Tree::List(elements.iter().map(Tree::borrow).collect()),
            Json::Object(fields) => {
                let borrow =
                    |(name, value): (&'a String, &'a Json)| (name.into(), Tree::borrow(value));
                Tree::Object(fields.iter().map(borrow).collect())
            }
        }
    }

    /// Returns the field of this name. It looks through the fields: of those that users name there may be thousands, and
    /// whoever asks for many of them makes a map first.
    pub fn get(&self, name: &str) -> Option<&Tree<'a>> {
        self.fields().iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Returns an element of a list.
    pub fn element(&self, index: usize) -> Option<&Tree<'a>> {
        self.as_list()?.get(index)
    }

    /// Returns the value at a path such as `/1/key_range`, whose names have neither `~` nor `/`.
    pub fn at(&self, path: &str) -> Option<&Tree<'a>> {
        path.split('/').skip(1).try_fold(self, |value, name| match value {
            Tree::List(elements) => elements.get(name.parse::<usize>().ok()?),
            other => other.get(name),
        })
    }

    /// Returns the elements of the list at this path, empty where there is none.
    pub fn elements(&self, path: &str) -> &[Tree<'a>] {
        self.at(path).and_then(Tree::as_list).unwrap_or_default()
    }

    /// Returns the elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Tree<'a>]> {
        match self {
            Tree::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the fields of an object, none of anything else.
    pub fn fields(&self) -> &[(Cow<'a, str>, Tree<'a>)] {
        match self {
            Tree::Object(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if it is a whole one of 64 bits that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Tree::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// Returns whether it is null.
    pub fn is_null(&self) -> bool {
        *self == Tree::Null
    }

    /// Returns the same as JSON.
    pub fn into_json(self) -> Json {
        match self {
            Tree::Null => Json::Null,
            Tree::Bool(is_true) => Json::Bool(is_true),
            Tree::Number(number) => Json::Number(number),
            Tree::Text(text) => Json::String(text.into_owned()),
            Tree::List(elements) => elements.into_iter().map(Tree::into_json).collect(),
            Tree::Object(fields) => {
                let own =
                    fields.into_iter().map(|(name, value)| (name.into_owned(), value.into_json()));
                Json::Object(own.collect())
            }
        }
    }
}

impl From<Json> for Tree<'_> {
    fn from(document: Json) -> Self {
        match document {
            Json::Null => Tree::Null,
            Json::Bool(is_true) => Tree::Bool(is_true),
            Json::Number(number) => Tree::Number(number),
            Json::String(text) => Tree::Text(Cow::Owned(text)),
            Json::Array(elements) => Tree::List(elements.into_iter().map(Tree::from).collect()),
            Json::Object(fields) => {
                let own = fields.into_iter().map(|(name, value)| (name.into(), value.into()));
                Tree::Object(own.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tree_holds_what_the_document_does() {
        let document = json!({"a": [1, {"b": [2, -1, 0.5]}], "c": "text", "d": null, "e": true});
        assert_eq!(Tree::borrow(&document).into_json(), document);
        assert_eq!(Tree::from(document.clone()), Tree::borrow(&document));
    }

    #[test]
    fn value_is_found_as_by_a_pointer() {
        let document = json!({"a": [1, {"b": [2]}], "c": "text"});
        let tree = Tree::borrow(&document);
        for path in ["", "/a", "/a/1/b", "/a/1/b/0", "/a/2", "/a/b", "/c", "/c/0", "/d"] {
            let found = tree.at(path).cloned().map(Tree::into_json);
            assert_eq!(found.as_ref(), document.pointer(path), "{path}");
        }
        assert_eq!(tree.elements("/a/1/b").len(), 1);
        assert!(tree.elements("/c").is_empty() && tree.elements("/d").is_empty());
    }
}
