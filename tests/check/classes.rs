//! Each class of findings, judged by a real server: on what is an error it ends, or leads not all; on what is a warning
//! it runs.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use restatectl::codec::{self, Encoding};
use restatectl::model::{FindingClass, Key};
use restatectl::pipeline::edit::Patch;
use serde_json::Value as Json;

use super::class_cases::{Change, ClassCase, errors, warnings};
use crate::support::etcd::Etcd;
use crate::support::oracle::{Expected, Lane, Pairs, Stopped, Verdict};
use crate::support::scale_count;
use crate::support::tool::restatectl;

/// The servers that run at once.
const LANES: usize = 2;

/// What `check` and a server found about one store.
struct Judgement {
    code: &'static str,
    level: Option<String>,
    verdict: Verdict,
    changes: String,
}

#[test]
fn server_ends_on_errors_and_runs_on_warnings() {
    let stopped = Stopped::with_content_in_every_key();
    assert_sound(&stopped);
    let chosen = choose(errors().into_iter().chain(warnings()).collect());
    let waiting: Mutex<VecDeque<ClassCase>> = Mutex::new(chosen.into());
    let found: Mutex<Vec<Judgement>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let (lane, etcd) = (Lane::open(), Etcd::start());
                loop {
                    let Some(case) = waiting.lock().unwrap().pop_front() else { break };
                    let judgement = judge(&stopped, (&lane, &etcd), &case);
                    println!(
                        "{} {:?} {:?}\n    {}",
                        judgement.code, judgement.level, judgement.verdict, judgement.changes
                    );
                    found.lock().unwrap().push(judgement);
                }
            });
        }
    });
    let mut wrong = Vec::new();
    for Judgement { code, level, verdict, changes } in found.into_inner().unwrap() {
        let class = FindingClass::parse(code).unwrap();
        let ends = verdict != Verdict::Runs;
        if level.as_deref() != Some(class.level().name())
            || ends != (level.as_deref() == Some("error"))
        {
            wrong.push(format!("{code}: {level:?}, {verdict:?}: {changes}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns every second case in `make test`, and all in `make soak`.
fn choose(cases: Vec<ClassCase>) -> Vec<ClassCase> {
    let cases = cases.into_iter().enumerate();
    cases.filter(|(index, _)| index % 2 < scale_count(1, 2)).map(|(_, case)| case).collect()
}

/// Checks that the cases have each class that a server can judge. Etcd can't list a key that servers do not know, and a
/// subscription needs a broker.
#[test]
fn every_class_has_a_case() {
    let judged: BTreeSet<_> =
        errors().iter().chain(&warnings()).map(|case| case.code.to_owned()).collect();
    let all: BTreeSet<_> = FindingClass::ALL.iter().map(|class| class.name().to_owned()).collect();
    let others: Vec<_> = all.difference(&judged).map(String::as_str).collect();
    assert_eq!(others, ["key-unknown", "subscription-stray"]);
    assert!(judged.is_subset(&all), "{judged:?}");
}

fn assert_sound(stopped: &Stopped) {
    let document = check_store(&stopped.toml, 0);
    assert_eq!(document["findings"], serde_json::json!([]), "{document:#}");
}

fn check_store(toml: &str, code: i32) -> Json {
    restatectl(&["metadata", "check", "--from", toml, "-o", "json"]).expect(code).json()
}

fn judge(stopped: &Stopped, (lane, etcd): (&Lane, &Etcd), case: &ClassCase) -> Judgement {
    let pairs = changed_store(stopped, &case.changes);
    etcd.clear();
    for (name, value) in &pairs {
        etcd.put(name, value.clone());
    }
    let run = restatectl(&["metadata", "check", "--from", &etcd.toml(), "-o", "json"]);
    let document = run.json();
    let findings = document["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["code"] == case.code);
    let level = finding.map(|finding| finding["level"].as_str().unwrap().to_owned());
    let expects_end = level.as_deref() == Some("error");
    let expected = Expected { partitions: case.partitions.clone(), ..Expected::default() };
    let is_expected = |verdict: &Verdict| expects_end == (*verdict != Verdict::Runs);
    let verdict = lane.judge_again(stopped, &pairs, &expected, &is_expected);
    let codes: Vec<_> = findings.iter().map(|finding| &finding["code"]).collect();
    let changes = format!("{:?} {codes:?}", case.changes).chars().take(300).collect();
    Judgement { code: case.code, level, verdict, changes }
}

/// Returns the store with the changes in it, written without any check.
fn changed_store(stopped: &Stopped, changes: &[Change]) -> Pairs {
    let log = stopped.place_of_log(0).to_string();
    let mut pairs = stopped.pairs.clone();
    for change in changes {
        match change {
            Change::Patch(name, patch) => {
                let (key, (_, version)) = (Key::parse(name), stopped.document(name));
                let document = codec::decode(&key, &pairs[*name]).unwrap();
                let patch = patch.to_string().replace("@log0", &log);
                let edited = Patch::parse(&patch).unwrap().apply(&document).unwrap();
                let encoding = Encoding::for_edit(&key, None);
                let bytes = codec::encode(&key, encoding, &edited, version).unwrap();
                pairs.insert((*name).to_owned(), bytes.to_vec());
            }
            Change::Bytes(name, bytes) => {
                pairs.insert(name.clone(), bytes.clone());
            }
            Change::Copy(from, to) => {
                let bytes = pairs[*from].clone();
                pairs.insert((*to).to_owned(), bytes);
            }
            Change::Remove(name) => {
                pairs.remove(*name);
                pairs.remove(&format!("{name}::version"));
            }
            Change::Byte(name, before, value) => {
                let bytes = pairs.get_mut(*name).unwrap();
                let place =
                    bytes.windows(before.len()).rposition(|window| window == *before).unwrap();
                bytes[place + before.len()] = *value;
            }
        }
    }
    pairs
}
