//! An external store as the source, whose nodes nobody has asked.

use serde_json::json;
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::tool::restatectl;

#[test]
fn source_whose_nodes_were_not_asked_is_not_said_to_be_unused() {
    let (source, target, folder) = (Etcd::start(), Etcd::start(), TempDir::new().unwrap());
    let (from, toml) = (source.toml(), target.toml());
    let file = save_generated(&folder, &generate_snapshot(3));
    restatectl(&["metadata", "migrate", "--from", &file, "--toml", &from]).expect(0);
    for (more, ready, words) in [
        (&[][..], json!(true), "no node in its nodes_config responded as running on it"),
        (
            &["-S", "http://127.0.0.1:1"],
            json!(null),
            "none of the nodes in its nodes_config was asked",
        ),
    ] {
        let args =
            ["metadata", "migrate", "--from", &from, "--toml", &toml, "--dry-run", "-o", "json"];
        let document = restatectl(&[&args[..], more].concat()).expect(0).json();
        let checks = document["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == "migration-mode").unwrap();
        assert!(check["detail"].as_str().unwrap().contains(words), "{check}");
        assert_eq!(document["ready"], ready);
    }
}
