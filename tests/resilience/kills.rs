//! SIGKILL at random moments of a run: no key in the target is partial, and `--resume` finishes the
//! run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::dynamo::create_table;
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::faulty_proxy::{Direction, FaultyProxy, NetworkFault};
use crate::support::migration::source_values;
use crate::support::restate::Cluster;
use crate::support::s3::seaweed;
use crate::support::scale_count;
use crate::support::schema;
use crate::support::store_toml::write_file;
use crate::support::tool::{command, program, restatectl};

/// Returns the version and digest of every key in a store; fails if any is damaged.
fn read_digests(toml: &str) -> BTreeMap<String, String> {
    let listing = restatectl(&["metadata", "list", "--from", toml, "-o", "json"]).expect(0).json();
    let keys = listing["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        assert!(key["version"].is_u64(), "{key} is not whole");
        (key["key"].as_str().unwrap().to_owned(), format!("{} {}", key["version"], key["sha256"]))
    })
    .collect()
}

/// Kills runs at random moments, checks the target, and resumes. `toml` returns an empty target for
/// each run; `look` returns the same target for reading.
fn kill_and_resume(
    name: &str,
    partitions: usize,
    toml: impl Fn(usize) -> String,
    look: impl Fn(&str) -> String,
) {
    let cluster = Cluster::large(partitions);
    let address = cluster.address();
    let source = source_values(&cluster);
    let migrate =
        |toml: &str| ["-s", &address, "metadata", "migrate", "--toml", toml].map(ToOwned::to_owned);
    let started = Instant::now();
    restatectl(&migrate(&toml(0))).expect(0);
    let whole_run = started.elapsed();
    let whole = read_digests(&back_up_source(&address));
    let reports = TempDir::new().unwrap();
    let (mut before, mut amid, mut after) = (0, 0, 0);
    let mut spread = [0; 11];
    for run in 1..=scale_count(10, 110) {
        let target = toml(run);
        let moment = whole_run.mul_f64(fastrand::f64() * 1.1);
        let report = reports.path().join(format!("{run}.json"));
        let with_report = ["--report", report.to_str().unwrap()].map(ToOwned::to_owned);
        let mut child = command(&program(), &[&migrate(&target)[..], &with_report].concat());
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
        spread[(10.0 * moment.as_secs_f64() / whole_run.as_secs_f64()) as usize] += 1;
        let found = read_digests(&look(&target));
        assert!(found.iter().all(|(key, digest)| whole.get(key) == Some(digest)));
        check_report(&report, &found);
        match found.len() {
            0 => before += 1,
            count if count < whole.len() => {
                amid += 1;
                assert!(!found.contains_key("nodes_config"), "a half-written target looks whole");
            }
            _ => after += 1,
        }
        let resume: Vec<_> = migrate(&target).into_iter().chain(["--resume".to_owned()]).collect();
        restatectl(&resume).expect(0);
        assert_eq!(read_digests(&look(&target)), whole);
    }
    assert_eq!(source_values(&cluster), source, "the source was changed");
    println!(
        "{name}: {} kills of a run of {whole_run:?}: {before} before the writes, {amid} amid them, \
         {after} after them; all resumed and equal. Moments by tenths of the run: {spread:?}",
        before + amid + after
    );
}

/// Checks that a killed run has left a whole report that accounts for every key in the target, unless it
/// was killed before it could.
fn check_report(report: &Path, found: &BTreeMap<String, String>) {
    let Ok(document) = fs::read(report) else {
        assert!(found.is_empty(), "keys were written before the report");
        return;
    };
    let document: Json = serde_json::from_slice(&document).unwrap();
    schema::check(&document);
    assert!(document["error"]["code"] == "interrupted" || document["outcome"] == "migrated");
    let keys = document["keys"].as_array().cloned().unwrap_or_default();
    let accounted = |key: &String| {
        keys.iter().any(|row| row["key"] == **key && row["write_state"] != "not_written")
    };
    assert!(found.keys().all(accounted), "{document}");
}

/// Backs up the source at this address and returns the path of the file.
fn back_up_source(address: &str) -> String {
    let folder = TempDir::new().unwrap().keep();
    let file = folder.join("source.jsonl").to_str().unwrap().to_owned();
    restatectl(&["-s", address, "metadata", "backup", "--to", &file]).expect(0);
    file
}

#[test]
fn killed_runs_to_etcd_are_resumed() {
    let (etcd, folder) = (Etcd::start(), TempDir::new().unwrap());
    // Some milliseconds would be all that the writes take: they are delayed, to be hit as well.
    let proxy = FaultyProxy::start(&etcd.address(), NetworkFault::Delay, Direction::ToServer, 0);
    let delayed = write_file(&folder, "delayed.toml", &etcd_section(&[proxy.address()]));
    let toml = |_| {
        etcd.clear();
        delayed.clone()
    };
    kill_and_resume("etcd", 300, toml, |_| etcd.toml());
}

#[test]
fn killed_runs_to_s3_are_resumed() {
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let toml =
        |run| write_file(&folder, &format!("{run}.toml"), &bucket.section(&format!("run-{run}")));
    kill_and_resume("SeaweedFS", 150, toml, ToOwned::to_owned);
}

#[test]
fn killed_runs_to_dynamo_db_are_resumed() {
    let folder = TempDir::new().unwrap();
    let toml = |run| write_file(&folder, &format!("{run}.toml"), &create_table().section("p/"));
    // moto goes on with a transaction that nobody waits for, and shows it piece by piece.
    let look = |toml: &str| {
        std::thread::sleep(Duration::from_millis(500));
        toml.to_owned()
    };
    kill_and_resume("DynamoDB", 150, toml, look);
}

#[test]
fn concurrent_runs_do_not_both_report_success() {
    let (one, other) = (Cluster::large(70), Cluster::large(70));
    let etcd = Etcd::start();
    let (bucket, folder) = (seaweed().bucket(), TempDir::new().unwrap());
    let mut outcomes = BTreeSet::new();
    for round in 0..scale_count(6, 40) {
        etcd.clear();
        let s3 = write_file(&folder, "s3.toml", &bucket.section(&format!("round-{round}")));
        for toml in [etcd.toml(), s3] {
            // Of the same cluster, and of two.
            let second = if round % 2 == 0 { one.address() } else { other.address() };
            let spawn = |address: &str| {
                let args = ["-s", address, "metadata", "migrate", "--toml", &toml, "-o", "json"];
                let mut command = command(&program(), &args);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            };
            let first = spawn(&one.address());
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..30)));
            let second = spawn(&second);
            let ended = [first, second].map(crate::support::tool::wait_for_exit);
            let codes = ended.each_ref().map(|run| run.code);
            assert!(codes.iter().filter(|code| **code == 0).count() <= 1, "{ended:#?}");
            assert!(codes.iter().all(|code| [0, 5, 7].contains(code)), "{ended:#?}");
            let finished = codes.contains(&0);
            assert_eq!(read_digests(&toml).contains_key("nodes_config"), finished);
            outcomes.insert(codes);
        }
    }
    println!("two runs at once ended with {outcomes:?}");
}
