//! The examples in docs/examples are what they say they are, and their commands are understood.

use clap::Parser;
use restatectl::cli::Cli;
use restatectl::config;
use serde_json::Value as Json;

use crate::support::tool::{command, run};
use crate::support::{from_pypi, project};

/// The documents of a YAML file.
fn yaml(name: &str) -> Vec<Json> {
    const READ: &str = "import json, sys, yaml\n\
        print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let file = project().join("docs/examples").join(name);
    let documents = run(command(&from_pypi("python"), &["-c", READ, file.to_str().unwrap()]), "");
    serde_json::from_str(&documents.expect(0).out).unwrap()
}

fn understood(words: Vec<String>) {
    assert_eq!(words[0], "restatectl");
    if let Err(error) = Cli::try_parse_from(&words) {
        panic!("{words:?}: {error}");
    }
}

#[test]
fn the_job_is_one_and_runs_what_there_is() {
    let documents = yaml("dry-run-job.yaml");
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
    understood(words);
}

#[test]
fn the_workflow_is_one_and_runs_what_there_is() {
    let workflow = &yaml("dry-run-workflow.yaml")[0];
    let steps = workflow["jobs"]["dry-run"]["steps"].as_array().unwrap();
    let runs: Vec<_> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(runs.len(), 1);
    understood(runs[0].split_whitespace().map(ToOwned::to_owned).collect());
    let kept = steps.iter().find_map(|step| step["with"]["path"].as_str()).unwrap();
    assert!(runs[0].contains(&format!("--report {kept}")));
}
