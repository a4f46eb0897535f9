//! Values inside a decoded document, by their path.

use serde_json::Value as Json;

/// Returns the value at a path such as `/1/key_range`, whose names have neither `~` nor `/`.
///
/// [`Json::pointer`] does the same and makes two texts of each name, which counts where there are tens of thousands
/// of partitions.
pub fn value_at<'a>(document: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/').skip(1).try_fold(document, |value, name| match value {
        Json::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

/// Returns the elements of the list at this path, empty where there is none.
pub fn elements<'a>(document: &'a Json, path: &str) -> &'a [Json] {
    value_at(document, path).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn value_is_found_as_by_a_pointer() {
        let document = json!({"a": [1, {"b": [2]}], "c": "text"});
        for path in ["", "/a", "/a/1/b", "/a/1/b/0", "/a/2", "/a/b", "/c", "/c/0", "/d"] {
            assert_eq!(value_at(&document, path), document.pointer(path), "{path}");
        }
        assert_eq!(elements(&document, "/a/1/b"), [json!(2)]);
        assert!(elements(&document, "/c").is_empty() && elements(&document, "/d").is_empty());
    }
}
