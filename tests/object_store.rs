//! Objects as they lie in a bucket: old and new forms, tombstones, foreign ones, odd prefixes.

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::s3::{Bucket, moto, seaweed, toml_file};
use crate::support::tool::{Run, restatectl, restatectl_with_input};

fn list(bucket: &Bucket, prefix: &str) -> Json {
    let args = ["metadata", "list", "--from", "-", "-o", "json"];
    restatectl_with_input(&args, &bucket.section(prefix)).expect(0).json()
}

fn names(listing: &Json) -> Vec<&str> {
    listing["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap()).collect()
}

/// A bilrost body: header, salt 7, version, bytes; all lengths below 128.
fn bilrost(version: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = vec![4, version];
    if !bytes.is_empty() {
        value.extend([5, u8::try_from(bytes.len()).unwrap()]);
        value.extend(bytes);
    }
    let mut body = vec![b'e', 4, 7, 5, u8::try_from(value.len()).unwrap()];
    body.extend(value);
    body
}

/// `{"version": "V1", "value": [{"version": 3, "value": bytes}, 9]}`, its bytes below 24.
fn cbor(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"e\xa2\x67version\x62V1\x65value\x82\xa2\x67version\x03\x65value".to_vec();
    body.push(0x40 + u8::try_from(bytes.len()).unwrap());
    body.extend(bytes);
    body.push(9);
    body
}

const BILROST: Option<&str> = Some("binary/bilrost+v1");

#[test]
fn every_form_of_object_is_read_and_the_rest_is_counted() {
    for s3 in [seaweed(), moto()] {
        let bucket = s3.bucket();
        let rule = b"\x05{\"version\":3}";
        bucket.put(&[
            ("p/nodes_config", &bilrost(3, rule), BILROST),
            ("p/bifrost_config", &cbor(rule), None),
            ("p/partition_table", &cbor(rule), Some("binary/cbor")),
            ("p/schema_registry", b"d", BILROST),
            ("p/rule_book", b"e\xff", BILROST),
            ("p/pp_epoch_10", &bilrost(3, rule), BILROST),
            ("p/pp_epoch_9", b"x", None),
            ("p/new_key", &bilrost(3, rule), BILROST),
            ("p/README", b"everything begins with e", None),
            ("p/tombstone_of_another", b"d", None),
            ("p/nested/nodes_config", &bilrost(3, rule), BILROST),
            ("px/nodes_config", &bilrost(3, rule), BILROST),
            ("nodes_config", &bilrost(3, rule), BILROST),
        ]);
        let listing = list(&bucket, "p");
        assert_eq!(
            names(&listing),
            [
                "nodes_config",
                "bifrost_config",
                "partition_table",
                "rule_book",
                "pp_epoch_9",
                "pp_epoch_10",
                "new_key"
            ]
        );
        assert_eq!(listing["foreign"], 3);
        assert_eq!(listing["keys"][6]["kind"], "unknown");
        assert_eq!(listing["keys"][3]["version"], Json::Null);
        let get = |key: &str| -> Run {
            let args = ["metadata", "get", "--from", "-", "-o", "json", "-k", key];
            restatectl_with_input(&args, &bucket.section("p"))
        };
        for key in ["nodes_config", "bifrost_config", "partition_table", "pp_epoch_10", "new_key"] {
            assert_eq!(get(key).expect(0).json()["value"]["version"], 3, "{key}");
        }
        assert_eq!(get("schema_registry").expect(3).json()["error"]["code"], "key-not-found");
        for (key, words) in
            [("rule_book", "does not decode"), ("pp_epoch_9", "no header of Restate's")]
        {
            let document = get(key).expect(5).json();
            assert_eq!(document["error"]["code"], "value-corrupt");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(message.contains(key) && message.contains(words), "{message}");
        }
        // Other prefixes of the same bucket: none, and one inside of another.
        assert_eq!(names(&list(&bucket, "")), ["nodes_config"]);
        assert_eq!(names(&list(&bucket, "p/nested")), ["nodes_config"]);
    }
}

#[test]
fn listing_goes_through_all_pages() {
    for s3 in [seaweed(), moto()] {
        let bucket = s3.bucket();
        let body = bilrost(1, b"\x05{\"version\":1}");
        let names_of: Vec<_> = (0..2_500)
            .map(|n| format!("p/pp_epoch_{n}"))
            .chain((0..500).map(|n| format!("p/foreign_{n}")))
            .collect();
        let objects: Vec<_> = names_of
            .iter()
            .map(|name| {
                let body = if name.contains("foreign") { b"f".as_slice() } else { body.as_slice() };
                (name.as_str(), body, BILROST)
            })
            .collect();
        bucket.put(&objects);
        let listing = list(&bucket, "p");
        assert_eq!(names(&listing).len(), 2_500);
        assert_eq!(listing["foreign"], 500);
    }
}

/// The section without one of its lines, or with another in its place.
fn changed(section: &str, field: &str, line: &str) -> String {
    let lines = section.lines().map(|l| if l.starts_with(field) { line } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_keeps_a_bucket_from_being_used_is_told() {
    let bucket = seaweed().bucket();
    let section = bucket.section("p");
    let folder = TempDir::new().unwrap();
    let refused = |section: &str, code: i32, error: &str, words: &str| {
        let toml = toml_file(&folder, "s3.toml", section);
        let text = restatectl(&["metadata", "list", "--toml", &toml]).expect(code);
        assert!(text.err.contains(words), "{words:?} is not in {}", text.err);
        assert!(!text.err.contains(&bucket.s3.secret), "{}", text.err);
        let json = restatectl(&["metadata", "list", "--toml", &toml, "-o", "json"]).expect(code);
        assert_eq!(json.json()["error"]["code"], error);
    };
    for (field, line, words) in [
        ("path", "", "needs path"),
        ("path", "path = \"gs://b/p\"", "must begin with s3://"),
        ("path", "path = \"s3:///p\"", "must be a URL"),
        ("path", "path = \"s3://b/a//b\"", "empty segment"),
        ("aws-region", "", "AWS region is not known"),
        ("aws-allow-http", "", "aws-allow-http = true"),
        ("aws-secret", "", "needs aws-secret-access-key"),
        ("aws-endpoint", "aws-endpoint-url = \"127.0.0.1:1\"", "must be a URL"),
    ] {
        refused(&changed(&section, field, line), 2, "config-invalid", words);
    }
    let unavailable = "source-unavailable";
    let absent = changed(&section, "path", "path = \"s3://no-such-bucket/p\"");
    refused(&absent, 6, unavailable, "the bucket no-such-bucket does not exist");
    let wrong_key = changed(&section, "aws-secret", "aws-secret-access-key = \"wrong-secret\"");
    refused(&wrong_key, 6, unavailable, "the AWS credentials are not accepted");
    let unknown_key = changed(&section, "aws-access-key-id", "aws-access-key-id = \"nobody\"");
    refused(&unknown_key, 6, unavailable, "the AWS credentials are not accepted");
}
