//! Signals at each place where the program waits: it ends at once, with its document and its report.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::etcd::Etcd;
use crate::support::etcd::etcd_section;
use crate::support::full_pipe::full_pipe;
use crate::support::hanging_fs::HangingFileSystem;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::pseudo_terminal::PseudoTerminal;
use crate::support::restate::Cluster;
use crate::support::saved_key::save_one_key;
use crate::support::schema;
use crate::support::silent_port::SilentPort;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, wait_for_exit};

const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// The time in which the program has ended after a signal, also where it has to abandon a call that hangs.
const END_LIMIT: Duration = Duration::from_secs(12);

/// The number of runs for each place and signal.
const RUNS: usize = 12;

/// A place where the program waits: the command line, and the text after which it does.
struct Place {
    name: &'static str,
    args: Vec<String>,
    /// The text on the terminal that shows it; without one, the program waits from its start.
    sign: Option<&'static str>,
}

fn place(name: &'static str, words: &[&str], sign: Option<&'static str>) -> Place {
    Place { name, args: words.iter().map(|word| (*word).to_owned()).collect(), sign }
}

/// Starts the program there on a terminal and lets it come to where it waits.
fn start_at(place: &Place) -> PseudoTerminal {
    let mut terminal = PseudoTerminal::start(&place.args);
    match place.sign {
        Some(sign) => terminal.wait_for_text(sign),
        None => wait_until_listening(terminal.id()),
    }
    terminal
}

/// Waits until the process hears of SIGTERM, and its command has begun.
fn wait_until_listening(id: u32) {
    crate::support::wait_for("a handler of SIGTERM", Duration::from_secs(30), || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let mask = u64::from_str_radix(caught.trim(), 16).unwrap();
        (mask & (1 << 14) != 0).then_some(())
    });
    std::thread::sleep(Duration::from_millis(30));
}

/// What is ignored here is ignored in every program that the tests start, and a run of it then never ends.
#[test]
fn signals_that_end_the_program_are_not_ignored_in_the_tests() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    for (name, number) in [("HUP", 1), ("INT", 2), ("QUIT", 3), ("TERM", 15)] {
        let is_ignored = ignored & (1 << (number - 1)) != 0;
        assert!(!is_ignored, "SIG{name} is ignored: start the tests with scripts/test.sh");
    }
}

#[test]
fn every_signal_ends_the_program_wherever_it_waits() {
    let (folder, hanging, silent) =
        (TempDir::new().unwrap(), HangingFileSystem::mount(), SilentPort::open());
    let fifo = folder.path().join("fifo").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let saved = save_one_key(&folder);
    let (hangs, node) = (hanging.path("file"), format!("http://{}", silent.address()));
    let etcd = write_file(&folder, "etcd.toml", &etcd_section(&[silent.address()]));
    let report = folder.path().join("report.json").to_str().unwrap().to_owned();
    let typed = Some("press Ctrl-D");
    let places = [
        place("a terminal is read", &["metadata", "list", "--from", "-"], typed),
        place("a document is typed", &["metadata", "put", "-k", "rule_book", "-"], typed),
        place("a pipe is opened", &["metadata", "list", "--from", &fifo], None),
        place("a pipe is opened for the target", &["metadata", "migrate", "--toml", &fifo], None),
        place("a hanging file is opened", &["metadata", "verify", "--toml", &hangs], None),
        place("a backup is saved", &["metadata", "backup", "--from", &saved, "--to", &hangs], None),
        place(
            "a report is opened",
            &["metadata", "migrate", "--toml", &etcd, "--report", &hangs],
            None,
        ),
        place(
            "a certificate is read",
            &["-s", &node.replace("http:", "https:"), "--tls-ca", &hangs, "metadata", "list"],
            None,
        ),
        place("a node is asked", &["-s", &node, "metadata", "list"], None),
        place(
            "a target is asked",
            &["-s", &node, "metadata", "migrate", "--toml", &etcd, "--report", &report],
            None,
        ),
    ];
    std::thread::scope(|scope| {
        for place in &places {
            scope.spawn(move || {
                for (signal, code) in SIGNALS {
                    assert_ended_by_signal(place, signal, code);
                }
            });
        }
    });
    let document: Json = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(document["error"]["code"], "interrupted");
}

/// Starts the program there as often as the issue asks, and ends each run by the signal.
fn assert_ended_by_signal(place: &Place, signal: &str, code: i32) {
    let mut terminals: Vec<_> = (0..RUNS).map(|_| start_at(place)).collect();
    for terminal in &terminals {
        terminal.signal(signal);
    }
    for terminal in &mut terminals {
        let ended = terminal.wait_for_end(END_LIMIT);
        let (name, shown) = (place.name, terminal.shown());
        assert_eq!(ended, code, "{name}, SIG{signal}: {shown}");
        assert!(shown.contains(&format!("interrupted by SIG{signal}")), "{name}: {shown}");
    }
}

/// Starts the command with this signal ignored.
fn ignoring(signal: &str, args: &[String]) -> Command {
    let script = format!("trap '' {signal}; exec \"$0\" \"$@\"");
    let mut line = command(Path::new("setsid"), &["--ctty", "sh", "-c", &script]);
    line.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    line.arg(program()).args(args);
    line
}

/// A migration whose first write is held, on a terminal.
struct HeldMigration {
    cluster: Cluster,
    etcd: Etcd,
    folder: TempDir,
}

impl HeldMigration {
    fn prepare() -> HeldMigration {
        let (cluster, etcd) = (Cluster::ready_to_migrate(2), Etcd::start());
        HeldMigration { cluster, etcd, folder: TempDir::new().unwrap() }
    }

    fn report(&self) -> String {
        self.folder.path().join("report.json").to_str().unwrap().to_owned()
    }

    fn args(&self, proxy: &HoldingProxy) -> Vec<String> {
        let toml = write_file(&self.folder, "held.toml", &etcd_section(&[proxy.address()]));
        let (at, report) = (self.cluster.address(), self.report());
        let args = ["-s", &at, "metadata", "migrate", "--toml", &toml, "--report", &report];
        args.map(ToOwned::to_owned).to_vec()
    }

    fn hold(&self) -> HoldingProxy {
        HoldingProxy::start(&self.etcd.address(), "rule_book::version")
    }

    fn assert_report(&self, outcome: &str) {
        let document: Json = serde_json::from_slice(&fs::read(self.report()).unwrap()).unwrap();
        schema::check(&document);
        assert_eq!(document["outcome"], outcome, "{document}");
        fs::remove_file(self.report()).unwrap();
    }
}

#[test]
fn terminal_that_is_gone_ends_the_run_only_by_its_signal() {
    let held = HeldMigration::prepare();
    for _ in 0..8 {
        let proxy = held.hold();
        let mut terminal = PseudoTerminal::start(&held.args(&proxy));
        proxy.wait_until_holding();
        terminal.hang_up();
        assert_eq!(terminal.wait_for_end(END_LIMIT), 129);
        held.assert_report("interrupted");
    }
    assert!(held.etcd.content().is_empty());
    for _ in 0..8 {
        let proxy = held.hold();
        let line = ignoring("HUP", &held.args(&proxy));
        let mut terminal = PseudoTerminal::start_command(line);
        proxy.wait_until_holding();
        terminal.hang_up();
        std::thread::sleep(Duration::from_millis(100));
        proxy.release();
        assert_eq!(terminal.wait_for_end(Duration::from_secs(30)), 0);
        held.assert_report("migrated");
        held.etcd.clear();
    }
}

#[test]
fn ignored_signals_stay_ignored_and_a_stopped_run_goes_on() {
    let held = HeldMigration::prepare();
    for signal in ["HUP", "INT", "TERM"] {
        let proxy = held.hold();
        let line = ignoring(signal, &held.args(&proxy));
        let mut terminal = PseudoTerminal::start_command(line);
        proxy.wait_until_holding();
        for signal in [signal, signal, "TSTP"] {
            terminal.signal(signal);
        }
        std::thread::sleep(Duration::from_millis(200));
        proxy.release();
        terminal.signal("CONT");
        assert_eq!(terminal.wait_for_end(Duration::from_secs(30)), 0, "{}", terminal.shown());
        held.assert_report("migrated");
        held.etcd.clear();
    }
}

/// Starts a command whose output nobody reads, and sends it signals by this script, whose `$0` is its process id. Returns
/// how long it took to end, and what it said.
fn end_unread(script: &str, code: i32) -> (f64, String) {
    let mut line = command(&program(), &["completions", "bash"]);
    let child = line.stdout(full_pipe()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until_listening(child.id());
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    let sent = Command::new("sh").args(["-c", script, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let run = wait_for_exit(child).expect(code);
    (began.elapsed().as_secs_f64(), run.err)
}

/// Asserts that a command ends so after these signals, once in three times: where the machine stalls between two of them,
/// they are no longer one request, or the end comes late.
fn assert_ended_unread(script: &str, code: i32, is_right: impl Fn(f64, &str) -> bool) {
    let mut ends = Vec::new();
    for _ in 0..3 {
        let (seconds, err) = end_unread(script, code);
        if is_right(seconds, &err) {
            return;
        }
        ends.push((seconds, err));
    }
    panic!("{ends:?}");
}

#[test]
fn second_signal_ends_at_once_unless_it_comes_with_the_first() {
    // Without the second, the output has its 4 s.
    assert_ended_unread("kill -INT $0; sleep 1; kill -TERM $0", 143, |seconds, err| {
        seconds < 3.5 && err.starts_with("error: interrupted by SIGTERM; ended at once by a second")
    });
    assert_ended_unread("kill -HUP $0; kill -HUP $0; kill -TERM $0", 129, |seconds, err| {
        seconds > 3.5
            && err.starts_with("error: interrupted by SIGHUP while the output was written")
    });
}
