//! Migrations of a real cluster to DynamoDB, on which it starts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use crate::support::dynamo::{
    Table, create_table, create_table_on, decode_item, dynoxide, encode_item,
};
use crate::support::migration::{
    assert_status_on, assert_works_on_target, migrate, source_values, start_cluster_to_migrate,
};
use crate::support::restate::{Cluster, Mode, put_value};
use crate::support::store_toml::write_file;
use crate::support::tool::{official, restatectl};

fn read_values(table: &Table, prefix: &str) -> BTreeMap<String, (u32, Vec<u8>)> {
    let below = table.items().into_iter();
    let below = below.filter_map(|(name, item)| {
        Some((name.strip_prefix(prefix)?.to_owned(), decode_item(&item)))
    });
    below.collect()
}

#[test]
fn migrated_cluster_runs_on_dynamo_db() {
    assert_migrated_cluster_runs_on(&create_table());
}

#[test]
fn migrated_cluster_runs_on_dynoxide() {
    assert_migrated_cluster_runs_on(&create_table_on(dynoxide()));
}

fn assert_migrated_cluster_runs_on(table: &Table) {
    let mut cluster = start_cluster_to_migrate();
    let folder = TempDir::new().unwrap();
    let section = table.section("a prefix/");
    let toml = write_file(&folder, "dynamo.toml", &section);
    table.put(&[json!({"pk": {"S": "somebody"}, "else": {"S": "foreign"}})]);
    let before = source_values(&cluster);
    migrate(&cluster, &toml, &["--dry-run"]).expect(0);
    assert_eq!(table.items().len(), 1);
    let run = migrate(&cluster, &toml, &[]).expect(0);
    assert!(run.out.contains("aws-secret-access-key = \"<redacted>\""), "{}", run.out);
    assert!(!format!("{run:?}").contains(&table.server.secret));
    assert_eq!(read_values(table, "a prefix/"), before);
    assert_eq!(table.items().len(), before.len() + 1);

    assert_status_on(&cluster, &toml, "cannot-tell");
    assert_works_on_target(&mut cluster, &section, &toml);
    assert_status_on(&cluster, &toml, "yes");
    let elsewhere = write_file(&folder, "elsewhere.toml", &table.section("another/"));
    assert_status_on(&cluster, &elsewhere, "no");
    // What Restate has written there since is of the same form, and is read.
    let after = read_values(table, "a prefix/");
    for key in ["nodes_config", "rule_book", "pp_epoch_0"] {
        assert!(after[key].0 > before[key].0, "{key}");
    }
    let listed = restatectl(&["metadata", "list", "--from", &toml, "-o", "json"]).expect(0).json();
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), before.len());
    assert!(keys.iter().all(|key| key["version"].is_u64()));
}

#[test]
fn items_equal_those_of_the_official_tool() {
    let cluster = start_cluster_to_migrate();
    let folder = TempDir::new().unwrap();
    for prefix in ["", "plain", "a/b/", "é+~#z \\u0007", "restate."] {
        let (ours, theirs) = (create_table(), create_table());
        let our_toml = write_file(&folder, "ours.toml", &ours.section(prefix));
        let their_toml = write_file(&folder, "theirs.toml", &theirs.section(prefix));
        migrate(&cluster, &our_toml, &[]).expect(0);
        official(&["-s", &cluster.address(), "metadata", "migrate", "--toml", &their_toml])
            .expect(0);
        let (mut ours, theirs) = (ours.items(), theirs.items());
        let rules = ours.keys().find(|name| name.ends_with("rule_book")).unwrap().clone();
        ours.remove(&rules).unwrap();
        assert_eq!(ours, theirs, "{prefix}");
    }
}

#[test]
fn existing_items_are_refused_resumed_or_replaced() {
    let cluster = start_cluster_to_migrate();
    let (table, folder) = (create_table(), TempDir::new().unwrap());
    let toml = write_file(&folder, "dynamo.toml", &table.section("p/"));
    table.put(&[json!({"pk": {"S": "p/README"}, "text": {"S": "foreign"}})]);
    migrate(&cluster, &toml, &[]).expect(0);
    let before = table.items();
    let refused = migrate(&cluster, &toml, &["-o", "json"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    // Half of it is there.
    table.server.boto("delete_item", &json!({"table": table.name, "pk": "p/nodes_config"}));
    table.server.boto("delete_item", &json!({"table": table.name, "pk": "p/pp_epoch_2"}));
    migrate(&cluster, &toml, &["--resume"]).expect(0);
    assert_eq!(table.items(), before);
    // A stale epoch, a damaged one, an older and an unknown one: --force replaces and deletes just what
    // was read, and saves it first.
    let stale = |name: &str| {
        let mut stale = before["p/pp_epoch_0"].clone();
        stale["pk"] = json!({"S": name});
        stale
    };
    table.put(&[
        stale("p/pp_epoch_78"),
        stale("p/new_key"),
        encode_item("p/rule_book", 1, b"\x06\x05\x01"),
        json!({"pk": {"S": "p/pp_epoch_1"}, "version": {"S": "2"}, "data": {"L": [{"BOOL": true}]}}),
        json!({"pk": {"S": "p/pp_epoch_3"}}),
    ]);
    migrate(&cluster, &toml, &["--resume"]).expect(5);
    let backups = ["--backup-dir", folder.path().to_str().unwrap()];
    let force = [&["--force", "-y", "-o", "json"][..], &backups].concat();
    let forced = migrate(&cluster, &toml, &force).expect(0).json();
    assert_eq!(table.items(), before);
    let saved = std::fs::read_to_string(forced["backup"].as_str().unwrap()).unwrap();
    let damaged = saved.lines().find(|line| line.contains("\"key\":\"pp_epoch_1\"")).unwrap();
    let data = STANDARD.encode("{\"L\":[{\"BOOL\":true}]}");
    assert!(damaged.contains("not of type Number") && damaged.contains(&data), "{damaged}");
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &toml]).expect(0);
}

#[test]
fn value_too_large_for_an_item_is_refused_before_any_write() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let (table, folder) = (create_table(), TempDir::new().unwrap());
    let toml = write_file(&folder, "dynamo.toml", &table.section(""));
    let schema = |version: u32, size: usize| {
        let text = format!(
            "\x05{{\"version\":{version},\"deployments_v2\":[],\"subscriptions\":[],\"text\":\"{}\"}}",
            "x".repeat(size)
        );
        put_value(&cluster.address(), "schema_registry", version, text.as_bytes());
    };
    schema(1, 410_000);
    let document = migrate(&cluster, &toml, &["-o", "json"]).expect(5).json();
    assert_eq!(document["error"]["code"], "value-too-large");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("schema_registry would be an item of 400.4"), "{message}");
    assert!(table.items().is_empty());
    // moto takes a little less than Amazon.
    schema(2, 400_000);
    migrate(&cluster, &toml, &[]).expect(0);
    // To replace it, the request carries it twice.
    schema(3, 399_000);
    migrate(&cluster, &toml, &["--force", "-y"]).expect(0);
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &toml]).expect(0);
}
