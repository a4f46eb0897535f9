//! An interrupted `--force`: it is known by the backup file that says what it was made for, and by no
//! other that happens to fit.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::{generate_snapshot, save_generated, value_of_epoch};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::schema;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl, run};

#[test]
fn killed_overwrite_is_resumed_by_the_command_in_its_report() {
    let etcd = Etcd::start_with_flags(&["--max-txn-ops", "8"]);
    let folder = TempDir::new().unwrap();
    let source = save_generated(&folder, &generate_snapshot(40));
    let proxy = HoldingProxy::start(&etcd.address(), "no key has this name");
    let toml = write_file(&folder, "etcd.toml", &etcd_section(&[proxy.address()]));
    let migrate = ["metadata", "migrate", "--from", &source, "--toml", &toml];
    let put_newer = |key: &str| {
        etcd.put(key, b"\x05{\"version\":9999}");
        etcd.put(&format!("{key}::version"), 9_999_u32.to_le_bytes());
    };
    restatectl(&["metadata", "migrate", "--from", &source, "--toml", &etcd.toml()]).expect(0);
    put_newer("pp_epoch_39");
    etcd.put("pp_epoch_77", "half");
    // A backup of the same target that no migration made: its values fit, and it proves nothing.
    let others = TempDir::new().unwrap();
    let other = others.path().join("restatectl-backup-generated-20990101T000000Z.jsonl");
    let other = other.to_str().unwrap();
    restatectl(&["metadata", "backup", "--from", &toml, "--to", other]).expect(0);

    let report = folder.path().join("report.json").to_str().unwrap().to_owned();
    let backups = TempDir::new().unwrap();
    let force = ["--force", "-y", "--overwrite-newer", "--report", &report];
    let mut killed = command(&program(), &[&migrate[..], &force].concat());
    killed.current_dir(backups.path()).stdout(Stdio::null()).stderr(Stdio::null());
    proxy.hold_at(&value_of_epoch(20));
    let mut child = killed.spawn().unwrap();
    proxy.wait_until_holding();
    child.kill().unwrap();
    child.wait().unwrap();
    proxy.discard();
    assert!(!etcd.content().contains_key("nodes_config"), "it is the first that is deleted");
    put_newer("pp_epoch_39");

    let document: Json = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    schema::check(&document);
    assert_eq!(document["outcome"], "interrupted");
    let made = Path::new(document["backup"].as_str().unwrap());
    let made = backups.path().join(made.file_name().unwrap());
    let header = std::fs::read_to_string(&made).unwrap().lines().next().unwrap().to_owned();
    let header: Json = serde_json::from_str(&header).unwrap();
    assert_eq!(header["store"], format!("etcd {}", proxy.address()));
    assert_eq!(
        header["overwritten_with"].as_object().unwrap().get("pp_epoch_77"),
        Some(&Json::Null)
    );
    assert_eq!(header["overwritten_with"]["pp_epoch_39"]["version"], 309);

    // Without that file, what lies there belongs to nobody known.
    let found = etcd.content();
    for folder in [folder.path(), others.path()] {
        let resume = ["--resume", "--force", "-y", "--backup-dir", folder.to_str().unwrap()];
        let refused = restatectl(&[&migrate[..], &resume].concat()).expect(5);
        assert!(refused.err.contains("--overwrite-"), "{}", refused.err);
    }
    assert_eq!(etcd.content(), found);

    // The command works as printed, from another folder.
    let hints = document["error"]["hints"].as_array().unwrap();
    let line = hints[0].as_str().unwrap().split_once("resume with: ").unwrap().1;
    assert!(line.contains(&format!("--backup-dir {}", backups.path().display())), "{line}");
    run(command("sh".as_ref(), &["-c", line]), "").expect(0);
    restatectl(&["metadata", "verify", "--from", &source, "--toml", &toml]).expect(0);
}
