//! The commands of docs/examples and the script of docs/unattended.md, executed over real servers: the gate of the
//! workflow both ways, and the Jobs and the script with runs that are stopped amid their writes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::examples::{parse_yaml, workflow_commands};
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::page::{Page, Step};
use crate::support::restate::{Cluster, Mode};
use crate::support::shell::Shell;
use crate::support::tool::{Run, command, program, run, wait_for_exit};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

/// The volumes of the pods and the addresses of the nodes.
struct Pods {
    target: TempDir,
    work: TempDir,
    address: String,
}

impl Pods {
    /// Returns the command of a container, with folders of this machine in place of the mounted ones.
    fn command(&self, example: &str, containers: &str) -> std::process::Command {
        let job = parse_yaml(example).pop().unwrap();
        let container = &job["spec"]["template"]["spec"][containers][0];
        let args: Vec<String> = serde_json::from_value(container["args"].clone()).unwrap();
        let folder = |folder: &TempDir| folder.path().to_str().unwrap().to_owned();
        let args = args.iter().map(|word| {
            word.replace("/etc/restatectl", &folder(&self.target))
                .replace("/work", &folder(&self.work))
        });
        let mut command = command(&program(), &args.collect::<Vec<_>>());
        command.env("RESTATECTL_ADDRESS", &self.address);
        command
    }

    fn run(&self, example: &str, containers: &str) -> Run {
        run(self.command(example, containers), "")
    }

    fn report(&self) -> Json {
        let text = std::fs::read_to_string(self.work.path().join("migrate.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// Follows the workflow up to its gate, and returns the exit codes of its commands.
fn follow_workflow(section: &str, address: &str) -> Vec<i32> {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("deploy")).unwrap();
    std::fs::write(folder.path().join("deploy/etcd.toml"), section).unwrap();
    let mut shell = Shell::start(folder.path(), &[("RESTATECTL_ADDRESS", address)]);
    workflow_commands().iter().map(|command| shell.run(command).1).collect()
}

/// Kills a pod's run after its first write, whose answer does not arrive.
fn kill_amid_writes(pods: &Pods, etcd: &Etcd, proxy: &HoldingProxy) {
    let mut migrate = pods.command("migrate-job.yaml", "containers");
    let mut run = migrate.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_content(etcd);
    run.kill().unwrap();
    wait_for_exit(run);
    assert!(!etcd.content().contains_key("nodes_config"), "it was killed too late");
    proxy.release();
}

/// Runs the script of the page, and terminates the program in it after its first write.
fn assert_script_resumes(address: &str) {
    let etcd = Etcd::start_with_flags(&["--max-txn-ops", "4"]);
    let proxy = HoldingProxy::start_silencing(&etcd.address(), "partition_table::version");
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let script = Page::read("docs/unattended.md").steps().into_iter().find_map(|step| match step {
        Step::File { name, text } => Some((name, text)),
        Step::Done(_) | Step::Command(_) => None,
    });
    let (name, text) = script.unwrap();
    std::fs::write(path(&name), text).unwrap();
    std::fs::write(path("etcd.toml"), etcd_section(&[proxy.address()])).unwrap();
    let programs = program().parent().unwrap().display().to_string();
    let mut shell = command(Path::new("sh"), &[&name]);
    shell.current_dir(folder.path()).env("PATH", format!("{programs}:/usr/bin:/bin"));
    shell.env("PAUSE", "1").env("RESTATECTL_ADDRESS", address);
    let shell = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_content(&etcd);
    let child = find_child(shell.id());
    run(command(Path::new("kill"), &["-TERM", &child]), "").expect(0);
    wait_for("the first attempt's end", LIMIT, || {
        let log = std::fs::read_to_string(path("migrate.log")).unwrap();
        log.contains("attempt 1: exit code 143\n").then_some(())
    });
    proxy.release();
    wait_for_exit(shell).expect(0);
    let log = std::fs::read_to_string(path("migrate.log")).unwrap();
    assert!(log.ends_with("attempt 2: exit code 0\n"), "{log}");
    let printed = std::fs::read_to_string(path("migrate.out")).unwrap();
    assert!(printed.contains("Restart all nodes without"), "{printed}");
    assert!(path("before.jsonl").exists() && path("migrate.json").exists());
}

/// Returns the id of the only process that this one has started.
fn find_child(parent: u32) -> String {
    let processes = Path::new("/proc").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let wanted = format!("PPid:\t{parent}");
    let mut children = processes.filter(|process| {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        status.lines().any(|line| line == wanted)
    });
    children.next().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

fn wait_for_content(etcd: &Etcd) {
    wait_for("a write", LIMIT, || (!etcd.content().is_empty()).then_some(()));
}

fn backup_of(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("before.jsonl")).unwrap()
}

#[test]
fn gate_follows_ready_and_stopped_jobs_and_scripts_are_resumed() {
    let etcd = Etcd::start_with_flags(&["--max-txn-ops", "4"]);
    let proxy = HoldingProxy::start_silencing(&etcd.address(), "partition_table::version");
    let section = etcd_section(&[proxy.address()]);
    let mut cluster = Cluster::start(&[&["metadata-server", "admin"]], 2);
    let pods = Pods {
        target: TempDir::new().unwrap(),
        work: TempDir::new().unwrap(),
        address: cluster.address(),
    };
    std::fs::write(pods.target.path().join("etcd.toml"), &section).unwrap();

    assert_eq!(follow_workflow(&section, &cluster.address()), [0, 0]);
    let planned = pods.run("dry-run-job.yaml", "containers").expect(0).json();
    assert_eq!((&planned["outcome"], &planned["ready"]), (&"planned".into(), &true.into()));

    cluster.restart(&Mode::Migration);
    pods.run("migrate-job.yaml", "initContainers").expect(0);
    kill_amid_writes(&pods, &etcd, &proxy);
    let backup = backup_of(pods.work.path());
    assert_eq!(pods.report()["outcome"], "interrupted");
    // The pod that takes its place, and one more that Kubernetes may start.
    for _ in 0..2 {
        pods.run("migrate-job.yaml", "containers").expect(0);
        assert_eq!(pods.report()["outcome"], "migrated");
        assert_eq!(backup_of(pods.work.path()), backup);
    }
    assert_eq!(follow_workflow(&section, &cluster.address()), [5, 1]);
    assert_script_resumes(&cluster.address());
}
