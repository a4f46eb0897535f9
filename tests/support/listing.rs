//! The listing of a store, as `metadata list` prints it.

use serde_json::Value as Json;

use super::tool::restatectl_with_input;

/// Lists the keys of the store in this section.
pub fn list_keys(section: &str) -> Json {
    let args = ["metadata", "list", "--from", "-", "-o", "json"];
    restatectl_with_input(&args, section).expect(0).json()
}

/// Returns the names of the listed keys.
pub fn key_names(listing: &Json) -> Vec<&str> {
    listing["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap()).collect()
}
