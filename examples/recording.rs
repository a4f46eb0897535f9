//! Records the session at the top of the README: an operator moves a real cluster of three nodes to a real etcd, from
//! the dry run to the cluster that runs there. The nodes are restarted here when the operator's script asks for it by
//! a file. The argument names the recording (asciicast, version 2). `make recording` installs its programs and
//! draws docs/recording.svg from it.
#![allow(unreachable_pub, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::etcd::Etcd;
use support::ports::Port;
use support::restate::{Cluster, Mode};
use support::tool::{program, run_within};
use support::{project, wait_for};
use tempfile::TempDir;

const PARTITIONS: usize = 8;

fn main() {
    let cast = std::path::absolute(std::env::args().nth(1).unwrap()).unwrap();
    println!(
        "starting three nodes at 5122 to 5124, with {PARTITIONS} partitions, and etcd at 2379"
    );
    let mut cluster = Cluster::start_at_default_port(PARTITIONS);
    cluster.set_rule("scope1/*", 5);
    cluster.deploy_counter();
    let etcd = Etcd::start_at_port(Port::fixed(2379), &[]);
    let desk = TempDir::new().unwrap();
    std::fs::write(desk.path().join("etcd.toml"), etcd.section()).unwrap();
    std::fs::create_dir(desk.path().join("requests")).unwrap();
    println!("recording");
    std::thread::scope(|scope| {
        let recording = scope.spawn(|| record(desk.path(), &cast));
        for (request, mode) in [
            ("migration-mode", Some(Mode::Migration)),
            ("stopped", None),
            ("on-etcd", Some(Mode::External(etcd.section()))),
        ] {
            let file = desk.path().join("requests").join(request);
            wait_for(request, LONGEST, || (file.exists() || recording.is_finished()).then_some(()));
            match mode {
                Some(mode) => cluster.restart(&mode),
                None => cluster.stop(),
            }
        }
    });
    println!("{} keys are in etcd, of {PARTITIONS} partitions", etcd.content().len() / 2);
}

/// The longest time for the whole recording.
const LONGEST: Duration = Duration::from_secs(300);

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
    let run = run_within(LONGEST, script, "");
    assert!(run.code == 0, "the operator failed: {}\n{}", run.out, run.err);
}

/// Enough for the table of nodes.
const COLUMNS: u32 = 120;
const ROWS: u32 = 32;
