//! Runs, and undos, that are killed in the midst of their writes.

use std::process::Command;
use std::time::Duration;

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::tool::wait_for_exit;
use crate::support::wait_for;

use super::fixture::{UndoFixture, keys_with, migrate_words, undo_words};

/// An etcd that takes few operations at once, behind a proxy that delays each request.
struct SlowEtcd {
    etcd: Etcd,
    proxy: FaultyProxy,
}

impl SlowEtcd {
    fn start() -> SlowEtcd {
        let etcd = Etcd::start_with_flags(&["--max-txn-ops", "8"]);
        let (fault, direction) = (NetworkFault::Delay, Direction::ToServer);
        let proxy = FaultyProxy::start(&etcd.address(), fault, direction, 0);
        SlowEtcd { etcd, proxy }
    }

    fn toml(&self, fixture: &UndoFixture) -> String {
        fixture.toml("slow.toml", &etcd_section(&[self.proxy.address()]))
    }

    /// Waits until a run has changed the content, and is not at its end.
    fn wait_for_change(&self) {
        let before = self.etcd.content();
        let limit = Duration::from_secs(20);
        wait_for("a write", limit, || (self.etcd.content() != before).then_some(()));
    }
}

/// Starts a command and sends it a signal once it has changed the content of the target.
fn stop_amid_writes(fixture: &UndoFixture, slow: &SlowEtcd, args: &[&str], signal: &str) -> i32 {
    // Few requests at once, so that there is a time between the first write and the last.
    let child = fixture.spawn(&[args, &["--concurrency", "2"]].concat());
    slow.wait_for_change();
    let id = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    wait_for_exit(child).code
}

#[test]
fn killed_and_resumed_runs_are_taken_back_by_one_report() {
    let (slow, fixture) = (SlowEtcd::start(), UndoFixture::new());
    slow.etcd.put("somebody-else", "foreign");
    let before = slow.etcd.content();
    let (toml, source) = (slow.toml(&fixture), fixture.source(150));
    let migrate = migrate_words(&source, &toml);
    let resume = [&migrate[..], &["--resume"]].concat();
    let is_partial = || {
        let content = slow.etcd.content();
        assert!(content.len() > before.len(), "nothing was written");
        assert!(!content.contains_key("nodes_config"), "it was killed too late");
    };

    stop_amid_writes(&fixture, &slow, &migrate, "KILL");
    is_partial();
    let killed = fixture.read_report();
    assert_eq!(killed["outcome"], "interrupted");
    let hints = killed["error"]["hints"].as_array().unwrap();
    let takes_back =
        |hint: &serde_json::Value| hint.as_str().unwrap().contains("metadata undo --report");
    assert!(hints.iter().any(takes_back), "{killed}");
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(slow.etcd.content(), before);

    // Several runs, of which the last is refused: the keys of each are still known.
    stop_amid_writes(&fixture, &slow, &migrate, "KILL");
    is_partial();
    stop_amid_writes(&fixture, &slow, &resume, "KILL");
    is_partial();
    let refused = fixture.migrate(&source, &toml, &["-o", "json"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    assert_eq!(fixture.read_report(), refused);
    let misnamed = fixture.toml("slow.toml", "[metadata-client]\ntype = \"etd\"\n");
    assert_eq!(misnamed, toml);
    fixture.migrate(&source, &toml, &["--resume"]).expect(2);
    slow.toml(&fixture);
    assert_eq!(keys_with(&fixture.read_report(), "create").len(), 155);
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(slow.etcd.content(), before);

    // A resumed run that ends well lists every key as written.
    stop_amid_writes(&fixture, &slow, &migrate, "KILL");
    slow.proxy.clear_faults();
    fixture.migrate(&source, &toml, &["--resume"]).expect(0);
    let document = fixture.read_report();
    assert_eq!(document["outcome"], "migrated");
    let rows = document["keys"].as_array().unwrap();
    assert!(
        rows.iter().all(|row| row["action"] == "create" && row["written"] == true),
        "{document}"
    );
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(slow.etcd.content(), before);
}

#[test]
fn interrupted_undo_is_finished_by_the_same_command() {
    let (slow, fixture) = (SlowEtcd::start(), UndoFixture::new());
    let direct = fixture.toml("direct.toml", &slow.etcd.section());
    let (toml, small, large) = (slow.toml(&fixture), fixture.source(60), fixture.source(100));
    fixture.migrate(&small, &direct, &[]).expect(0);
    let before = slow.etcd.content();
    // Killed amid its writes, this run leaves old keys, new ones, and no nodes_config.
    let force = [&migrate_words(&large, &toml)[..], &["--force", "-y"]].concat();
    stop_amid_writes(&fixture, &slow, &force, "KILL");
    assert!(!slow.etcd.content().contains_key("nodes_config"));
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(slow.etcd.content(), before);

    // As one that ended well.
    fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0);
    let whole = slow.etcd.content();
    for (signal, code) in [("INT", 130), ("KILL", -1)] {
        assert_eq!(stop_amid_writes(&fixture, &slow, &undo_words(&toml), signal), code);
        let content = slow.etcd.content();
        assert!(content != whole && content != before, "it was stopped too late");
        assert!(!content.contains_key("nodes_config"), "a mixture looks whole");
    }
    let document = fixture.undo(&toml, &[]).expect(0).json();
    assert!(!keys_with(&document, "keep").is_empty());
    assert_eq!(slow.etcd.content(), before);
    std::fs::remove_file(fixture.report()).unwrap();

    // A run without a report is known by its backup file, and all of it is taken back with the run that resumed it,
    // which itself finds keys as they are to be, and no nodes_config.
    let without_report = ["metadata", "migrate", "--from", &large, "--toml", &toml];
    let without_report = [&without_report[..], &["--force", "-y"]].concat();
    stop_amid_writes(&fixture, &slow, &without_report, "KILL");
    assert!(!slow.etcd.content().contains_key("nodes_config"));
    slow.proxy.clear_faults();
    fixture.migrate(&large, &toml, &["--resume", "--force", "-y"]).expect(0);
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(slow.etcd.content(), before);
}
