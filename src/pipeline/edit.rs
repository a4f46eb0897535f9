//! Edits of a decoded value: a patch parsed and applied. Pure.
//!
//! Patches are RFC 6902. An operation may make a document of any size out of a small one, by copying it
//! into itself: what no store could hold is refused while it grows.

use json_patch::{PatchErrorKind, PatchOperation, patch_unsafe};
use serde_json::Value as Json;
use thiserror::Error;

/// A legal value has 30 MiB at most.
const LARGEST_DOCUMENT: usize = 64 << 20;

/// The deepest nesting that any codec accepts.
const DEEPEST_DOCUMENT: usize = 64;

const TOO_LARGE: &str = "the document would be too large or nested too deep";

/// An RFC 6902 patch.
#[derive(Clone, Debug)]
pub struct Patch(Vec<PatchOperation>);

/// Why a patch can't be applied to a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatchFault {
    /// A `test` found something else: the document is not what the patch was made for.
    #[error("operation {operation} of the patch, a test, failed at {path}: {reason}")]
    Test {
        /// Counted from 1.
        operation: usize,
        /// The JSON pointer.
        path: String,
        /// The content found there, or its absence.
        reason: &'static str,
    },
    /// An operation has no place in the document.
    #[error("operation {operation} of the patch can't be applied at {path}: {reason}")]
    Operation {
        /// Counted from 1.
        operation: usize,
        /// The JSON pointer.
        path: String,
        /// Why not.
        reason: &'static str,
    },
}

impl Patch {
    /// Parses the JSON text of a patch.
    ///
    /// # Errors
    /// In words, with line and column, or the operation. They quote no value, which may be a secret.
    pub fn parse(text: &str) -> Result<Patch, String> {
        let operations = match serde_json::from_str(text) {
            Ok(Json::Array(operations)) => operations,
            Ok(_) => return Err("it is not a list".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let operations = operations.into_iter().enumerate();
        let parsed = operations.map(|(index, operation)| {
            parse_operation(operation).map_err(|reason| format!("operation {} {reason}", index + 1))
        });
        parsed.collect::<Result<_, _>>().map(Patch)
    }

    /// Returns the document with every operation carried out in order.
    ///
    /// # Errors
    /// The first operation that can't be.
    pub fn apply(&self, document: &Json) -> Result<Json, PatchFault> {
        let mut edited = document.clone();
        for (index, operation) in self.0.iter().enumerate() {
            let fault = |reason| PatchFault::Operation {
                operation: index + 1,
                path: shorten_pointer(operation.path().as_ref()),
                reason,
            };
            // Of a deeper document, one more operation could not even be undone: dropping it is recursive.
            if operation.path().tokens().count() > DEEPEST_DOCUMENT {
                return Err(fault(TOO_LARGE));
            }
            let applied = patch_unsafe(&mut edited, std::slice::from_ref(operation));
            applied.map_err(|error| match (operation, error.kind) {
                (PatchOperation::Test(_), kind) => PatchFault::Test {
                    operation: index + 1,
                    path: shorten_pointer(operation.path().as_ref()),
                    reason: match kind {
                        PatchErrorKind::TestFailed => "another value is there",
                        _ => "nothing is there",
                    },
                },
                (_, PatchErrorKind::InvalidFromPointer) => {
                    fault("nothing is there to be taken from")
                }
                (_, PatchErrorKind::CannotMoveInsideItself) => {
                    fault("it would be moved into itself")
                }
                _ => fault("the document has no such path"),
            })?;
            let grows = matches!(operation, PatchOperation::Copy(_) | PatchOperation::Move(_));
            if grows && estimate_size(&edited, 0).is_none_or(|size| size > LARGEST_DOCUMENT) {
                return Err(fault(TOO_LARGE));
            }
        }
        Ok(edited)
    }
}

/// Reads an operation. The messages of its library quote what they do not accept.
fn parse_operation(operation: Json) -> Result<PatchOperation, String> {
    const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];
    let name = operation.get("op").and_then(Json::as_str).unwrap_or_default();
    let needed: &[&str] = match name {
        "add" | "replace" | "test" => &["path", "value"],
        "remove" => &["path"],
        "move" | "copy" => &["path", "from"],
        _ => return Err(format!("needs op, one of {}", OPERATIONS.join(", "))),
    };
    if let Some(field) = needed.iter().find(|field| operation.get(field).is_none()) {
        return Err(format!("needs {field}, since it is {name}"));
    }
    let pointers = if needed.contains(&"from") { "path and from" } else { "path" };
    serde_json::from_value(operation)
        .map_err(|_| format!("needs JSON pointers such as \"/a/0\" in {pointers}"))
}

fn shorten_pointer(pointer: &str) -> String {
    if pointer.is_empty() { "the whole document".to_owned() } else { pointer.to_owned() }
}

/// Estimates the bytes of the JSON text; `None` if it is nested too deep.
fn estimate_size(value: &Json, depth: usize) -> Option<usize> {
    if depth > DEEPEST_DOCUMENT {
        return None;
    }
    Some(match value {
        Json::String(text) => text.len() + 2,
        Json::Array(elements) => {
            elements
                .iter()
                .map(|element| estimate_size(element, depth + 1))
                .sum::<Option<usize>>()?
                + 2
        }
        Json::Object(fields) => {
            let sizes = fields.iter();
            let sizes =
                sizes.map(|(name, value)| Some(name.len() + 4 + estimate_size(value, depth + 1)?));
            sizes.sum::<Option<usize>>()? + 2
        }
        _ => 4,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(patch: &Json, document: &Json) -> Result<Json, String> {
        let patch = Patch::parse(&patch.to_string())?;
        patch.apply(document).map_err(|fault| fault.to_string())
    }

    #[test]
    fn patches_are_applied_exactly() {
        let document = json!({"a": u64::MAX, "list": [1, 2], "b": {"c": i64::MIN}});
        let patch = json!([
            {"op": "test", "path": "/a", "value": u64::MAX},
            {"op": "replace", "path": "/a", "value": u64::MAX - 1},
            {"op": "add", "path": "/list/-", "value": 3},
            {"op": "remove", "path": "/list/0"},
            {"op": "copy", "from": "/b/c", "path": "/d"},
            {"op": "move", "from": "/b", "path": "/e"},
        ]);
        let expected =
            json!({"a": u64::MAX - 1, "list": [2, 3], "d": i64::MIN, "e": {"c": i64::MIN}});
        assert_eq!(applied(&patch, &document).unwrap(), expected);
    }

    #[test]
    fn failed_patch_names_operation_and_pointer() {
        let document = json!({"a": u64::MAX, "list": [1]});
        let refusal = |patch: Json| applied(&patch, &document).unwrap_err();
        insta::assert_snapshot!(
            [
                refusal(json!([{"op": "test", "path": "/a", "value": u64::MAX - 1}])),
                refusal(json!([{"op": "test", "path": "/z", "value": 1}])),
                refusal(json!([{"op": "remove", "path": "/list/0"},
                    {"op": "replace", "path": "/list/0", "value": 1}])),
                refusal(json!([{"op": "move", "from": "/z", "path": "/a"}])),
                refusal(json!([{"op": "move", "from": "/list", "path": "/list/0"}])),
                refusal(json!([{"op": "remove", "path": ""}])),
                refusal(json!([{"op": "shift", "path": "/a"}])),
                refusal(json!([{"op": "test", "path": "/a"}])),
                refusal(json!([{"op": "copy", "path": "/a"}])),
                refusal(json!([{"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "a"}])),
                refusal(json!(["s3cr3t"])),
                refusal(json!({"a": 1})),
            ]
            .join("\n"),
            @r#"
        operation 1 of the patch, a test, failed at /a: another value is there
        operation 1 of the patch, a test, failed at /z: nothing is there
        operation 2 of the patch can't be applied at /list/0: the document has no such path
        operation 1 of the patch can't be applied at /a: nothing is there to be taken from
        operation 1 of the patch can't be applied at /list/0: it would be moved into itself
        operation 1 of the patch can't be applied at the whole document: the document has no such path
        operation 1 needs op, one of add, remove, replace, move, copy, test
        operation 1 needs value, since it is test
        operation 1 needs from, since it is copy
        operation 2 needs JSON pointers such as "/a/0" in path
        operation 1 needs op, one of add, remove, replace, move, copy, test
        it is not a list
        "#
        );
    }

    #[test]
    fn a_document_can_not_be_blown_up() {
        let copy = json!({"op": "copy", "from": "", "path": "/a"});
        let deeper = applied(&json!(vec![copy; 100]), &json!({}));
        assert!(deeper.unwrap_err().contains("nested too deep"));
        let twice = json!({"op": "copy", "from": "/list", "path": "/list/-"});
        let wider = json!([{"op": "copy", "from": "/t", "path": "/list/-"}, twice]);
        let many: Vec<_> = wider.as_array().unwrap().iter().cycle().take(200).cloned().collect();
        assert!(applied(&json!(many), &json!({"t": "x".repeat(1000), "list": []})).is_err());
    }

    #[test]
    fn values_put_into_one_another_are_refused_before_they_nest_too_deep() {
        let nested = |depth| (0..depth).fold(json!({}), |inner, _| json!({"a": inner}));
        let add = |number| json!({"op": "add", "path": "/a".repeat(number), "value": nested(60)});
        let deeper: Vec<_> = (0..300).map(|number| add(60 * number + 1)).collect();
        assert!(applied(&json!(deeper), &json!({})).unwrap_err().contains("nested too deep"));
        assert!(applied(&json!(deeper[..2]), &json!({})).is_ok());
    }

    #[test]
    fn limits_of_a_document_are_exact() {
        assert_eq!(estimate_size(&json!({"ab": [1, "cde"], "f": {}}), 0), Some(26));
        let at_depth = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let turn = json!([{"op": "move", "from": "/a", "path": "/b"}]);
        let turned = |value: Json| applied(&turn, &json!({"a": value}));
        assert!(turned(at_depth(DEEPEST_DOCUMENT - 1)).is_ok());
        assert!(turned(at_depth(DEEPEST_DOCUMENT)).is_err());
        let framing = estimate_size(&json!({"a": ""}), 0).unwrap();
        assert!(turned(json!("x".repeat(LARGEST_DOCUMENT - framing))).is_ok());
        assert!(turned(json!("x".repeat(LARGEST_DOCUMENT - framing + 1))).is_err());
    }
}
