//! Roll-backs of a cluster whose members of the replicated store were removed on the external store.

use serde_json::{Value as Json, json};

use super::fixture::{RollbackFixture, SERVER, etcd_generations};
use crate::support::restate::{ALL_ROLES, Mode, get_value};
use crate::support::tool::{Run, official, restatectl};

impl RollbackFixture {
    /// Makes these nodes tombstones in the `nodes_config` of etcd; returns their ids.
    fn remove_in_etcd(&self, names: &[&str]) -> Vec<u64> {
        let toml = self.etcd.toml();
        let get = ["metadata", "get", "--from", &toml, "-k", "nodes_config"];
        let document = restatectl(&get).expect(0).json();
        let nodes = document["nodes"].as_array().unwrap();
        let (mut patch, mut ids): (Vec<Json>, Vec<u64>) = Default::default();
        for name in names {
            let id = document["name_lookup"][name].as_u64().unwrap();
            let index = nodes.iter().position(|pair| pair[0] == id).unwrap();
            let path = format!("/nodes/{index}/1");
            patch.push(json!({"op": "replace", "path": path, "value": "Tombstone"}));
            patch.push(json!({"op": "remove", "path": format!("/name_lookup/{name}")}));
            ids.push(id);
        }
        let (patch, backups) = (json!(patch).to_string(), self.cluster.folder.path());
        let folder = ["--backup-dir", backups.to_str().unwrap()];
        let args = ["metadata", "patch", "-y", "--from", &toml, "-k", "nodes_config", "-p", &patch];
        restatectl(&[&args[..], &folder].concat()).expect(0);
        ids
    }

    /// Returns every key of the replicated store with its version and digest.
    fn replicated_keys(&self) -> Json {
        let list = ["-s", &self.cluster.addresses(), "metadata", "list", "-o", "json"];
        restatectl(&list).expect(0).json()["keys"].clone()
    }

    /// Removes these members of the replicated store with the official tool.
    fn remove_members(&self, ids: &[u64]) -> Run {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let remove = ["metadata-server", "remove-node", &ids.join(",")];
        official(&[&["-s", &self.cluster.addresses()][..], &remove].concat())
    }

    /// Returns the finding of the check with this name.
    fn finding<'a>(document: &'a Json, name: &str) -> &'a Json {
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap()
    }
}

#[test]
fn rollback_that_would_remove_a_majority_of_the_members_is_refused() {
    let mut setting = RollbackFixture::with_etcd_starts(&[ALL_ROLES, SERVER, SERVER], 1);
    let removed = setting.remove_in_etcd(&["node-2", "node-3"]);
    let before = setting.replicated_keys();
    for more in [&["--force"][..], &["--force", "--dry-run"], &["--force", "--resume"]] {
        let document = setting.migrate(&[more, &["-o", "json"]].concat()).expect(5).json();
        assert_eq!(document["error"]["code"], "rollback-unsafe", "{document:#}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.contains("(node-2, ") && message.contains("(node-3, "), "{message}");
        let hints = document["error"]["hints"].to_string();
        assert!(hints.contains("metadata-server remove-node"), "{hints}");
    }
    assert_eq!(setting.replicated_keys(), before);
    assert!(std::fs::read_dir(setting.backups.path()).unwrap().next().is_none());
    // As the hint says: with the members removed, the one that does not run first, it succeeds.
    setting.cluster.kill_node(2);
    let document = setting.migrate(&["--force", "-o", "json"]).expect(5).json();
    let command = format!("metadata-server remove-node {},{}`", removed[1], removed[0]);
    assert!(document["error"]["hints"].to_string().contains(&command), "{document:#}");
    let run = setting.remove_members(&[removed[1], removed[0]]);
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    let starts = etcd_generations(&setting);
    let run = setting.migrate(&["--force"]).expect(0);
    assert!(run.out.contains("section back to: N1 node-1. They"), "{}", run.out);
    setting.cluster.stop();
    setting.cluster.nodes.truncate(1);
    setting.assert_works_on_replicated_store(&starts);
}

#[test]
fn rollback_without_a_minority_of_the_members_warns_and_completes() {
    let mut setting = RollbackFixture::with_etcd_starts(&[ALL_ROLES, SERVER, SERVER], 1);
    let removed = setting.remove_in_etcd(&["node-3"]);
    let starts = etcd_generations(&setting);
    let document = setting.migrate(&["--force", "-o", "json"]).expect(0).json();
    let finding = RollbackFixture::finding(&document, "quorum");
    assert_eq!(finding["status"], "warning", "{finding}");
    let detail = finding["detail"].as_str().unwrap();
    assert!(detail.contains("(node-3, ") && !detail.contains("(node-2, "), "{detail}");
    let steps = document["next_steps"].to_string();
    assert!(steps.contains(" node-2. They"), "{steps}");
    assert!(steps.contains("still counts these removed nodes"), "{steps}");
    setting.cluster.stop();
    setting.cluster.nodes.truncate(2);
    setting.assert_works_on_replicated_store(&starts);
    // What the warning says of the official tool.
    let run = setting.remove_members(&removed);
    assert!(run.code != 0 && run.out.contains("unknown node"), "{} {}", run.out, run.err);
    setting.cluster.restart(&Mode::Normal);
    assert!(get_value(&setting.cluster.address(), "rule_book").is_some());
}
