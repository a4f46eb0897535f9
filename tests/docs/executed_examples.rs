//! The commands of docs/examples, executed over real servers: the gate of the workflow both ways, and the Jobs, also with
//! a pod that is killed and started again.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::examples::{parse_yaml, workflow_commands};
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::holding_proxy::HoldingProxy;
use crate::support::restate::{Cluster, Mode};
use crate::support::shell::Shell;
use crate::support::tool::{Run, command, program, run, wait_for_exit};
use crate::support::wait_for;

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
    let limit = Duration::from_secs(20);
    wait_for("a write", limit, || (!etcd.content().is_empty()).then_some(()));
    run.kill().unwrap();
    wait_for_exit(run);
    assert!(!etcd.content().contains_key("nodes_config"), "it was killed too late");
    proxy.release();
}

fn backup_of(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("before.jsonl")).unwrap()
}

#[test]
fn gate_follows_ready_and_a_killed_pod_is_resumed_by_the_next() {
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
}
