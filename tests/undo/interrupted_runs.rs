//! Runs, and undos, that are killed in the midst of their writes.

use crate::support::etcd::{Etcd, etcd_section};
use crate::support::generated::value_of_epoch;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::pseudo_terminal::send_signal;
use crate::support::tool::wait_for_exit;

use super::fixture::{UndoFixture, keys_with, migrate_words, undo_words};

/// An etcd that takes few operations at once, behind a proxy that can hold a request.
struct HeldEtcd {
    etcd: Etcd,
    proxy: HoldingProxy,
}

impl HeldEtcd {
    fn start() -> HeldEtcd {
        let etcd = Etcd::start_with_flags(&["--max-txn-ops", "8"]);
        let proxy = HoldingProxy::start(&etcd.address(), "no key has this name");
        HeldEtcd { etcd, proxy }
    }

    fn toml(&self, fixture: &UndoFixture) -> String {
        fixture.toml("held.toml", &etcd_section(&[self.proxy.address()]))
    }

    /// Starts a command, and ends it by the signal when it is about to send these words.
    fn stop_at(&self, words: &str, fixture: &UndoFixture, args: &[&str], signal: &str) -> i32 {
        self.proxy.hold_at(words);
        // Few requests at once, so that those before it have ended.
        let child = fixture.spawn(&[args, &["--concurrency", "2"]].concat());
        self.proxy.wait_until_holding();
        send_signal(child.id(), signal);
        let code = wait_for_exit(child).code;
        self.proxy.discard();
        code
    }
}

#[test]
fn killed_and_resumed_runs_are_taken_back_by_one_report() {
    let (held, fixture) = (HeldEtcd::start(), UndoFixture::new());
    held.etcd.put("somebody-else", "foreign");
    let before = held.etcd.content();
    let (toml, source) = (held.toml(&fixture), fixture.source(150));
    let migrate = migrate_words(&source, &toml);
    let resume = [&migrate[..], &["--resume"]].concat();
    let is_partial = || {
        let content = held.etcd.content();
        assert!(content.len() > before.len(), "nothing was written");
        assert!(!content.contains_key("nodes_config"), "it was killed too late");
    };

    held.stop_at("pp_epoch_40::version", &fixture, &migrate, "KILL");
    is_partial();
    let killed = fixture.read_report();
    assert_eq!(killed["outcome"], "interrupted");
    let hints = killed["error"]["hints"].as_array().unwrap();
    let takes_back =
        |hint: &serde_json::Value| hint.as_str().unwrap().contains("metadata undo --report");
    assert!(hints.iter().any(takes_back), "{killed}");
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);

    // Several runs, of which the last is refused: the keys of each are still known.
    held.stop_at("pp_epoch_40::version", &fixture, &migrate, "KILL");
    is_partial();
    let first = held.etcd.content().len();
    held.stop_at("pp_epoch_70::version", &fixture, &resume, "KILL");
    is_partial();
    assert!(held.etcd.content().len() > first, "the resumed run has written nothing");
    let refused = fixture.migrate(&source, &toml, &["-o", "json"]).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    assert_eq!(fixture.read_report(), refused);
    let misnamed = fixture.toml("held.toml", "[metadata-client]\ntype = \"etd\"\n");
    assert_eq!(misnamed, toml);
    fixture.migrate(&source, &toml, &["--resume"]).expect(2);
    held.toml(&fixture);
    assert_eq!(keys_with(&fixture.read_report(), "create").len(), 155);
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);

    // A resumed run that ends well lists every key as written.
    held.stop_at("pp_epoch_40::version", &fixture, &migrate, "KILL");
    fixture.migrate(&source, &toml, &["--resume"]).expect(0);
    let document = fixture.read_report();
    assert_eq!(document["outcome"], "migrated");
    let rows = document["keys"].as_array().unwrap();
    assert!(
        rows.iter().all(|row| row["action"] == "create" && row["written"] == true),
        "{document}"
    );
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);
}

#[test]
fn interrupted_undo_is_finished_by_the_same_command() {
    let (held, fixture) = (HeldEtcd::start(), UndoFixture::new());
    let direct = fixture.toml("direct.toml", &held.etcd.section());
    let (toml, small, large) = (held.toml(&fixture), fixture.source(60), fixture.source(100));
    fixture.migrate(&small, &direct, &[]).expect(0);
    let before = held.etcd.content();
    // Killed amid its writes, this run leaves old keys, new ones, and no nodes_config.
    let force = [&migrate_words(&large, &toml)[..], &["--force", "-y"]].concat();
    held.stop_at(&value_of_epoch(40), &fixture, &force, "KILL");
    assert!(!held.etcd.content().contains_key("nodes_config"));
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);

    // As one that ended well.
    fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0);
    let whole = held.etcd.content();
    // Each is ended when it is about to put the old partition table: the second one finds all before that done.
    for (signal, code) in [("INT", 130), ("KILL", -1)] {
        assert_eq!(held.stop_at("key_range", &fixture, &undo_words(&toml), signal), code);
        let content = held.etcd.content();
        assert!(content != whole && content != before, "it was stopped too late");
        assert!(!content.contains_key("nodes_config"), "a mixture looks whole");
    }
    let document = fixture.undo(&toml, &[]).expect(0).json();
    assert!(!keys_with(&document, "keep").is_empty());
    assert_eq!(held.etcd.content(), before);
    std::fs::remove_file(fixture.report()).unwrap();

    // A run without a report is known by its backup file, and all of it is taken back with the run that resumed it,
    // which itself finds keys as they are to be, and no nodes_config.
    let without_report = ["metadata", "migrate", "--from", &large, "--toml", &toml];
    let without_report = [&without_report[..], &["--force", "-y"]].concat();
    held.stop_at(&value_of_epoch(40), &fixture, &without_report, "KILL");
    assert!(!held.etcd.content().contains_key("nodes_config"));
    fixture.migrate(&large, &toml, &["--resume", "--force", "-y"]).expect(0);
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);
}

#[test]
fn late_write_of_the_run_is_not_called_taken_back() {
    let (held, fixture) = (HeldEtcd::start(), UndoFixture::new());
    let (toml, small, large) = (held.toml(&fixture), fixture.source(60), fixture.source(100));
    let direct = fixture.toml("direct.toml", &held.etcd.section());
    fixture.migrate(&small, &direct, &[]).expect(0);
    let before = held.etcd.content();
    fixture.migrate(&large, &toml, &["--force", "-y"]).expect(0);
    let whole = held.etcd.content();

    held.proxy.hold_at("key_range");
    let undoing = fixture.spawn(&undo_words(&toml));
    held.proxy.wait_until_holding();
    for key in ["pp_epoch_80", "pp_epoch_80::version"] {
        held.etcd.put(key, whole[key].clone());
    }
    held.proxy.release();
    let document = wait_for_exit(undoing).expect(4).json();
    assert!(document["error"]["message"].to_string().contains("pp_epoch_80"), "{document:#}");
    fixture.undo(&toml, &[]).expect(0);
    assert_eq!(held.etcd.content(), before);
}
