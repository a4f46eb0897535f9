//! Fields of a document by their JSON pointers, as far as they are there and of the form that is asked for.

use serde_json::Value as Json;

/// Returns the elements of a list, empty where there is none.
pub(super) fn elements<'a>(document: &'a Json, pointer: &str) -> &'a [Json] {
    document.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn number(document: &Json, pointer: &str) -> Option<u64> {
    document.pointer(pointer).and_then(Json::as_u64)
}

pub(super) fn text(document: &Json, pointer: &str) -> Option<String> {
    document.pointer(pointer).and_then(Json::as_str).map(ToOwned::to_owned)
}

pub(super) fn numbers(document: &Json, pointer: &str) -> Vec<u64> {
    elements(document, pointer).iter().filter_map(Json::as_u64).collect()
}

/// Returns the pairs of a map whose keys are numbers, in the order of its keys.
pub(super) fn pairs<'a>(document: &'a Json, pointer: &str) -> Vec<(u64, &'a Json)> {
    let pairs = elements(document, pointer).iter();
    let mut pairs: Vec<_> =
        pairs.filter_map(|pair| Some((pair.get(0)?.as_u64()?, pair.get(1)?))).collect();
    pairs.sort_by_key(|(id, _)| *id);
    pairs
}
