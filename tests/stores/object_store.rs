//! Objects in a bucket: old and new formats, tombstones, foreign ones, unusual prefixes.

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::listing::{key_names, list_keys};
use crate::support::s3::{moto, seaweed};
use crate::support::store_toml::{replace_line, write_file};
use crate::support::tool::{Run, assert_refused, command, program, restatectl_with_input, run};

/// Encodes a bilrost body: header, salt 7, version, bytes; all lengths below 128.
fn encode_bilrost(version: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = vec![4, version];
    if !bytes.is_empty() {
        value.extend([5, u8::try_from(bytes.len()).unwrap()]);
        value.extend(bytes);
    }
    let mut body = vec![b'e', 4, 7, 5, u8::try_from(value.len()).unwrap()];
    body.extend(value);
    body
}

/// Encodes `{"version": "V1", "value": [{"version": 3, "value": bytes}, 9]}` as CBOR, for fewer than 24
/// bytes.
fn encode_cbor(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"e\xa2\x67version\x62V1\x65value\x82\xa2\x67version\x03\x65value".to_vec();
    body.push(0x40 + u8::try_from(bytes.len()).unwrap());
    body.extend(bytes);
    body.push(9);
    body
}

const BILROST: Option<&str> = Some("binary/bilrost+v1");

#[test]
fn every_object_format_is_read_and_foreign_objects_are_counted() {
    for s3 in [seaweed(), moto()] {
        let bucket = s3.bucket();
        let rule = b"\x05{\"version\":3}";
        bucket.put(&[
            ("p/nodes_config", &encode_bilrost(3, rule), BILROST),
            ("p/bifrost_config", &encode_cbor(rule), None),
            ("p/partition_table", &encode_cbor(rule), Some("binary/cbor")),
            ("p/schema_registry", b"d", BILROST),
            ("p/rule_book", b"e\xff", BILROST),
            ("p/pp_epoch_10", &encode_bilrost(3, rule), BILROST),
            ("p/pp_epoch_9", b"x", None),
            ("p/new_key", &encode_bilrost(3, rule), BILROST),
            ("p/README", b"everything begins with e", None),
            ("p/tombstone_of_another", b"d", None),
            ("p/nested/nodes_config", &encode_bilrost(3, rule), BILROST),
            ("px/nodes_config", &encode_bilrost(3, rule), BILROST),
            ("nodes_config", &encode_bilrost(3, rule), BILROST),
        ]);
        let listing = list_keys(&bucket.section("p"));
        assert_eq!(
            key_names(&listing),
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
            [("rule_book", "does not decode"), ("pp_epoch_9", "not one of Restate's headers")]
        {
            let document = get(key).expect(5).json();
            assert_eq!(document["error"]["code"], "value-corrupt");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(message.contains(key) && message.contains(words), "{message}");
        }
        // Other prefixes of the same bucket: none, and one inside of another.
        assert_eq!(key_names(&list_keys(&bucket.section(""))), ["nodes_config"]);
        assert_eq!(key_names(&list_keys(&bucket.section("p/nested"))), ["nodes_config"]);
    }
}

#[test]
fn listing_reads_all_pages() {
    for s3 in [seaweed(), moto()] {
        let bucket = s3.bucket();
        let body = encode_bilrost(1, b"\x05{\"version\":1}");
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
        let listing = list_keys(&bucket.section("p"));
        assert_eq!(key_names(&listing).len(), 2_500);
        assert_eq!(listing["foreign"], 500);
    }
}

#[test]
fn unusable_bucket_is_refused_with_its_reason() {
    let bucket = seaweed().bucket();
    let section = bucket.section("p");
    let folder = TempDir::new().unwrap();
    let refused = |section: &str, code: i32, error: &str, words: &str| {
        let toml = write_file(&folder, "s3.toml", section);
        let text = assert_refused(&["metadata", "list", "--toml", &toml], code, error, &[words]);
        assert!(!text.err.contains(&bucket.s3.secret), "{}", text.err);
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
        refused(&replace_line(&section, field, line), 2, "config-invalid", words);
    }
    let unavailable = "source-unavailable";
    let absent = replace_line(&section, "path", "path = \"s3://no-such-bucket/p\"");
    refused(&absent, 6, unavailable, "the bucket no-such-bucket does not exist");
    let wrong_key =
        replace_line(&section, "aws-secret", "aws-secret-access-key = \"wrong-secret\"");
    refused(&wrong_key, 6, unavailable, "the AWS credentials are not accepted");
    let unknown_key = replace_line(&section, "aws-access-key-id", "aws-access-key-id = \"nobody\"");
    refused(&unknown_key, 6, unavailable, "the AWS credentials are not accepted");
}

#[test]
fn access_settings_resolve_as_in_the_server() {
    let bucket = seaweed().bucket();
    bucket.put(&[("p/rule_book", &encode_bilrost(1, b"\x06\x04\x01"), BILROST)]);
    let (s3, folder) = (&bucket.s3, TempDir::new().unwrap());
    let profile = format!(
        "[named]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = us-east-1\n",
        s3.key_id, s3.secret
    );
    let credentials = write_file(&folder, "credentials", &profile);
    let plain =
        format!("[metadata-client]\ntype = \"object-store\"\npath = \"s3://{}/p\"\n", bucket.name);
    let run_with = |lines: &str, envs: &[(&str, &str)]| {
        let toml = write_file(&folder, "s3.toml", &format!("{plain}{lines}"));
        let args = ["metadata", "get", "-k", "rule_book", "--from", &toml, "-o", "json"];
        let mut command = command(&program(), &args);
        command.envs([("HOME", "/nonexistent"), ("AWS_EC2_METADATA_DISABLED", "true")]);
        command.envs(envs.iter().copied());
        run(command, "")
    };
    let keys = [("AWS_ACCESS_KEY_ID", s3.key_id.as_str()), ("AWS_SECRET_ACCESS_KEY", &s3.secret)];
    let wrong = [("AWS_ACCESS_KEY_ID", "wrong"), ("AWS_SECRET_ACCESS_KEY", "wrong")];
    let region = ("AWS_REGION", "us-east-1");
    let allow = "aws-allow-http = true\n";
    let at = format!("aws-endpoint-url = \"{}\"\n{allow}", s3.endpoint);
    let named = format!("{at}aws-profile = \"named\"\n");
    let file = ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str());
    // The default chain; the region of two variables.
    run_with(&at, &[keys[0], keys[1], region]).expect(0);
    run_with(&at, &[keys[0], keys[1], ("AWS_DEFAULT_REGION", "us-east-1")]).expect(0);
    // A profile with its region, behind keys in the environment.
    run_with(&named, &[file]).expect(0);
    run_with(&named, &[file, wrong[0], wrong[1]]).expect(6);
    let absent =
        run_with(&at.replace("aws-allow", "aws-profile = \"absent\"\naws-allow"), &[file, region]);
    let message = absent.expect(6).json()["error"]["message"].to_string();
    assert!(message.contains("no AWS credentials"), "{message}");
    // Explicit keys before the environment.
    let explicit = format!(
        "{at}aws-access-key-id = \"{}\"\naws-secret-access-key = \"{}\"\n",
        s3.key_id, s3.secret
    );
    run_with(&explicit, &[wrong[0], wrong[1], region]).expect(0);
    // The endpoint of two variables, and plain http only where it is allowed in so many words.
    let (general, special) = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3");
    run_with(allow, &[keys[0], keys[1], region, (general, &s3.endpoint)]).expect(0);
    let both = [(general, "http://127.0.0.1:1"), (special, s3.endpoint.as_str())];
    run_with(allow, &[keys[0], keys[1], region, both[0], both[1]]).expect(0);
    let by_variable =
        |allowed| run_with("", &[keys[0], keys[1], region, both[1], ("AWS_ALLOW_HTTP", allowed)]);
    by_variable("true").expect(0);
    assert_eq!(by_variable("1").expect(2).json()["error"]["code"], "config-invalid");
}
