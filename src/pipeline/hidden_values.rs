//! The places in a document whose values may be credentials, and are shown only by `get`: the headers of
//! deployments, and what a Kafka client is configured with.
//!
//! In 1.7.12 these are `additional_headers` of a deployment, `metadata` of a subscription (its options) and
//! `properties` of a Kafka cluster, all in `schema_registry` (seen). They are found by their names, wherever they
//! are, so that older and newer forms of the value hide them as well.

use serde_json::{Value as Json, json};

use crate::model::sha256_hex;

/// The fields below a collection that hold options of a Kafka client.
const OPTIONS: [(&str, &[&str]); 2] =
    [("subscriptions", &["metadata", "options"]), ("kafka_clusters", &["properties"])];

/// Returns the JSON pointers of all values that may be credentials, each a value of a map such as headers.
pub fn find_hidden_values(document: &Json) -> Vec<String> {
    let mut search = Search { path: String::new(), found: Vec::new() };
    search.visit(document, &[]);
    search.found
}

/// Replaces the values that may be credentials by a text by which two of them can still be told apart.
pub fn hide_values(document: &mut Json) {
    for pointer in find_hidden_values(document) {
        if let Some(value) = document.pointer_mut(&pointer) {
            let digest = sha256_hex(value.to_string().as_bytes());
            let start = digest.get(..8).unwrap_or_default();
            *value = Json::String(format!("(not shown; its digest begins with {start})"));
        }
    }
}

/// Replaces the values that may be credentials by `{"hidden": sha256}`, over a text itself or over the JSON of
/// anything else.
pub fn hide_as_digests(document: &mut Json) {
    for pointer in find_hidden_values(document) {
        if let Some(value) = document.pointer_mut(&pointer) {
            let digest = match value.as_str() {
                Some(text) => sha256_hex(text.as_bytes()),
                None => sha256_hex(value.to_string().as_bytes()),
            };
            *value = json!({"hidden": digest});
        }
    }
}

struct Search {
    /// The JSON pointer of the value that is looked at.
    path: String,
    found: Vec<String>,
}

impl Search {
    /// Looks for hidden values in a value; `options` are the names of those fields here that hold some.
    fn visit(&mut self, value: &Json, options: &[&str]) {
        match value {
            Json::Object(fields) => {
                for (name, value) in fields {
                    let below = OPTIONS.iter().find(|(collection, _)| collection == name);
                    let options = below.map_or(options, |(_, options)| *options);
                    let is_hidden = name.ends_with("headers") || options.contains(&name.as_str());
                    self.descend(name, |search| match is_hidden {
                        true => search.hide(value),
                        false => search.visit(value, options),
                    });
                }
            }
            Json::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.descend(&index.to_string(), |search| search.visit(element, options));
                }
            }
            _ => {}
        }
    }

    /// Adds the values of a map; whatever else stands in its place may hold them in another form.
    fn hide(&mut self, map: &Json) {
        match map {
            Json::Null => {}
            Json::Object(fields) => {
                fields.keys().for_each(|name| {
                    self.descend(name, |search| search.found.push(search.path.clone()));
                });
            }
            _ => self.found.push(self.path.clone()),
        }
    }

    fn descend(&mut self, name: &str, look: impl FnOnce(&mut Search)) {
        let parent = self.path.len();
        self.path.push('/');
        self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        look(self);
        self.path.truncate(parent);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_and_options_of_kafka_are_hidden_and_nothing_else_is() {
        let document = json!({
            "deployments_v2": [{"delivery_options": {"additional_headers": {"a/b": "1"}},
                "services": [{"metadata": {"shown": "1"}, "handlers": [{"metadata": {"shown": "1"}}]}]}],
            "kafka_clusters": [{"name": "k", "properties": {"sasl.password": "1"}}],
            "subscriptions": [["sub_1", {"id": "sub_1", "metadata": {"sasl.password": "1"},
                "source": {"Kafka": {"topic": "shown"}}}]],
            "metadata": {"shown": "1"},
        });
        assert_eq!(
            find_hidden_values(&document),
            [
                "/deployments_v2/0/delivery_options/additional_headers/a~1b",
                "/kafka_clusters/0/properties/sasl.password",
                "/subscriptions/0/1/metadata/sasl.password",
            ]
        );
    }

    #[test]
    fn maps_in_other_forms_are_hidden_too() {
        let document = json!({
            "subscriptions": {"sub_1": {"options": [["sasl.password", "1"]], "metadata": null}},
            "headers": {"a": {"b": "1"}},
        });
        assert_eq!(find_hidden_values(&document), ["/subscriptions/sub_1/options", "/headers/a"]);
        let mut hidden = document.clone();
        hide_values(&mut hidden);
        assert!(!hidden.to_string().contains("\"1\""), "{hidden}");
    }
}
