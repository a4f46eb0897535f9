//! Records the session at the top of the README: an operator migrates a real cluster of three nodes in
//! migration mode to a real etcd and compares both. The argument names the recording (asciicast,
//! version 2). `make recording` installs its programs and draws docs/recording.svg from it.
#![allow(unreachable_pub, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::etcd::Etcd;
use support::ports::Port;
use support::restate::Cluster;
use support::tool::{program, run_within};
use support::{project, wait_for};
use tempfile::TempDir;

/// Enough for the progress bars to appear.
const PARTITIONS: usize = 4096;

fn main() {
    let cast = std::path::absolute(std::env::args().nth(1).unwrap()).unwrap();
    println!(
        "starting three nodes at 5122 to 5124, with {PARTITIONS} partitions, and etcd at 2379"
    );
    let mut cluster = Cluster::large_at_default_port(&["metadata-server", "admin"], PARTITIONS);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    let etcd = Etcd::start_at_port(Port::fixed(2379), &[]);
    let desk = TempDir::new().unwrap();
    std::fs::write(desk.path().join("etcd.toml"), etcd.section()).unwrap();
    wait_for("the rule", Duration::from_secs(10), || {
        support::restate::get_value(&cluster.address(), "rule_book")
    });
    println!("recording");
    record(desk.path(), &cast);
    println!("{} keys are in etcd, of {} partitions", etcd.content().len() / 2, PARTITIONS);
}

/// Records the operator's script on a separate terminal, with an environment that shows nothing of this
/// machine.
fn record(desk: &Path, cast: &Path) {
    let operator = project().join("scripts/recording-operator.sh");
    let asciinema = format!(
        "asciinema rec --quiet --overwrite --cols {COLUMNS} --rows {ROWS} -c 'bash {}' '{}'",
        operator.display(),
        cast.display()
    );
    let mut script = Command::new("script");
    script.args(["-qec", &asciinema, "/dev/null"]).env_clear().current_dir(desk);
    let programs = program().parent().unwrap().display().to_string();
    script.env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"));
    script.envs([("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("SHELL", "/bin/bash")]);
    script.env("HOME", desk);
    let run = run_within(Duration::from_secs(180), script, "");
    assert!(run.code == 0, "the operator failed: {}\n{}", run.out, run.err);
}

const COLUMNS: u32 = 100;
const ROWS: u32 = 30;
