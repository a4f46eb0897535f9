//! Items in a table: Restate's, damaged and foreign ones, prefixes that begin with each other; and
//! unusable tables.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::dynamo::{create_table, encode_item};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::listing::{key_names, list_keys};
use crate::support::store_toml::{replace_line, write_file};
use crate::support::tool::{Run, assert_refused, restatectl_with_input};

const VALUE: &[u8] = b"\x05{\"version\":3}";

#[test]
fn every_item_format_is_read_and_foreign_items_are_counted() {
    let table = create_table();
    let with_another = |name: &str| {
        let mut item = encode_item(name, 3, VALUE);
        item["ttl"] = json!({"N": "9"});
        item
    };
    table.put(&[
        encode_item("p/nodes_config", 3, VALUE),
        with_another("p/bifrost_config"),
        json!({"pk": {"S": "p/rule_book"}, "version": {"N": "1"}}),
        json!({"pk": {"S": "p/pp_epoch_9"}, "version": {"N": "4294967296"}, "data": {"B": "AAA="}}),
        encode_item("p/pp_epoch_10", 3, VALUE),
        encode_item("p/new_key", 3, VALUE),
        // Foreign: other attributes, other types, no codec's first byte.
        with_another("p/other"),
        json!({"pk": {"S": "p/text"}, "version": {"N": "3"}, "data": {"S": "text"}}),
        encode_item("p/README", 3, b"R"),
        json!({"pk": {"S": "p/nothing"}}),
        // Of other prefixes, one of which begins with this one.
        encode_item("p/x/nodes_config", 3, VALUE),
        encode_item("p/x/new_key", 3, VALUE),
        encode_item("q/nodes_config", 3, VALUE),
    ]);
    let listing = list_keys(&table.section("p/"));
    let expected =
        ["nodes_config", "bifrost_config", "rule_book", "pp_epoch_9", "pp_epoch_10", "new_key"];
    assert_eq!(key_names(&listing), expected);
    assert_eq!(listing["foreign"], 6);
    assert_eq!(listing["keys"][5]["kind"], "unknown");
    assert_eq!(listing["keys"][2]["version"], Json::Null);
    assert_eq!(key_names(&list_keys(&table.section("p/x/"))), ["nodes_config", "new_key"]);
    // The empty prefix of a shared table: nothing of the others', though it all lies below it.
    let all = list_keys(&table.section(""));
    assert_eq!((key_names(&all), &all["foreign"]), (vec![], &json!(13)));
    // And the other way round: what lies at the empty prefix begins with "p", too.
    table.put(&[encode_item("partition_table", 3, VALUE), encode_item("pp_epoch_1", 3, VALUE)]);
    assert_eq!(key_names(&list_keys(&table.section("p"))), Vec::<&str>::new());
    assert_eq!(key_names(&list_keys(&table.section(""))), ["partition_table", "pp_epoch_1"]);
    assert_eq!(key_names(&list_keys(&table.section("p/"))), expected);
    let get = |key: &str| -> Run {
        let args = ["metadata", "get", "--from", "-", "-o", "json", "-k", key];
        restatectl_with_input(&args, &table.section("p/"))
    };
    for key in ["nodes_config", "bifrost_config", "new_key"] {
        assert_eq!(get(key).expect(0).json()["value"]["version"], 3, "{key}");
    }
    assert_eq!(get("schema_registry").expect(3).json()["error"]["code"], "key-not-found");
    for (key, words) in
        [("rule_book", "an item without data"), ("pp_epoch_9", "the version 4294967296")]
    {
        let document = get(key).expect(5).json();
        assert_eq!(document["error"]["code"], "value-corrupt");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains(key) && message.contains(words), "{message}");
    }
}

#[test]
fn listing_reads_all_pages_and_large_responses() {
    let table = create_table();
    // A page of a scan has 1 MB, an answer to a read 16 MB.
    let large = [VALUE, &vec![b' '; 390_000]].concat();
    let mut items: Vec<_> =
        (0..60).map(|n| encode_item(&format!("p/pp_epoch_{n}"), 3, &large)).collect();
    items.extend((0..40).map(|n| encode_item(&format!("foreign-{n}"), 3, &large)));
    table.put(&items);
    let listing = list_keys(&table.section("p/"));
    assert_eq!(key_names(&listing).len(), 60);
    assert!(listing["keys"].as_array().unwrap().iter().all(|key| key["version"] == 3));
    assert_eq!(listing["foreign"], 0);
}

#[test]
fn unusable_table_is_refused_with_its_reason() {
    let table = create_table();
    let section = table.section("p");
    let folder = TempDir::new().unwrap();
    let refused = |section: &str, code: i32, error: &str, words: &str| {
        let toml = write_file(&folder, "dynamo.toml", section);
        let text = assert_refused(&["metadata", "list", "--toml", &toml], code, error, &[words]);
        assert!(!text.err.contains(&table.server.secret), "{}", text.err);
    };
    for (field, line, words) in [
        ("table", "", "needs table"),
        ("table", "table = \"\"", "table is empty"),
        ("key-prefix", "key-prefix = 5", "key-prefix must be text"),
        ("key-prefix", "aws-profile = \"p\"", "not both"),
        ("aws-region", "", "AWS region is not known"),
        ("aws-secret", "", "needs aws-secret-access-key"),
        ("aws-endpoint", "aws-endpoint-url = \"127.0.0.1:1\"", "must be a URL"),
    ] {
        refused(&replace_line(&section, field, line), 2, "config-invalid", words);
    }
    let absent = replace_line(&section, "table", "table = \"no-such-table\"");
    let words = "the table no-such-table does not exist in region us-east-1";
    refused(&absent, 6, "source-unavailable", words);
    let elsewhere = replace_line(&section, "aws-region", "aws-region = \"eu-west-1\"");
    refused(&elsewhere, 6, "source-unavailable", "does not exist in region eu-west-1");
    let other = HttpProxy::start(&table.server.endpoint);
    other.inject("POST", "", 2, HttpFault::Json(404, "<html>".to_owned()));
    let words = "404 without a code, as no DynamoDB does";
    refused(&table.section_at(&other.endpoint(), "p"), 1, "internal", words);
    for (name, key, kind) in [("other-key", "id", "S"), ("other-type", "pk", "N")] {
        table.server.boto("create_table", &json!({"table": name, "key": key, "kind": kind}));
        let other = replace_line(&section, "table", &format!("table = \"{name}\""));
        let words = format!(
            "the partition key pk of type String; the table {name} has another: {key} (HASH, {kind})"
        );
        refused(&other, 2, "usage", &words);
    }
}
