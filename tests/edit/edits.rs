//! `metadata patch` and `metadata put` beside the official tool, on a running cluster and on the other
//! stores.

use std::collections::BTreeMap;

use restatectl::codec;
use restatectl::model::{Key, Version};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::edit::{ADD_RULE_PATCH, EditedStore, start_full_cluster};
use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode, get_value};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, official, restatectl, restatectl_with_input};

/// Returns a harmless edit of each key that both tools can edit.
fn edits() -> Vec<(&'static str, Json)> {
    let replace =
        |path: &str, value: Json| json!([{"op": "replace", "path": path, "value": value}]);
    vec![
        ("nodes_config", replace("/nodes/0/1/Node/location", json!("zone-1.a"))),
        (
            "bifrost_config",
            replace("/config/default_provider/replicated/target_nodeset_size", json!(3)),
        ),
        ("partition_table", replace("/partitions/1/1/log_id", json!(1))),
        ("schema_registry", replace("/deployments_v2/0/services/0/public", json!(false))),
        ("pp_epoch_0", replace("/epoch", json!(4_000_000_000_000_u64))),
    ]
}

#[test]
fn edits_equal_the_official_tools_and_a_cluster_starts_on_them() {
    let mut cluster = start_full_cluster();
    cluster.restart(&Mode::Migration);
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let address = cluster.address();
    restatectl(&["-s", &address, "metadata", "migrate", "--toml", &etcd.toml()]).expect(0);
    let ours = EditedStore::toml(&etcd.toml(), &folder);
    for (key, patch) in edits() {
        let patch = patch.to_string();
        // What was written by the server is written by us to the same bytes.
        let (version, stored) = get_value(&address, key).unwrap();
        let parsed = Key::parse(key);
        let document = codec::decode(&parsed, &stored).unwrap();
        let encoding = codec::encoding(&stored).unwrap();
        let again = codec::encode(&parsed, encoding, &document, Version(version)).unwrap();
        assert_eq!(codec::decode(&parsed, &again).unwrap(), document, "{key}");

        official(&["-s", &address, "metadata", "patch", "-k", key, "-p", &patch]).expect(0);
        let theirs = get_value(&address, key).unwrap();
        let done = ours.patch(key, &patch).expect(0).json();
        assert_eq!(done["version"], theirs.0);
        assert_eq!(done["value"], codec::decode(&parsed, &theirs.1).unwrap(), "{key}");
        assert_eq!(etcd.content()[key], theirs.1, "{key}: other bytes than the official tool's");

        // The same by put, from a document whose version is ignored.
        let mut document = done["value"].clone();
        document["version"] = json!(9_999);
        document["added_by_the_test"] = json!({"wide": u64::MAX, "narrow": [1, -1, 0.5, null]});
        let file = write_file(&folder, "document.json", &document.to_string());
        official(&["-s", &address, "metadata", "put", "-k", key, &file]).expect(0);
        let theirs = get_value(&address, key).unwrap();
        let done = ours.run("put", key, &["-o", "json", &file]).expect(0).json();
        assert_eq!(done["version"], theirs.0);
        assert_eq!(done["value"], codec::decode(&parsed, &theirs.1).unwrap(), "{key}");
        assert_eq!(etcd.content()[key], theirs.1, "{key}: other bytes than the official tool's");
    }
    // The official tool can't edit the rules.
    let rules = ["-s", &address, "metadata", "patch", "-k", "rule_book", "-p", ADD_RULE_PATCH];
    assert!(official(&rules).code != 0, "the official tool has learned to edit the rule book");
    ours.patch("rule_book", ADD_RULE_PATCH).expect(0);

    cluster.restart(&Mode::External(etcd.section()));
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
    assert_eq!(cluster.services(), ["Counter"]);
}

#[test]
fn running_cluster_is_edited_and_starts_on_the_result() {
    let mut cluster = start_full_cluster();
    cluster.restart(&Mode::Migration);
    let folder = TempDir::new().unwrap();
    let store = EditedStore::cluster(&cluster, &folder);
    let mut all = edits();
    // A service that is not public could not be called below.
    all.retain(|(key, _)| *key != "schema_registry");
    all.push((
        "schema_registry",
        json!([{"op": "remove", "path": "/deployments_v2/0/sdk_version"}]),
    ));
    all.push(("rule_book", serde_json::from_str(ADD_RULE_PATCH).unwrap()));
    for (index, (key, patch)) in all.into_iter().enumerate() {
        let (before, patch) = (store.get(key), patch.to_string());
        let old = before["version"].as_u64().unwrap();
        // A dry run tells the same and does nothing.
        let dry = store.run("patch", key, &["-o", "json", "-n", "-p", &patch]).expect(0).json();
        assert_eq!((&dry["written"], &dry["backup"]), (&json!(false), &json!(null)));
        assert_eq!((store.get(key), store.backups()), (before.clone(), index));

        let done = store.patch(key, &patch).expect(0).json();
        assert_eq!(done["value"], dry["value"]);
        assert_eq!(done["value"], store.get(key));
        assert_eq!((&done["old_version"], &done["version"]), (&json!(old), &json!(old + 1)));
        assert_eq!(
            (&done["written"], &done["store"]["type"]),
            (&json!(true), &json!("replicated"))
        );
        // The old value is in the backup file, which every STORE argument reads.
        let file = done["backup"].as_str().unwrap();
        assert_eq!(EditedStore::toml(file, &folder).get(key), before);
    }
    // An absent key is created at version 1, and not patched.
    let epoch = store.get("pp_epoch_0").to_string();
    let args = store.args("put", "pp_epoch_7", &["-o", "json", "-"]);
    let created = restatectl_with_input(&args, &epoch).expect(0).json();
    assert_eq!((&created["old_version"], &created["version"]), (&json!(null), &json!(1)));
    assert_eq!(
        (store.get("pp_epoch_7")["version"].clone(), created["backup"].clone()),
        (json!(1), json!(null))
    );
    assert_eq!(store.patch("pp_epoch_8", "[]").expect(3).json()["error"]["code"], "key-not-found");

    cluster.restart(&Mode::Normal);
    cluster.wait_for_rules(&["scope1/*", "scope2/*"]);
    assert_eq!(cluster.count(1), 6);
    assert_eq!(store.get("nodes_config")["nodes"][0][1]["Node"]["location"], "zone-1.a");
}

#[test]
fn concurrent_edits_are_not_lost() {
    let cluster = Cluster::ready_to_migrate(1);
    let (folder, etcd, bucket) = (TempDir::new().unwrap(), Etcd::start(), seaweed().bucket());
    let s3 = write_file(&folder, "s3.toml", &bucket.section("p"));
    for toml in [&etcd.toml(), &s3] {
        restatectl(&["-s", &cluster.address(), "metadata", "migrate", "--toml", toml]).expect(0);
    }
    let backups = TempDir::new().unwrap();
    let stores = [
        EditedStore::cluster(&cluster, &backups),
        EditedStore::toml(&etcd.toml(), &backups),
        EditedStore::toml(&s3, &backups),
    ];
    for store in &stores {
        let (mut expected, mut refused) = (BTreeMap::from([("scope1/*".to_owned(), 5)]), 0);
        for round in 0..8 {
            let runs: Vec<(String, Run)> = std::thread::scope(|scope| {
                let editors = (0..3).map(|editor| {
                    scope.spawn(move || {
                        let pattern = format!("r{round}e{editor}/*");
                        let patch =
                            ADD_RULE_PATCH.replace("scope2~1*", &pattern.replace('/', "~1"));
                        (pattern, store.patch("rule_book", &patch))
                    })
                });
                let editors: Vec<_> = editors.collect();
                editors.into_iter().map(|editor| editor.join().unwrap()).collect()
            });
            for (pattern, run) in runs {
                if run.code == 0 {
                    expected.insert(pattern, 7);
                    continue;
                }
                let error = run.expect(5).json()["error"].clone();
                assert_eq!(error["code"], "version-mismatch");
                assert!(error["message"].as_str().unwrap().contains("+++ now, version"), "{error}");
                refused += 1;
            }
        }
        let book = store.get("rule_book");
        assert_eq!(book["version"], expected.len());
        let rules = book["rules"].as_object().unwrap().iter();
        let limits = rules
            .map(|(name, rule)| (name.clone(), rule["limits"]["concurrency"].as_i64().unwrap()));
        assert_eq!(limits.collect::<BTreeMap<_, _>>(), expected);
        assert!(refused > 0, "the editors never met");
    }
}

#[test]
fn rule_book_in_a_codec_that_ends_the_workers_is_mended() {
    let mut cluster = Cluster::ready_to_migrate(1);
    let (folder, etcd) = (TempDir::new().unwrap(), Etcd::start());
    let (address, toml) = (cluster.address(), etcd.toml());
    restatectl(&["-s", &address, "metadata", "migrate", "--toml", &toml]).expect(0);
    let store = EditedStore::toml(&toml, &folder);
    let book = store.get("rule_book");
    // As the official tool's `put` writes it.
    let version = Version(2);
    let bytes = codec::encode(&Key::Logs, codec::Encoding::Flexbuffers, &book, version).unwrap();
    etcd.put("rule_book", bytes.to_vec());
    etcd.put("rule_book::version", version.0.to_le_bytes());
    let listed = restatectl(&["metadata", "list", "--from", &toml]).expect(0);
    let fault = "rule_book is encoded as flexbuffers, but servers read this key as bilrost only";
    assert!(listed.err.contains(fault), "{}", listed.err);
    let other = Etcd::start();
    let error = restatectl(&[
        "metadata",
        "migrate",
        "--from",
        &toml,
        "--toml",
        &other.toml(),
        "-o",
        "json",
    ]);
    assert_eq!(error.expect(5).json()["error"]["code"], "value-corrupt");

    let file = write_file(&folder, "book.json", &book.to_string());
    store.run("put", "rule_book", &["-o", "json", &file]).expect(0);
    assert_eq!(etcd.content()["rule_book"][0], 6);
    cluster.restart(&Mode::External(etcd.section()));
    cluster.wait_for_rules(&["scope1/*"]);
}
