//! A round that copies what changed at the source, and fails: the document says what each key holds, and the command that
//! it prints goes on.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::generated::{FINGERPRINT, generate_cluster, save_generated};
use crate::support::http_proxy::{HttpFault, HttpProxy};
use crate::support::s3::seaweed;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, restatectl, run};

const PATCH: &str = r#"[{"op": "add", "path": "/rules/scope~1*/limits/concurrency", "value": 9}]"#;

/// Returns an action that changes the rules of the store.
fn change_rules(store: &str, backups: &str) -> Box<dyn Fn() + Send> {
    let words = ["metadata", "patch", "-k", "rule_book", "-p", PATCH, "-y", "--from", store];
    let words = [&words[..], &["--backup-dir", backups]].concat();
    let words: Vec<_> = words.into_iter().map(ToOwned::to_owned).collect();
    Box::new(move || drop(restatectl(&words).expect(0)))
}

fn version_of(keys: &Json, key: &str) -> Json {
    let keys = keys["keys"].as_array().unwrap();
    keys.iter().find(|row| row["key"] == key).map_or(Json::Null, |row| row["version"].clone())
}

#[test]
fn round_that_fails_is_told_exactly_and_resumed_by_the_command_that_it_prints() {
    let (source, folder) = (Etcd::start(), TempDir::new().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = save_generated(&folder, &generate_cluster(5, FINGERPRINT, 3));
    restatectl(&["metadata", "migrate", "--from", &file, "--toml", &source.toml()]).expect(0);
    let (bucket, from) = (seaweed().bucket().warm(), source.toml());
    let proxy = HttpProxy::start(&bucket.s3.endpoint);
    let toml = write_file(&folder, "s3.toml", &bucket.section_at(&proxy.endpoint(), "p"));
    let (report, backups) = (path("migrate.json"), path(""));
    let migrate = ["metadata", "migrate", "--from", &from, "--toml", &toml, "-y", "-o", "json"];
    let migrate = [&migrate[..], &["--report", &report, "--backup-dir", &backups]].concat();

    proxy.inject("PUT", "/rule_book", 1, HttpFault::Before(change_rules(&from, &backups)));
    proxy.inject("PUT", "/rule_book", usize::MAX / 4, HttpFault::Answer(403, "AccessDenied"));
    let failed = restatectl(&migrate).expect(7).json();
    proxy.clear_faults();
    let held = restatectl(&["metadata", "list", "--from", &toml, "-o", "json"]).expect(0).json();
    assert_eq!(version_of(&held, "nodes_config"), Json::Null, "it is deleted first");
    let rows = failed["keys"].as_array().unwrap().iter();
    let written: Vec<_> = rows.filter(|row| row["written"] == true).collect();
    assert!(written.iter().any(|row| row["key"] == "rule_book"), "{failed:#}");
    for row in written {
        let key = row["key"].as_str().unwrap();
        assert_eq!(row["version"], version_of(&held, key), "{row:#}");
    }

    // Without more than --resume, nobody knows whose the rest is.
    restatectl(&[&migrate[..], &["--resume"]].concat()).expect(5);
    let hints = failed["error"]["hints"].as_array().unwrap();
    let line = hints[0].as_str().unwrap().split_once("resume with: ").unwrap().1;
    run(command("sh".as_ref(), &["-c", line]), "").expect(0);
    restatectl(&["metadata", "verify", "--from", &from, "--toml", &toml]).expect(0);
    // The copy that the first run has left is no state to come back to, so that its report is kept beside that of the second.
    for report in [&report, &format!("{report}.1")] {
        let undo = ["metadata", "undo", "--report", report, "--toml", &toml, "-y"];
        restatectl(&[&undo[..], &["--backup-dir", &backups]].concat()).expect(0);
    }
    let left = restatectl(&["metadata", "list", "--from", &toml, "-o", "json"]).expect(0).json();
    assert_eq!(left["keys"], json!([]));
}
