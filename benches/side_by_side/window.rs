//! The maintenance window of a cluster of three nodes: how long no invocation is answered.

use std::time::{Duration, Instant};

use crate::support::invocations::{Counted, Invocations};
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
    /// The same, with this program in the place of the official tool.
    OfficialWithOurTool,
    /// By `docs/examples/maintenance-window.sh`.
    Script,
    /// By the same script, with the folders of the stopped nodes.
    ScriptWithFolders,
    /// From the folders of the stopped nodes, as in `docs/stopped-nodes.md`, without any pause of the operator.
    StoppedNodes,
    /// By the script, with the servers' `gossip-suspect-interval` lowered as in `docs/runbook.md`.
    ScriptWithShortInterval,
    /// The same, with the folders of the stopped nodes.
    ScriptWithFoldersAndShortInterval,
}

impl Procedure {
    const ALL: [Procedure; 7] = [
        Procedure::Official,
        Procedure::OfficialWithOurTool,
        Procedure::Script,
        Procedure::ScriptWithFolders,
        Procedure::StoppedNodes,
        Procedure::ScriptWithShortInterval,
        Procedure::ScriptWithFoldersAndShortInterval,
    ];

    /// Returns the servers' `gossip-suspect-interval`.
    fn suspect_interval(self) -> &'static str {
        match self {
            Procedure::ScriptWithShortInterval | Procedure::ScriptWithFoldersAndShortInterval => {
                "500ms"
            }
            _ => "5s",
        }
    }
}

/// What happened in one window.
struct Passed {
    /// The longest time without an answered invocation.
    gap: Duration,
    /// Each step, and how long it lasted within that time.
    steps: Vec<(String, Duration)>,
}

/// Prints the medians of all windows, and of their steps. `WINDOW_ROUNDS` sets another number of rounds.
pub fn run() {
    let rounds = std::env::var("WINDOW_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    println!("\n== the window of three nodes, to etcd, {rounds} rounds each ==");
    let mut passed = Procedure::ALL.map(|procedure| (procedure, Vec::new()));
    for _ in 0..rounds {
        for (procedure, passed) in &mut passed {
            passed.push(pass_window(*procedure));
        }
    }
    for (procedure, passed) in &passed {
        print_procedure(*procedure, passed);
    }
    let official = median(passed[0].1.iter().map(|passed| passed.gap));
    for (procedure, passed) in &passed[1..] {
        let own = median(passed.iter().map(|passed| passed.gap));
        println!("{procedure:?} over the official procedure: {:.2}", own / official);
    }
}

fn print_procedure(procedure: Procedure, passed: &[Passed]) {
    let gaps = || passed.iter().map(|passed| passed.gap);
    let (least, most) = (gaps().min().unwrap(), gaps().max().unwrap());
    println!(
        "{procedure:?}: no invocation answered for {:.1} s ({:.1} to {:.1})",
        median(gaps()),
        least.as_secs_f64(),
        most.as_secs_f64()
    );
    // From the last one: the first one in which no invocation is answered is not the same in each round.
    for (index, (name, _)) in passed[0].steps.iter().rev().enumerate() {
        let from_end = |passed: &Passed| passed.steps.iter().rev().nth(index).map(|step| step.1);
        let times = passed.iter().filter_map(from_end);
        println!("    {:5.2} s  {name}", median(times));
    }
}

/// Returns the median, in seconds.
fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// Passes a window while invocations go on.
fn pass_window(procedure: Procedure) -> Passed {
    let mut window = Window::start();
    window.cluster.suspect_interval = procedure.suspect_interval();
    let invocations = Invocations::start(window.cluster.nodes[0].ingress_port());
    std::thread::sleep(Duration::from_secs(2));
    let mut steps = Steps::default();
    match procedure {
        Procedure::Official => {
            follow_documentation(&mut window, &mut steps, migrate_with_official_tool);
        }
        Procedure::OfficialWithOurTool => {
            follow_documentation(&mut window, &mut steps, migrate_with_our_tool);
        }
        Procedure::Script | Procedure::ScriptWithShortInterval => {
            run_script(&mut window, "", &mut steps)
        }
        Procedure::ScriptWithFolders | Procedure::ScriptWithFoldersAndShortInterval => {
            let settings = window.folders_setting();
            run_script(&mut window, &settings, &mut steps);
        }
        Procedure::StoppedNodes => migrate_from_folders(&mut window, &mut steps),
    }
    window.cluster.wait_until_led();
    std::thread::sleep(Duration::from_secs(2));
    let counted = invocations.finish();
    Passed { gap: counted.longest_gap, steps: steps.within(&counted) }
}

/// When each step of a window began.
#[derive(Default)]
struct Steps {
    begun: Vec<(String, Instant)>,
}

impl Steps {
    fn begin(&mut self, name: &str) -> Reply {
        self.begun.push((name.to_owned(), Instant::now()));
        Reply::Perform
    }

    /// Returns how long each lasted of the longest time without an answer.
    fn within(self, counted: &Counted) -> Vec<(String, Duration)> {
        let end = counted.longest_gap_until.unwrap();
        let start = end - counted.longest_gap;
        let mut all = self.begun;
        all.push((String::new(), end));
        let mut steps = Vec::new();
        for pair in all.windows(2) {
            let (from, until) = (pair[0].1.max(start), pair[1].1.min(end));
            if until > from {
                steps.push((pair[0].0.clone(), until - from));
            }
        }
        steps
    }
}

/// Restarts in migration mode, migrates as soon as the metadata can be read, and restarts on the target.
fn follow_documentation(
    window: &mut Window,
    steps: &mut Steps,
    migrate: fn(&Window, &mut Steps, &str),
) {
    steps.begin("stop");
    window.cluster.end_all("TERM");
    steps.begin("start in migration mode, and wait until the metadata can be read");
    window.cluster.launch(&Mode::Migration);
    let addresses = window.cluster.addresses();
    migrate(window, steps, &addresses);
    steps.begin("stop");
    window.cluster.end_all("TERM");
    steps.begin("start on the target");
    window.cluster.launch(&Mode::External(window.section.clone()));
}

fn migrate_with_official_tool(window: &Window, steps: &mut Steps, addresses: &str) {
    wait_for("the metadata to be readable", Duration::from_secs(60), || {
        let run = official(&["-s", addresses, "metadata", "get", "-k", "nodes_config"]);
        (run.code == 0 && run.out.contains("version")).then_some(())
    });
    steps.begin("migrate");
    let toml = window.etcd.toml();
    // It refuses while a node has not said yet that it is in migration mode: an operator then runs it again.
    wait_for("the official tool to migrate", Duration::from_secs(30), || {
        let run = official(&["-s", addresses, "-y", "metadata", "migrate", "--toml", &toml]);
        (run.code == 0).then_some(())
    });
}

fn migrate_with_our_tool(window: &Window, steps: &mut Steps, addresses: &str) {
    restatectl(&["-s", addresses, "wait", "--for", "migration-mode"]).expect(0);
    steps.begin("migrate");
    restatectl(&["-s", addresses, "metadata", "migrate", "--toml", &window.etcd.toml()]).expect(0);
}

fn run_script(window: &mut Window, settings: &str, steps: &mut Steps) {
    let without_paths = |words: &str| {
        words.split(' ').filter(|word| !word.contains('/')).collect::<Vec<_>>().join(" ")
    };
    window.run(&[], settings, |_, step| steps.begin(&without_paths(&step.name))).expect(0);
}

/// Stops all nodes, migrates from their folders, and starts them on the target.
fn migrate_from_folders(window: &mut Window, steps: &mut Steps) {
    let folders = window.cluster.base_folders().join(",");
    steps.begin("stop");
    window.cluster.end_all("TERM");
    steps.begin("migrate");
    let toml = window.etcd.toml();
    restatectl(&["metadata", "migrate", "--from", &folders, "--toml", &toml]).expect(0);
    steps.begin("start on the target");
    window.cluster.launch(&Mode::External(window.section.clone()));
}
