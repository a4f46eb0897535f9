//! The sample in `tests/stopped_node/sample`: the folder of a real server, with what the server answered.

use std::path::Path;

use crate::support::project;
use crate::support::restate::{CURRENT, Cluster, Mode};
use crate::support::tool::restatectl;

/// The files of a store that are needed to read it, by the beginnings and ends of their names.
fn is_needed(name: &str) -> bool {
    let ends = [".sst", ".log"];
    name == "CURRENT"
        || name == "LOCK"
        || name.starts_with("MANIFEST")
        || ends.iter().any(|end| name.ends_with(end))
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if is_needed(&name) || name == ".cluster-marker" {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Makes a sample as the one in `tests/stopped_node/sample`, and reads it. `RESTATECTL_MAKE_SAMPLE=1` replaces that one; the
/// unit tests expect one node, two tables and a log.
#[test]
fn sample_is_made_from_a_real_server() {
    let folder = tempfile::TempDir::new().unwrap();
    let sample = match std::env::var_os("RESTATECTL_MAKE_SAMPLE") {
        Some(_) => project().join("tests/stopped_node/sample"),
        None => folder.path().join("sample"),
    };
    let roles: &[&str] = &["metadata-server", "worker", "log-server", "admin", "http-ingress"];
    let mut cluster = Cluster::start_version(CURRENT, &[roles], 4);
    cluster.set_rule("scope0/*", 5);
    // The tables are written when it stops, the log is what follows.
    cluster.restart(&Mode::Normal);
    cluster.set_rule("scope1/*", 6);
    let file = sample.join("answers.jsonl");
    let _ = std::fs::remove_dir_all(&sample);
    std::fs::create_dir_all(&sample).unwrap();
    let save = ["-s", &cluster.address(), "metadata", "backup", "--to", file.to_str().unwrap()];
    restatectl(&save).expect(0);
    cluster.end_all("KILL");
    let base = Path::new(&cluster.base_folder(0)).join("node-1");
    let store = "replicated-metadata-server";
    copy_files(&base, &sample.join("node-1"));
    copy_files(&base.join(store), &sample.join("node-1").join(store));
    let list = |from: &Path| {
        let words = ["metadata", "list", "-o", "json", "--from", from.to_str().unwrap()];
        let document = restatectl(&words).expect(0).json();
        let keys = document["keys"].as_array().unwrap().clone();
        keys.into_iter().map(|row| row["key"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(&sample.join("node-1")), list(&file));
}
