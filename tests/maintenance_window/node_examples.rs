//! The examples of nodes files: their functions, with programs on the path that write down what they are asked for.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::tool::{command, run};
use crate::support::{project, write_program};

const FUNCTIONS: [&str; 5] = [
    "check_nodes",
    "stop_nodes",
    "start_nodes_in_migration_mode",
    "start_nodes_on_target",
    "start_nodes_as_before",
];

/// Returns what each function asks of this program, which is replaced: hosts, containers and pods are not here. Asked for the
/// volumes of a container, it answers with the one that the example needs.
fn record(example: &str, program: &str) -> String {
    let folder = TempDir::new().unwrap();
    let recorder = folder.path().join(program);
    // One line a call: the calls of several hosts are made at once.
    let text = "#!/bin/sh\nprintf '%s\\n' \"$(echo \"${0##*/} $*\" | tr -s '\\n ' '  ')\" >>\"$RECORD\"\n\
                case $* in *volumeMounts*) echo data config ;; esac\n";
    write_program(&recorder, text);
    let mut recorded = String::new();
    for function in FUNCTIONS {
        let record = folder.path().join(function);
        let file = project().join("docs/examples").join(example);
        let words = ["-euo", "pipefail", "-c", ". \"$1\"; \"$2\"", "bash"];
        let words = [&words[..], &[file.to_str().unwrap(), function]].concat();
        let mut line = command(Path::new("bash"), &words);
        line.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        line.env("RECORD", &record);
        run(line, "").expect(0);
        let mut calls: Vec<_> =
            fs::read_to_string(&record).unwrap().lines().map(ToOwned::to_owned).collect();
        if program == "ssh" {
            calls.sort_unstable();
        }
        recorded += &format!("{function}\n    {}\n", calls.join("\n    "));
    }
    recorded
}

#[test]
fn functions_of_the_examples_ask_for_what_they_say() {
    for (example, program) in [
        ("nodes-systemd.sh", "ssh"),
        ("nodes-compose.sh", "docker"),
        ("nodes-kubernetes.sh", "kubectl"),
    ] {
        insta::assert_snapshot!(program, record(example, program));
    }
}

#[test]
fn function_on_several_hosts_fails_if_one_host_fails() {
    let folder = TempDir::new().unwrap();
    let ssh = folder.path().join("ssh");
    write_program(&ssh, "#!/bin/sh\ncase $* in *node-2*) exit 255;; esac\n");
    let file = project().join("docs/examples/nodes-systemd.sh");
    let words = ["-euo", "pipefail", "-c", ". \"$1\"; stop_nodes", "bash", file.to_str().unwrap()];
    let mut line = command(Path::new("bash"), &words);
    line.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    assert_ne!(run(line, "").code, 0);
}
