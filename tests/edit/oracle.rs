//! Edits of every kind of key, each judged by a real server: what ends it is refused, and what it runs on is
//! accepted.

use std::collections::VecDeque;
use std::sync::Mutex;

use restatectl::codec::{self, Encoding};
use restatectl::model::{Key, Version};
use restatectl::pipeline::edit::Patch;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::oracle_cases::{Case, cases};
use crate::support::edit::EditedStore;
use crate::support::oracle::{Expected, Lane, Pairs, Stopped, Verdict};
use crate::support::scale_count;

/// The servers that run at once.
const LANES: usize = 2;

/// What was found about one edit.
struct Finding {
    line: String,
    /// `true` if both verdicts are the same, or the case says why they are not.
    is_expected: bool,
    is_refused: bool,
}

#[test]
fn edits_are_refused_where_a_server_ends_on_them() {
    let stopped = Stopped::with_content_in_every_key();
    let log = stopped.place_of_log(0).to_string();
    // Two of three in `make test`, all in `make soak`.
    let chosen = cases().into_iter().enumerate().filter(|(index, _)| index % 3 < scale_count(2, 3));
    let waiting: Mutex<VecDeque<Case>> = Mutex::new(chosen.map(|(_, case)| case).collect());
    let found: Mutex<Vec<Finding>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let lane = Lane::open();
                loop {
                    let Some(mut case) = waiting.lock().unwrap().pop_front() else { break };
                    let patch = case.patch.to_string().replace("@log0", &log);
                    case.patch = serde_json::from_str(&patch).unwrap();
                    let finding = judge(&stopped, &lane, &case);
                    println!("{}", finding.line);
                    found.lock().unwrap().push(finding);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let refused = found.iter().filter(|finding| finding.is_refused).count();
    let accepted = found.len() - refused;
    assert!(refused >= 40 && accepted >= scale_count(15, 30), "{refused} of {}", found.len());
    let wrong: Vec<_> = found.iter().filter(|finding| !finding.is_expected).collect();
    let lines = wrong.iter().map(|finding| finding.line.as_str()).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {}:\n{lines}", wrong.len(), found.len());
}

fn judge(stopped: &Stopped, lane: &Lane, case: &Case) -> Finding {
    let ours = our_verdict(stopped, case);
    let (pairs, expected) = edited_store(stopped, case);
    let is_expected = |theirs: &Verdict| {
        let runs = *theirs == Verdict::Runs;
        (ours.is_none() == runs) == case.difference.is_none()
    };
    let theirs = lane.judge_again(stopped, &pairs, &expected, &is_expected);
    let shown = ours.as_ref().map_or("accepted".to_owned(), |reason| format!("refused: {reason}"));
    let why = case.difference.map_or_else(String::new, |reason| format!("\n    {reason}"));
    Finding {
        line: format!("{} {}\n    {shown}\n    server: {theirs:?}{why}", case.key, case.patch),
        is_expected: is_expected(&theirs),
        is_refused: ours.is_some(),
    }
}

/// Returns why `patch` refuses the edit; `None` if it does not.
fn our_verdict(stopped: &Stopped, case: &Case) -> Option<String> {
    let folder = TempDir::new().unwrap();
    let store = EditedStore::toml(&stopped.toml, &folder);
    let patch = case.patch.to_string();
    let run = store.run("patch", case.key, &["-n", "-o", "json", "-p", &patch]);
    if run.code == 0 {
        return None;
    }
    let error = run.expect(5).json()["error"].clone();
    assert_eq!(error["code"], "value-corrupt", "{} {patch}", case.key);
    Some(error["message"].as_str().unwrap().to_owned())
}

/// Returns the store with the edit in it, written without the checks of `patch`.
fn edited_store(stopped: &Stopped, case: &Case) -> (Pairs, Expected) {
    let key = Key::parse(case.key);
    let (document, version) = stopped.document(case.key);
    let edited = Patch::parse(&case.patch.to_string()).unwrap().apply(&document).unwrap();
    let version = Version(version.0 + 1);
    let encoding = Encoding::for_edit(&key, None);
    let bytes = codec::encode(&key, encoding, &edited, version).unwrap();
    let mut pairs = stopped.pairs.clone();
    pairs.insert(case.key.to_owned(), bytes.to_vec());
    pairs.insert(format!("{}::version", case.key), version.0.to_le_bytes().to_vec());
    (pairs, expected(&key, &edited))
}

/// Returns what a server shows if it takes the edited document as it is.
fn expected(key: &Key, edited: &Json) -> Expected {
    let mut expected = Expected::default();
    match key {
        Key::Schema => {
            if let Some(deployments) = edited["deployments_v2"].as_array() {
                expected.deployments = deployments.len();
            }
        }
        Key::RuleBook => {
            if let Some(rules) = edited["rules"].as_object() {
                expected.rules = rules.len();
            }
        }
        Key::PartitionTable => {
            if let Some(partitions) = edited["partitions"].as_array() {
                expected.partitions =
                    partitions.iter().filter_map(|pair| pair[0].as_u64()).collect();
            }
        }
        _ => {}
    }
    expected
}
