use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::messages::LogPosition;
use super::replica::{Replica, ReplicaError};
use super::*;
use crate::backends::backup::Backup;
use crate::model::Value;
use crate::rocks_db::Database;

mod locks;
mod several_folders;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stopped_node/sample")
}

fn open(path: &Path) -> Result<StoppedNodes, StoreError> {
    StoppedNodes::open(StoppedFolders::find(path.as_os_str()).unwrap().unwrap())
}

/// Encodes a field that is a number.
fn number(tag: u8, number: u64) -> Vec<u8> {
    let mut bytes = vec![tag << 3];
    prost::encoding::encode_varint(number, &mut bytes);
    bytes
}

/// Encodes a field that is made of parts.
fn message(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend(content);
    bytes
}

fn text(tag: u8, text: &str) -> Vec<u8> {
    message(tag, &[text.as_bytes().to_vec()])
}

fn value(tag: u8, version: u64, content: &str) -> Vec<u8> {
    message(tag, &[message(1, &[number(1, version)]), text(2, content)])
}

fn members(tag: u8, ids: &[u64]) -> Vec<u8> {
    let members = ids.iter().map(|id| message(2, &[number(1, *id), number(2, 70 + id)]));
    message(tag, &members.collect::<Vec<_>>())
}

/// A put under a condition: 1 for none, 2 for absence, 3 for a version.
fn put(key: &str, version: u64, condition: (u64, u64)) -> Vec<u8> {
    let version_of_condition = message(2, &[number(1, condition.1)]);
    let condition = message(4, &[number(1, condition.0), version_of_condition]);
    [number(2, 1), text(3, key), condition, value(7, version, "v")].concat()
}

fn entry(term: u64, index: u64, data: Vec<u8>) -> (u64, Vec<u8>) {
    (index, [number(2, term), number(3, index), message(4, &[data])].concat())
}

/// The database of N1, a member of three, with a snapshot at term 2, index 10, and these entries.
fn database(entries: &[(u64, Vec<u8>)], commit: u64) -> Database {
    let snapshot = [
        message(1, &[members(1, &[1, 2, 3]), message(2, &[text(1, "a"), value(2, 4, "old")])]),
        message(
            2,
            &[message(1, &[number(1, 1), number(1, 2), number(1, 3)]), number(2, 10), number(3, 2)],
        ),
    ];
    let member =
        serde_json::json!({"Member": {"my_member_id": {"node_id": 1, "created_at_millis": 71}}});
    let metadata = BTreeMap::from([
        (b"hard-state".to_vec(), [number(1, 9), number(3, commit)].concat()),
        (b"snapshot".to_vec(), snapshot.concat()),
        (b"storage-marker".to_vec(), b"{\"id\":\"node-1\"}".to_vec()),
        (b"raft-server-state".to_vec(), flexbuffers::to_vec(&member).unwrap()),
    ]);
    let key = |index: u64| [b"l".as_slice(), &index.to_be_bytes()].concat();
    let data = entries.iter().map(|(index, bytes)| (key(*index), bytes.clone())).collect();
    let families = [("data", data), ("default", BTreeMap::new()), ("metadata", metadata)];
    Database {
        families: families.map(|(name, family)| (name.to_owned(), family)).into(),
        torn_tails: Vec::new(),
        newest_change: None,
    }
}

fn without(mut database: Database, key: &str) -> Database {
    database.families.get_mut("metadata").unwrap().remove(key.as_bytes());
    database
}

fn change(index: u64, ids: &[u64]) -> (u64, Vec<u8>) {
    (index, [number(1, 2), number(2, 2), number(3, index), members(6, ids)].concat())
}

fn versions(replica: &Replica) -> Vec<(String, u32)> {
    let values: BTreeMap<String, Value> = replica.rebuild_values();
    values.into_iter().map(|(key, value)| (key, value.version.0)).collect()
}

fn damage(database: Database) -> String {
    match Replica::from_database(database) {
        Err(ReplicaError::Damaged(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sample_holds_what_its_server_answered() {
    let answers = std::fs::read(sample().join("answers.jsonl")).unwrap();
    let answers = Backup::parse(&answers, "answers").unwrap();
    let store = sample().join("node-1/replicated-metadata-server");
    for path in [sample(), sample().join("node-1"), store] {
        let nodes = open(&path).unwrap();
        let keys: Vec<_> = nodes.list_keys().await.unwrap().unwrap().into_iter().collect();
        let entries = nodes.read(&keys).await.unwrap().into_iter().map(Option::unwrap);
        let read: crate::model::Snapshot = keys.into_iter().zip(entries).collect();
        assert_eq!(&read, answers.entries());
        let found = nodes.stopped_members().unwrap();
        assert!(found.is_complete && found.missing.is_empty() && found.warnings.is_empty());
        let [member] = found.members.as_slice() else { panic!("{found:?}") };
        assert_eq!(member.node.to_string(), "N1 (node-1)");
        // A single server never stores how far its log is committed.
        assert_eq!(member.commit, 1);
    }
}

#[test]
fn log_is_applied_to_its_end_under_its_preconditions() {
    let entries = [
        // Part of the snapshot already.
        entry(1, 10, put("a", 9, (1, 0))),
        entry(2, 11, put("a", 5, (3, 4))),
        entry(2, 12, put("a", 6, (3, 4))),
        entry(3, 13, Vec::new()),
        entry(3, 14, put("b", 1, (2, 0))),
        entry(3, 15, put("b", 2, (2, 0))),
        entry(3, 16, put("c", 1, (1, 0))),
        entry(3, 17, [number(2, 2), text(3, "c"), message(4, &[number(1, 1)])].concat()),
    ];
    let replica = Replica::from_database(database(&entries, 11)).unwrap();
    assert_eq!(versions(&replica), [("a".to_owned(), 5), ("b".to_owned(), 1)]);
    assert_eq!(replica.last_position(), LogPosition { term: 3, index: 17 });
    assert_eq!((replica.name.as_str(), replica.node_id), ("node-1", 1));
}

#[test]
fn log_that_contradicts_itself_is_refused() {
    let write = || put("a", 5, (1, 0));
    let gap = damage(database(&[entry(2, 12, write())], 10));
    assert_eq!(gap, "a gap in the log: 12 follows 10");
    let term = damage(database(&[entry(3, 11, write()), entry(2, 12, write())], 10));
    assert_eq!(term, "log 12: term 2 follows 3");
    let above = damage(database(&[entry(2, 11, write()), entry(1, 12, write())], 10));
    assert_eq!(above, "log 12: term 1 follows 2");
    let (index, bytes) = change(11, &[]);
    assert!(damage(database(&[(index, bytes)], 10)).contains("that leaves none"));
    assert!(damage(database(&[], 11)).contains("index 11 is committed"));
    let (_, other) = entry(2, 12, write());
    assert!(damage(database(&[(11, other)], 10)).contains("the entry is that of 12"));
    let member = without(database(&[entry(2, 11, write())], 10), "snapshot");
    assert!(damage(member).contains("no snapshot"));
}

#[test]
fn entry_of_a_term_that_is_not_stored_yet_counts() {
    // The server stores an entry before its own term, here 9.
    let replica = Replica::from_database(database(&[entry(10, 11, put("a", 5, (1, 0)))], 10));
    assert_eq!(versions(&replica.unwrap()), [("a".to_owned(), 5)]);
}

#[test]
fn entries_that_a_snapshot_of_a_later_leader_outdates_are_skipped() {
    let entries = [entry(1, 11, put("a", 5, (1, 0))), entry(1, 12, put("b", 1, (1, 0)))];
    let replica = Replica::from_database(database(&entries, 10)).unwrap();
    assert_eq!(versions(&replica), [("a".to_owned(), 4)]);
    assert_eq!((replica.outdated_entries, replica.last_position().index), (2, 10));
}

/// Copies the sample's store, with its log cut to so many bytes.
fn copy_with_cut_log(length: usize) -> tempfile::TempDir {
    let copy = tempfile::TempDir::new().unwrap();
    for entry in std::fs::read_dir(sample().join("node-1/replicated-metadata-server")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let is_log = path.extension().is_some_and(|end| end == "log");
        let bytes = if is_log { &bytes[..length] } else { &bytes[..] };
        std::fs::write(copy.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    copy
}

#[test]
fn folder_of_a_server_that_was_killed_at_any_moment_is_read() {
    let log = std::fs::metadata(sample().join("node-1/replicated-metadata-server/000013.log"));
    let length = usize::try_from(log.unwrap().len()).unwrap();
    for cut in (0..=length).step_by(5) {
        let copy = copy_with_cut_log(cut);
        let found = open(copy.path()).unwrap_or_else(|error| panic!("cut to {cut}: {error}"));
        assert!(found.stopped_members().unwrap().is_complete, "cut to {cut}");
    }
}

#[test]
fn unknown_content_is_refused() {
    let unknown_field = [put("a", 5, (1, 0)), number(9, 1)].concat();
    assert!(damage(database(&[entry(2, 11, unknown_field)], 10)).contains("field 9 is not known"));
    let condition = put("a", 5, (4, 0));
    assert!(damage(database(&[entry(2, 11, condition)], 10)).contains("precondition"));
    let (index, bytes) = entry(2, 11, Vec::new());
    let kind = [number(1, 3), bytes].concat();
    assert!(damage(database(&[(index, kind)], 10)).contains("unknown type 3"));
    for family in ["metadata", "data", "default"] {
        let mut changed = database(&[], 10);
        let keys = changed.families.get_mut(family).unwrap();
        keys.insert(b"new".to_vec(), Vec::new());
        assert!(damage(changed).contains("key"), "{family}");
    }
    let mut other = database(&[], 10);
    other.families.insert("other".to_owned(), BTreeMap::new());
    assert!(damage(other).contains("column families"));
}

#[test]
fn server_that_is_not_a_member_is_refused_as_what_it_is() {
    let reason = |database| match Replica::from_database(database) {
        Err(ReplicaError::NotAMember(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let removed = without(database(&[], 10), "raft-server-state");
    assert!(reason(removed).contains("was removed"));
    let mut fresh = without(database(&[], 10), "raft-server-state");
    fresh.families.get_mut("metadata").unwrap().clear();
    assert!(reason(fresh).contains("never provisioned"));
    assert!(reason(without(database(&[], 10), "snapshot")).contains("has just joined"));
    // Removed, and a member again since: the folder is that of the first time.
    let member =
        serde_json::json!({"Member": {"my_member_id": {"node_id": 1, "created_at_millis": 70}}});
    let mut again = database(&[], 10);
    let state = flexbuffers::to_vec(&member).unwrap();
    again.families.get_mut("metadata").unwrap().insert(b"raft-server-state".to_vec(), state);
    assert!(reason(again).contains("was removed"));
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_any_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz::parse_messages(&bytes);
        let mut changed = database(&[(11, bytes.clone())], 10);
        let metadata = changed.families.get_mut("metadata").unwrap();
        metadata.insert(b"raft-server-state".to_vec(), bytes);
        let _ = Replica::from_database(changed);
    }

    #[test]
    fn fuzz_one_changed_byte_of_an_entry(at in any::<prop::sample::Index>(), change in 1_u8..) {
        let (index, mut bytes) = entry(2, 11, put("a", 5, (3, 4)));
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let _ = Replica::from_database(database(&[(index, bytes)], 10));
    }
}
