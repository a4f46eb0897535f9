//! Targets that hold keys: refuse, `--resume`, `--force`.

use serde_json::Value as Json;

use crate::support::etcd::Etcd;
use crate::support::restate::Cluster;
use crate::support::tool::{Run, restatectl};

fn migrate_to_etcd(cluster: &Cluster, etcd: &Etcd, more: &[&str]) -> Run {
    let args =
        ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml(), "-o", "json"];
    restatectl(&[&args, more].concat())
}

fn actions(document: &Json) -> Vec<String> {
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| format!("{}:{}", key["key"], key["action"]).replace('"', "")).collect()
}

#[test]
fn existing_keys_are_refused_resumed_or_replaced() {
    let cluster = Cluster::ready_to_migrate(3);
    let etcd = Etcd::start();
    etcd.put("foreign", "stays");
    etcd.put("nodes_config_of_somebody", "stays");
    migrate_to_etcd(&cluster, &etcd, &[]).expect(0);
    let whole = etcd.content();

    // All are listed, nothing is written, and the option that fits is named.
    let refused = migrate_to_etcd(&cluster, &etcd, &[]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    let message = refused["error"]["message"].as_str().unwrap();
    for key in ["nodes_config", "rule_book", "pp_epoch_0", "pp_epoch_1", "pp_epoch_2"] {
        assert!(message.contains(&format!("{key} is identical")), "{message}");
    }
    assert!(refused["error"]["hints"][0].as_str().unwrap().contains("--resume"));
    assert!(actions(&refused).iter().all(|action| action.ends_with(":conflict")));
    assert_eq!(etcd.content(), whole);

    // A half-written target: what is missing is created, the rest is left alone.
    for key in ["nodes_config", "pp_epoch_1", "rule_book"] {
        etcd.delete(key);
        etcd.delete(&format!("{key}::version"));
    }
    let resumed = migrate_to_etcd(&cluster, &etcd, &["--resume"]).expect(0).json();
    assert_eq!(etcd.content(), whole);
    assert_eq!(actions(&resumed).iter().filter(|action| action.ends_with(":create")).count(), 3);
    assert!(actions(&resumed).contains(&"pp_epoch_0:skip".to_owned()));

    // What differs is refused by --resume and replaced by --force; what is only there is deleted.
    etcd.put("pp_epoch_2", "other bytes");
    etcd.put("pp_epoch_77", "stale");
    etcd.put("pp_epoch_77::version", 9_u32.to_le_bytes());
    etcd.delete("pp_epoch_0::version");
    let found = etcd.content();
    let refused = migrate_to_etcd(&cluster, &etcd, &["--resume"]).expect(5).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("pp_epoch_77 is only in the target, at version 9"), "{message}");
    assert!(message.contains("pp_epoch_2 has other bytes at the same version"), "{message}");
    assert!(message.contains("pp_epoch_0 has bytes but no pp_epoch_0::version"), "{message}");
    assert!(refused["error"]["hints"][0].as_str().unwrap().contains("--force"));
    assert_eq!(etcd.content(), found);
    let both =
        migrate_to_etcd(&cluster, &etcd, &["--resume", "--force", "--dry-run"]).expect(0).json();
    assert_eq!(both["outcome"], "planned");
    assert!(actions(&both).contains(&"pp_epoch_77:delete".to_owned()));
    assert!(actions(&both).contains(&"pp_epoch_1:skip".to_owned()));
    assert_eq!(etcd.content(), found);
    let forced = migrate_to_etcd(&cluster, &etcd, &["--force", "-y"]).expect(0).json();
    assert_eq!(forced["outcome"], "migrated");
    // No command puts back what was damaged.
    let steps = forced["next_steps"].to_string();
    assert!(
        steps.contains("Damaged keys (pp_epoch_0) cannot be restored")
            && !steps.contains("To undo this migration"),
        "{steps}"
    );
    assert_eq!(etcd.content(), whole);
}
