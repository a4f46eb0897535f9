//! Migrations back to the cluster's own replicated store: refusals, restarts, kills and lost responses.

use std::process::Stdio;
use std::time::Duration;

use super::fixture::{RollbackFixture, SERVER, etcd_generations};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::pseudo_terminal::PseudoTerminal;
use crate::support::restate::{Cluster, Mode, get_value, put_value};
use crate::support::tool::{command, program, restatectl, wait_for_exit};

/// A marker in the put of `nodes_config` and in no read request.
const NODES_CONFIG_PUT: &str = "current_generation";
/// A marker in the put of an epoch.
const EPOCH_PUT: &str = "replica_set";

#[test]
fn rollback_needs_force_and_restores_the_replicated_store() {
    let mut setting = RollbackFixture::new(&[crate::support::restate::ALL_ROLES]);
    let starts = etcd_generations(&setting);
    let refused = setting.migrate(&["-o", "json"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    let planned = setting.migrate(&["--force", "--dry-run", "-o", "json"]).expect(0).json();
    assert_eq!(planned["outcome"], "planned");
    let listed = restatectl(&["metadata", "list", "--from", &setting.toml()]).expect(0);
    assert!(listed.out.contains("nodes_config"), "{}", listed.out);
    let run = setting.migrate(&["--force"]).expect(0);
    for words in [
        "type = \"replicated\"",
        "Give the \"metadata-server\" role and the [metadata-server] section back to: N1 node-1",
        "Do not start any node on etcd 127.0.0.1",
    ] {
        assert!(run.out.contains(words), "{}", run.out);
    }
    assert!(run.err.contains("nothing can prove"), "{}", run.err);
    setting.cluster.wait_until_stopped();
    // Nobody is left to ask.
    let down = setting.migrate(&["--force", "--resume", "-o", "json"]).expect(6).json();
    assert_eq!(down["error"]["code"], "target-unavailable");
    // Started again in migration mode, all is found done.
    setting.cluster.restart(&Mode::Migration);
    let backup = setting.backups.path().join("source.jsonl");
    let with_backup = ["--resume", "-o", "json", "--backup", backup.to_str().unwrap()];
    let again = setting.migrate(&with_backup).expect(0).json();
    assert!(backup.is_file() && again["source_backup"].is_string(), "{again:#}");
    let keys = again["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["action"] == "skip"), "{again:#}");
    setting.cluster.stop();
    setting.assert_works_on_replicated_store(&starts);
    // Running, it is no target any more, and newer than the source.
    let document = setting.migrate(&["--force", "-o", "json"]).expect(5).json();
    assert_eq!(document["error"]["code"], "target-newer");
}

#[test]
fn nodes_started_before_the_answer_are_not_written_under() {
    let mut setting = RollbackFixture::new(&[crate::support::restate::ALL_ROLES]);
    let toml = setting.toml();
    let mut args = setting.args(&toml, &["--force"]);
    args.retain(|word| word != "-y");
    let mut terminal = PseudoTerminal::start(&args);
    terminal.wait_for_text("Replace it? [y/N]");
    setting.cluster.restart_node(0, &Mode::Normal);
    let before = get_value(&setting.cluster.address(), "rule_book");
    terminal.type_bytes(b"y\n");
    assert_eq!(terminal.wait_for_end(Duration::from_secs(60)), 5, "{}", terminal.shown());
    let shown = terminal.shown();
    assert!(shown.contains("nothing was written, but the target has left"), "{shown}");
    assert_eq!(get_value(&setting.cluster.address(), "rule_book"), before);
}

#[test]
fn rollback_refuses_absent_or_running_nodes_newer_keys_and_other_clusters() {
    let mut setting = RollbackFixture::new(&[crate::support::restate::ALL_ROLES, SERVER, SERVER]);
    // A node of the source that is not there, nor in migration mode: one that has no role but metadata server.
    let bystander = if setting.cluster.leader() == 1 { 2 } else { 1 };
    setting.cluster.kill_node(bystander);
    setting.assert_refused(&[], "not-in-migration-mode", "does not respond: connection refused");
    let dry = setting.migrate(&["--force", "--dry-run", "-o", "json"]).expect(5).json();
    assert_eq!(dry["ready"], false, "{dry:#}");
    let toml = setting.toml();
    let usage = setting.args(&toml, &["--force", "--ignore-node", "N2", "-o", "json"]);
    assert_eq!(restatectl(&usage).expect(2).json()["error"]["code"], "usage");
    let own = ["-s", &setting.cluster.addresses(), "metadata", "migrate", "--toml", &toml];
    assert!(restatectl(&own).expect(2).err.contains("--from"));
    setting.cluster.restart_node(bystander, &Mode::Migration);
    setting.cluster.restart_node(0, &Mode::Normal);
    setting.assert_refused(&[], "not-in-migration-mode", "runs in its normal roles");
    setting.cluster.restart_node(0, &Mode::Migration);
    // One that runs on the source is met by its store.
    setting.cluster.restart_node(bystander, &Mode::External(setting.etcd.section()));
    setting.assert_refused(&[], "not-in-migration-mode", "runs on another store");
    setting.cluster.restart_node(bystander, &Mode::Migration);
    // A leader that has just been restarted may not say yet that it leads.
    setting.cluster.restart_node(setting.cluster.leader(), &Mode::Migration);
    // A key of the target that is newer.
    let (version, bytes) = get_value(&setting.cluster.address(), "rule_book").unwrap();
    let newer = b"\x05{\"version\":99,\"rules\":[]}";
    put_value(&setting.cluster.address(), "rule_book", 99, newer);
    setting.assert_refused(&[], "target-newer", "rule_book is at version 99, the source has 2");
    put_value(&setting.cluster.address(), "rule_book", version, &bytes);
    // Another cluster, whatever is permitted.
    setting.cluster.stop();
    let mut other = Cluster::start(&[SERVER], 3);
    other.restart(&Mode::Migration);
    let toml = other.replicated_toml("other.toml", &[other.address()]);
    let more = ["--force", "--overwrite-cluster", "demo", "--overwrite-newer", "-o", "json"];
    let before = get_value(&other.address(), "nodes_config");
    let document = restatectl(&setting.args(&toml, &more)).expect(5).json();
    assert!(document["error"]["message"].as_str().unwrap().contains("another cluster: demo"));
    let codes = document["checks"].as_array().unwrap().iter();
    let failed: Vec<_> = codes.filter(|check| check["status"] == "failed").collect();
    assert!(failed.iter().any(|check| check["check"] == "target-cluster"), "{failed:?}");
    assert!(document["error"]["hints"].to_string().contains("can't become another one"));
    assert_eq!(get_value(&other.address(), "nodes_config"), before);
}

#[test]
fn rollback_survives_a_leader_change_before_the_last_put() {
    let mut setting = RollbackFixture::new(&[crate::support::restate::ALL_ROLES, SERVER, SERVER]);
    let starts = etcd_generations(&setting);
    let leader = setting.cluster.leader();
    let survivor = setting.cluster.nodes[(leader + 1) % 3].address();
    let proxy = HoldingProxy::start(survivor.trim_start_matches("http://"), NODES_CONFIG_PUT);
    let child = setting.spawn(&setting.toml_through(&proxy), &["--force"]);
    proxy.wait_until_holding();
    // All else is there by now, and the put is on its way.
    assert_eq!(get_value(&survivor, "rule_book").unwrap().0, 2);
    setting.cluster.kill_node(leader);
    setting.cluster.restart_node(leader, &Mode::Migration);
    proxy.release();
    let run = wait_for_exit(child).expect(0);
    println!("the leader killed and started again before the last put:\n{}", run.err);
    // Done, but for a node that an operator starts on the store that the cluster has left.
    setting.cluster.restart(&Mode::Migration);
    assert_eq!(setting.migrate(&["--force", "-o", "json"]).expect(0).json()["ready"], true);
    setting.cluster.restart_node((leader + 2) % 3, &Mode::External(setting.etcd.section()));
    // While it starts, its store may not respond, and nothing is known of it.
    let met = crate::support::wait_for("the node to be met", Duration::from_secs(30), || {
        let run = setting.migrate(&["--force", "-o", "json"]);
        (run.code == 5).then_some(run)
    });
    assert_eq!(met.json()["error"]["code"], "not-in-migration-mode", "{}", met.err);
    setting.cluster.stop();
    setting.assert_works_on_replicated_store(&starts);
}

#[test]
fn killed_rollback_is_resumed() {
    let mut setting = RollbackFixture::with_etcd_starts(&[crate::support::restate::ALL_ROLES], 3);
    let starts = etcd_generations(&setting);
    let to = setting.cluster.address().trim_start_matches("http://").to_owned();
    let (nodes_config, _) = get_value(&setting.cluster.address(), "nodes_config").unwrap();
    for (marker, more) in
        [(EPOCH_PUT, &["--force"][..]), (NODES_CONFIG_PUT, &["--force", "--resume"])]
    {
        let proxy = HoldingProxy::start(&to, marker);
        let mut child = setting.spawn(&setting.toml_through(&proxy), more);
        proxy.wait_until_holding();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(get_value(&setting.cluster.address(), "nodes_config").unwrap().0, nodes_config);
    }
    // A restart in between changes nothing.
    setting.cluster.restart(&Mode::Migration);
    setting.migrate(&["--resume"]).expect(5);
    let resumed = setting.migrate(&["--resume", "--force", "-o", "json"]).expect(0).json();
    assert_eq!(std::fs::read_dir(setting.backups.path()).unwrap().count(), 1, "{resumed:#}");
    let written = resumed["keys"].as_array().unwrap().iter().filter(|key| key["written"] == true);
    assert_eq!(written.map(|key| key["key"].clone()).collect::<Vec<_>>(), ["nodes_config"]);
    setting.assert_works_on_replicated_store(&starts);
}

#[test]
fn lost_response_to_the_last_put_is_reported_as_unknown() {
    let mut setting = RollbackFixture::new(&[crate::support::restate::ALL_ROLES]);
    let starts = etcd_generations(&setting);
    let to = setting.cluster.address().trim_start_matches("http://").to_owned();
    // It would stop by itself, but may take longer to see what was put than anybody waits for an answer.
    let proxy = HoldingProxy::start_silencing(&to, NODES_CONFIG_PUT);
    let short = ["--force", "-o", "json", "--request-timeout", "5000"];
    let args = setting.args(&setting.toml_through(&proxy), &short);
    let single = [&["-S".to_owned(), setting.cluster.address()][..], &args[..]].concat();
    let mut command = command(&program(), &single);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_holding();
    // Time enough to carry it out.
    std::thread::sleep(Duration::from_secs(1));
    setting.cluster.kill_node(0);
    let document = wait_for_exit(child).expect(7).json();
    assert_eq!(document["error"]["code"], "target-unavailable");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("nodes_config is unconfirmed"), "{message}");
    assert!(document["error"]["hints"].to_string().contains("--resume"));
    setting.cluster.restart(&Mode::Migration);
    let resumed = setting.migrate(&["--resume", "--force", "-o", "json"]).expect(0).json();
    assert_eq!(resumed["outcome"], "migrated");
    setting.cluster.stop();
    setting.assert_works_on_replicated_store(&starts);
}
