//! Messages while servers do not respond and `--request-timeout` is long.

use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::etcd::Etcd;
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::Cluster;
use crate::support::screen::Screen;
use crate::support::tool::{command, program};

const LONG_TIMEOUT_MS: &str = "600000";

#[test]
fn hanging_server_is_named_while_waiting() {
    let cluster = Cluster::large(3);
    let line = |more: &str| {
        let (program, at) = (program().display().to_string(), cluster.address());
        format!("{program} -s {at} --request-timeout {LONG_TIMEOUT_MS} metadata list {more}")
    };
    // On a terminal, above the bar.
    let screen = Screen::start(120, "C.UTF-8");
    screen.type_line(&line(">/dev/null; echo code=$?"));
    screen.wait_for("a quick end", |text| text.contains("\ncode=0"));
    let etcd = Etcd::start();
    etcd.signal("STOP");
    screen.type_line("clear");
    screen.type_line(&line(&format!("--from {} >/dev/null; echo code=$?", etcd.toml())));
    let who = format!("waiting for etcd {}", etcd.address());
    let printed =
        screen.wait_for("the wait to be printed twice", |text| text.matches(&who).count() >= 2);
    assert!(printed.contains(" keys so far): no response for "), "{printed}");
    screen.press_key("C-c");
    screen.wait_for("the end", |text| text.contains("\ncode=130"));
    etcd.signal("CONT");
}

#[test]
fn unreachable_servers_are_reported_with_the_number_of_attempts() {
    let (cluster, etcd) = (Cluster::large(3), Etcd::start());
    let proxy = HoldingProxy::start(&etcd.address(), "nodes_config::version");
    let toml = tempfile::NamedTempFile::new().unwrap();
    let section = crate::support::etcd::etcd_section(&[proxy.address()]);
    std::fs::write(toml.path(), section).unwrap();
    let mut command = command(
        &program(),
        &[
            "-s",
            &cluster.address(),
            "--request-timeout",
            LONG_TIMEOUT_MS,
            "metadata",
            "migrate",
            "--toml",
            toml.path().to_str().unwrap(),
        ],
    );
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let printed = Arc::new(Mutex::new(String::new()));
    let (into, mut from) = (printed.clone(), child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    });
    proxy.wait_until_holding();
    drop(etcd);
    proxy.release();
    let parts =
        ["attempts; giving up after 10m in total", "waiting for the servers: no response for "];
    let mut text = String::new();
    for _ in 0..300 {
        text = printed.lock().unwrap().clone();
        if parts.iter().all(|part| text.contains(part)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for part in parts {
        assert!(text.contains(part), "not reported: {part}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
