//! The confirmation of `--force`: asked on a terminal, required as `--yes` elsewhere.

use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::restate::{Cluster, Mode};
use crate::support::s3::moto;
use crate::support::screen::Screen;
use crate::support::store_toml::write_file;
use crate::support::terminal::run_on_terminal;
use crate::support::tool::{command, program, restatectl, run};

struct ConfirmationFixture {
    cluster: Cluster,
    folder: TempDir,
}

impl ConfirmationFixture {
    fn args(&self, toml: &str, more: &[&str]) -> Vec<String> {
        let (address, folder) = (self.cluster.address(), self.folder.path().to_str().unwrap());
        let args = ["-s", &address, "metadata", "migrate", "--toml", toml, "--backup-dir", folder];
        [&args, more].concat().iter().map(|word| (*word).to_owned()).collect()
    }

    fn backups(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

#[test]
fn force_shows_the_losses_and_asks_once() {
    let mut cluster = Cluster::single(2);
    cluster.restart(&Mode::Migration);
    let etcd = Etcd::start();
    let setting = ConfirmationFixture { cluster, folder: TempDir::new().unwrap() };
    let args = |more: &[&str]| setting.args(&etcd.toml(), more);
    restatectl(&args(&[])).expect(0);
    etcd.put("pp_epoch_77", "\u{5}{}");
    etcd.put("pp_epoch_77::version", 9_u32.to_le_bytes());
    let found = etcd.content();

    // Nobody to ask: refused, and the option that answers is named.
    let refused = restatectl(&args(&["--force", "-o", "json"])).expect(5).json();
    assert_eq!(refused["error"]["code"], "target-keys-exist");
    assert_eq!(refused["outcome"], "refused");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("there is no terminal to ask for confirmation"), "{message}");
    assert!(refused["error"]["hints"][0].as_str().unwrap().contains("pass --yes"));
    for ci in ["", "0", "false"] {
        let mut command = command(&program(), &args(&["--force"]));
        command.env("CI", ci);
        run(command, "").expect(5);
    }
    // An answer that comes by a pipe is none.
    let mut piped = command(&program(), &args(&["--force"]));
    piped.env_remove("CI");
    run(piped, "y\n").expect(5);

    // Someone who says no, and who says nothing.
    for typed in ["n\n", "\n"] {
        let (shown, code) = run_on_terminal(&args(&["--force"]), typed);
        assert_eq!(code, 5, "{shown}");
        for words in [
            "--force replaces what etcd ",
            "(cluster demo, fingerprint ",
            "keys overwritten: nodes_config (version ",
            "1 key deleted: pp_epoch_77 (version 9)",
            &format!("all of it is first saved to a file in {}", setting.folder.path().display()),
            "Replace it? [y/N]",
            "this was not confirmed",
        ] {
            assert!(shown.contains(words), "{words} is not in\n{shown}");
        }
    }
    // Ctrl-C ends it at once, without an answer.
    let screen = Screen::start(200, "C.UTF-8");
    let line = args(&["--force"]).join(" ");
    screen.type_line(&format!("{} {line}; echo code=$?", program().display()));
    screen.wait_for("the question", |text| text.contains("Replace it? [y/N]"));
    screen.press_key("C-c");
    let shown = screen.wait_for("the end", |text| text.contains("\ncode=130"));
    assert!(shown.contains("interrupted by SIGINT"), "{shown}");
    // A dry run never asks.
    let (shown, code) = run_on_terminal(&args(&["--force", "--dry-run"]), "");
    assert_eq!((code, shown.contains("[y/N]")), (0, false), "{shown}");
    restatectl(&args(&["--force", "--dry-run"])).expect(0);
    assert_eq!((etcd.content(), setting.backups()), (found, 0));

    // Yes on the terminal, beforehand, and by the build machine's variable.
    let (shown, code) = run_on_terminal(&args(&["--force"]), "y\n");
    assert_eq!((code, shown.matches("[y/N]").count()), (0, 1), "{shown}");
    let (shown, code) = run_on_terminal(&args(&["--force", "-y"]), "");
    assert_eq!((code, shown.contains("[y/N]")), (0, false), "{shown}");
    let mut command = command(&program(), &args(&["--force"]));
    command.env("CI", "true");
    run(command, "").expect(0);
    assert_eq!(setting.backups(), 3);
    // Nothing to replace, nothing to ask.
    restatectl(&args(&["--force", "--resume"])).expect(0);
}

#[test]
fn unconfirmed_force_writes_no_probe_object() {
    let mut cluster = Cluster::single(1);
    cluster.restart(&Mode::Migration);
    let setting = ConfirmationFixture { cluster, folder: TempDir::new().unwrap() };
    let (bucket, folder) = (moto().bucket(), TempDir::new().unwrap());
    let toml = write_file(&folder, "s3.toml", &bucket.section("p"));
    restatectl(&setting.args(&toml, &[])).expect(0);
    let found = bucket.objects();
    let refused = restatectl(&setting.args(&toml, &["--force", "-o", "json"])).expect(5).json();
    let checks = refused["checks"].to_string();
    assert!(!checks.contains(r#""check":"store-probe""#), "{checks}");
    assert_eq!(bucket.objects(), found);
}
