//! The maintenance window of a cluster of three nodes: how long no invocation is answered.

use std::time::Duration;

use crate::support::invocations::Invocations;
use crate::support::restate::Mode;
use crate::support::tool::{official, restatectl};
use crate::support::wait_for;
use crate::support::window::{Reply, Window};

const ROUNDS: usize = 5;

/// How the window is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Procedure {
    /// By the official documentation and tool, without any pause of the operator.
    Official,
    /// By `docs/examples/maintenance-window.sh`.
    Script,
    /// From the folders of the stopped nodes, as in `docs/stopped-nodes.md`, without any pause of the operator.
    StoppedNodes,
}

impl Procedure {
    const ALL: [Procedure; 3] = [Procedure::Official, Procedure::Script, Procedure::StoppedNodes];
}

pub fn run() {
    println!("\n== the window of three nodes, to etcd, {ROUNDS} rounds each ==");
    let mut gaps = Procedure::ALL.map(|procedure| (procedure, Vec::new()));
    for _ in 0..ROUNDS {
        for (procedure, gaps) in &mut gaps {
            gaps.push(pass_window(*procedure));
        }
    }
    for (procedure, gaps) in &mut gaps {
        gaps.sort_unstable();
        let (least, most) = (gaps[0].as_secs_f64(), gaps[gaps.len() - 1].as_secs_f64());
        let median = median(gaps);
        println!(
            "{procedure:?}: no invocation answered for {median:.1} s ({least:.1} to {most:.1})"
        );
    }
    let official = median(&gaps[0].1);
    for (procedure, gaps) in &gaps[1..] {
        println!("{procedure:?} over the official procedure: {:.2}", median(gaps) / official);
    }
}

/// Returns the median of sorted times, in seconds.
fn median(gaps: &[Duration]) -> f64 {
    gaps[gaps.len() / 2].as_secs_f64()
}

/// Returns the longest time without an answered invocation.
fn pass_window(procedure: Procedure) -> Duration {
    let mut window = Window::start();
    let invocations = Invocations::start(window.cluster.nodes[0].ingress_port());
    std::thread::sleep(Duration::from_secs(2));
    match procedure {
        Procedure::Official => follow_documentation(&mut window),
        Procedure::Script => drop(window.run(&[], "", |_, _| Reply::Perform).expect(0)),
        Procedure::StoppedNodes => migrate_from_folders(&mut window),
    }
    window.cluster.wait_until_led();
    std::thread::sleep(Duration::from_secs(2));
    invocations.finish().longest_gap
}

/// Restarts in migration mode, migrates as soon as the metadata can be read, and restarts on the target.
fn follow_documentation(window: &mut Window) {
    let (addresses, toml) = (window.cluster.addresses(), window.etcd.toml());
    window.cluster.stop();
    window.cluster.launch(&Mode::Migration);
    wait_for("the metadata to be readable", Duration::from_secs(60), || {
        let run = official(&["-s", &addresses, "metadata", "get", "-k", "nodes_config"]);
        (run.code == 0 && run.out.contains("version")).then_some(())
    });
    official(&["-s", &addresses, "-y", "metadata", "migrate", "--toml", &toml]).expect(0);
    window.cluster.stop();
    window.cluster.launch(&Mode::External(window.section.clone()));
}

/// Stops all nodes, migrates from their folders, and starts them on the target.
fn migrate_from_folders(window: &mut Window) {
    let folders: Vec<_> =
        (0..window.cluster.nodes.len()).map(|index| window.cluster.base_folder(index)).collect();
    window.cluster.stop();
    let toml = window.etcd.toml();
    restatectl(&["metadata", "migrate", "--from", &folders.join(","), "--toml", &toml]).expect(0);
    window.cluster.launch(&Mode::External(window.section.clone()));
}
