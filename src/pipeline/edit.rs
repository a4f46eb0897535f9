//! Edits of a decoded value: a patch parsed and applied, and two documents compared. Pure.
//!
//! Patches are RFC 6902. An operation may make a document of any size out of a small one, by copying it
//! into itself: what no store could hold is refused while it grows.

use std::fmt::Write;

use json_patch::{PatchErrorKind, PatchOperation, patch_unsafe};
use serde_json::Value as Json;
use similar::TextDiff;
use thiserror::Error;

use crate::model::sha256_hex;
use crate::visible::{escape_json, escape_line};

/// A legal value has 30 MiB at most.
const LARGEST_DOCUMENT: usize = 64 << 20;

/// The deepest nesting that any codec accepts.
const DEEPEST_DOCUMENT: usize = 64;

/// The lines of a comparison that are shown.
const SHOWN_LINES: usize = 60;

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
    /// In words, with line and column.
    pub fn parse(text: &str) -> Result<Patch, String> {
        serde_json::from_str(text).map(Patch).map_err(|error| error.to_string())
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
                return Err(fault("the document would be too large or nested too deep"));
            }
        }
        Ok(edited)
    }
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

/// Returns the difference between two documents as a unified diff of their pretty form; empty if
/// they are equal.
///
/// The values of headers, which may be credentials, are compared and not shown.
pub fn diff(before: (&str, &Json), after: (&str, &Json)) -> String {
    let pretty = |document: &Json| {
        let mut document = document.clone();
        document.sort_all_objects();
        hide_headers(&mut document);
        format!("{}\n", escape_json(&format!("{document:#}")))
    };
    let (one, other) = (pretty(before.1), pretty(after.1));
    let (one_name, other_name) = (escape_line(before.0), escape_line(after.0));
    let diff = TextDiff::from_lines(&one, &other);
    let text = diff.unified_diff().context_radius(3).header(&one_name, &other_name).to_string();
    let mut shown: String = text.split_inclusive('\n').take(SHOWN_LINES).collect();
    let left = text.lines().count().saturating_sub(SHOWN_LINES);
    if left > 0 {
        let _ = writeln!(shown, "… and {left} more lines");
    }
    shown
}

/// Hides the additional headers of deployments, which may be credentials.
fn hide_headers(document: &mut Json) {
    match document {
        Json::Object(fields) => fields.iter_mut().for_each(|(name, value)| match value {
            Json::Object(headers) if name.ends_with("headers") => {
                headers.values_mut().for_each(hide_values);
            }
            other => hide_headers(other),
        }),
        Json::Array(elements) => elements.iter_mut().for_each(hide_headers),
        _ => {}
    }
}

fn hide_values(value: &mut Json) {
    let digest = sha256_hex(value.to_string().as_bytes());
    let start = digest.get(..8).unwrap_or_default();
    *value = Json::String(format!("(not shown; its digest begins with {start})"));
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
                refusal(json!({"a": 1})),
            ]
            .join("\n"),
            @r"
        operation 1 of the patch, a test, failed at /a: another value is there
        operation 1 of the patch, a test, failed at /z: nothing is there
        operation 2 of the patch can't be applied at /list/0: the document has no such path
        operation 1 of the patch can't be applied at /a: nothing is there to be taken from
        operation 1 of the patch can't be applied at /list/0: it would be moved into itself
        operation 1 of the patch can't be applied at the whole document: the document has no such path
        unknown variant `shift`, expected one of `add`, `remove`, `replace`, `move`, `copy`, `test` at line 1 column 14
        invalid type: map, expected a sequence at line 1 column 0
        "
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
    fn a_diff_is_short_and_hides_headers() {
        let document = |secret: &str| json!({"b": 1, "a": [1, 2], "additional_headers": {"authorization": secret}});
        assert_eq!(diff(("read", &document("s3cr3t")), ("now", &document("s3cr3t"))), "");
        let text = diff(("read", &document("s3cr3t")), ("now", &document("0ther")));
        assert!(text.starts_with("--- read\n+++ now\n@@"), "{text}");
        assert!(!text.contains("s3cr3t") && !text.contains("0ther"), "{text}");
        let long = |n: u32| json!((0..n).collect::<Vec<_>>());
        assert!(diff(("a", &long(0)), ("b", &long(500))).ends_with("more lines\n"));
    }
}
