use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::comparison::{
    FoundReplica, are_majority, check_belonging, check_logs, find_base, find_differences,
    find_missing_voters, sort_longest_first,
};
use super::messages::{LogEntry, LogPosition, RaftSnapshot};
use super::replica::{Replica, ReplicaError};
use super::*;
use crate::backends::backup::Backup;
use crate::model::{Value, Version};
use crate::rocks_db::{Database, TornTail};

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
    assert!(damage(database(&[entry(1, 11, write())], 10)).contains("term 1 follows 2"));
    assert!(damage(database(&[], 11)).contains("index 11 is committed"));
    assert!(damage(database(&[entry(10, 11, write())], 10)).contains("its term is 9"));
    let (_, other) = entry(2, 12, write());
    assert!(damage(database(&[(11, other)], 10)).contains("the entry is that of 12"));
    assert!(damage(without(database(&[], 10), "snapshot")).contains("no snapshot"));
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
    // Removed, and a member again since: the folder is that of the first time.
    let member =
        serde_json::json!({"Member": {"my_member_id": {"node_id": 1, "created_at_millis": 70}}});
    let mut again = database(&[], 10);
    let state = flexbuffers::to_vec(&member).unwrap();
    again.families.get_mut("metadata").unwrap().insert(b"raft-server-state".to_vec(), state);
    assert!(reason(again).contains("was removed"));
}

fn replica_of(node_id: u32, entries: &[(u64, Vec<u8>)]) -> FoundReplica {
    let mut replica = Replica::from_database(database(entries, 10)).unwrap();
    replica.node_id = node_id;
    let cluster = Some(("demo".to_owned(), Some(7)));
    FoundReplica { replica, folder: format!("n{node_id}"), cluster }
}

#[test]
fn majority_is_needed_before_and_after_each_change_of_members() {
    let none: &[(u64, Vec<u8>)] = &[];
    let of = |ids: &[u32], entries: &[(u64, Vec<u8>)]| -> Vec<_> {
        ids.iter().map(|id| replica_of(*id, entries)).collect()
    };
    assert!(!are_majority(&of(&[1], none)));
    assert!(are_majority(&of(&[1, 3], none)));
    assert!(!are_majority(&of(&[1, 4], none)));
    let grown = [change(11, &[1, 2, 3, 4, 5])];
    assert!(!are_majority(&of(&[1, 2], &grown)));
    assert!(are_majority(&of(&[1, 2, 4], &grown)));
    // A majority of the new members alone is none of the old ones.
    assert!(!are_majority(&of(&[1, 4, 5], &grown)));
    let shrunk = [change(11, &[1])];
    assert!(!are_majority(&of(&[1], &shrunk)));
    let names = BTreeMap::from([(3, "node-3".to_owned())]);
    let missing: Vec<_> = find_missing_voters(&of(&[1], &grown), &names);
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["N2", "N3 (node-3)", "N4", "N5"]);
}

#[test]
fn log_that_may_have_lost_its_end_does_not_count() {
    let tail = |is_damaged| TornTail {
        file: "000004.log".to_owned(),
        offset: 7,
        reason: "cut".to_owned(),
        is_damaged,
    };
    let mut replicas = vec![replica_of(1, &[]), replica_of(2, &[])];
    replicas[1].replica.torn_tails.push(tail(false));
    assert!(are_majority(&replicas));
    replicas[1].replica.torn_tails.push(tail(true));
    assert!(!are_majority(&replicas));
}

#[test]
fn folders_that_do_not_belong_together_are_refused() {
    let mut replicas = vec![replica_of(1, &[]), replica_of(2, &[])];
    assert!(check_belonging(&replicas).is_ok());
    replicas[1].cluster = Some(("demo".to_owned(), Some(8)));
    assert!(check_belonging(&replicas).unwrap_err().contains("fingerprint 8"));
    // A folder without a fingerprint is left from before the cluster had one, and does not hide that others differ.
    let mut older = replica_of(3, &[]);
    older.cluster = Some(("demo".to_owned(), None));
    assert!(check_belonging(&[older.clone(), replicas[1].clone()]).is_ok());
    replicas.insert(0, older);
    assert!(check_belonging(&replicas).unwrap_err().contains("fingerprint 8"));
    replicas.remove(0);
    replicas[1] = replica_of(1, &[]);
    assert!(check_belonging(&replicas).unwrap_err().contains("are of N1"));
    let one = replica_of(1, &[entry(2, 11, put("a", 5, (1, 0)))]);
    let same = replica_of(2, &[entry(2, 11, put("a", 5, (1, 0)))]);
    let newer = replica_of(2, &[entry(3, 11, put("a", 6, (1, 0)))]);
    let other = replica_of(2, &[entry(2, 11, put("a", 6, (1, 0)))]);
    assert!(check_logs(&[one.clone(), same]).is_ok() && check_logs(&[one.clone(), newer]).is_ok());
    assert!(check_logs(&[one, other]).unwrap_err().contains("different logs at index 11"));
}

#[test]
fn longest_log_is_of_the_greatest_term() {
    let older = replica_of(1, &[entry(2, 11, Vec::new()), entry(2, 12, Vec::new())]);
    let newer = replica_of(2, &[entry(3, 11, put("b", 1, (1, 0)))]);
    let mut replicas = vec![older, newer];
    sort_longest_first(&mut replicas);
    assert_eq!(replicas[0].replica.node_id, 2);
    let warnings = warnings_of(&replicas);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("N1 (node-1) lags behind: its log ends at term 2, index 12"));
}

fn warnings_of(replicas: &[FoundReplica]) -> Vec<String> {
    let base = find_base(replicas).unwrap().unwrap();
    super::warnings::find_warnings(replicas, base, &replicas[0].replica.rebuild_from(base))
}

fn change(index: u64, ids: &[u64]) -> (u64, Vec<u8>) {
    (index, [number(1, 2), number(2, 2), number(3, index), members(6, ids)].concat())
}

#[test]
fn write_after_a_skipped_change_of_members_is_not_judged() {
    let log = |condition| [change(11, &[1, 2, 3]), entry(2, 12, put("nodes_config", 6, condition))];
    let uncertain = |entries: &[(u64, Vec<u8>)]| {
        let replica = replica_of(1, entries).replica;
        replica.rebuild_from(&replica.snapshot).uncertain_writes
    };
    // Whether the condition is met here or not: the servers have another version.
    assert_eq!(uncertain(&log((3, 6))), 1);
    assert_eq!(uncertain(&log((2, 0))), 1);
    assert_eq!(uncertain(&log((1, 0))), 0);
    assert_eq!(uncertain(&log((3, 6))[..1]), 0);
    let [change, write] = log((3, 6));
    assert_eq!(uncertain(&[entry(2, 11, put("nodes_config", 6, (3, 6))), entry(2, 12, vec![])]), 0);
    let (one, mut two) = (replica_of(1, &[change, write]), replica_of(2, &[]));
    let warnings = warnings_of(std::slice::from_ref(&one));
    assert!(warnings[0].contains("skipped") && warnings[1].contains("1 write of nodes_config"));
    // The snapshot of another member that has applied the change.
    two.replica.snapshot.position.index = 11;
    let values = &mut two.replica.snapshot.values;
    values.insert("nodes_config".to_owned(), Value { version: Version(6), bytes: "x".into() });
    let both = [one, two];
    let base = find_base(&both).unwrap().unwrap();
    assert_eq!(base.position.index, 11);
    assert_eq!(both[0].replica.rebuild_from(base).uncertain_writes, 0);
    let warnings = warnings_of(&both);
    assert!(warnings.len() == 1 && warnings[0].contains("lags behind"), "{warnings:?}");
}

#[test]
fn snapshot_that_is_no_part_of_the_longest_log_is_refused() {
    let longest = replica_of(1, &[entry(3, 11, Vec::new())]);
    for position in [LogPosition { term: 2, index: 11 }, LogPosition { term: 2, index: 12 }] {
        let mut other = replica_of(2, &[]);
        other.replica.snapshot.position = position;
        let reason = find_base(&[longest.clone(), other]).unwrap_err();
        assert!(reason.contains("the snapshot of n2, at index"), "{reason}");
    }
}

#[test]
fn of_equally_long_logs_the_greater_snapshot_comes_first() {
    let log = [change(11, &[1, 2, 3])];
    let (one, mut two) = (replica_of(1, &log), replica_of(2, &log));
    two.replica.log.clear();
    two.replica.snapshot.position.index = 11;
    let mut replicas = [one, two];
    sort_longest_first(&mut replicas);
    assert_eq!(replicas[0].replica.node_id, 2);
    assert!(warnings_of(&replicas).is_empty());
    let value = |version| Value { version: Version(version), bytes: "x".into() };
    let values = &mut replicas[0].replica.snapshot.values;
    // The member that has not applied the change has an older `nodes_config`.
    values.insert("nodes_config".to_owned(), value(7));
    assert!(warnings_of(&replicas).is_empty());
    replicas[0].replica.snapshot.values.insert("a".to_owned(), value(9));
    let values = replicas[0].replica.rebuild_values();
    assert_eq!(find_differences(&replicas, &values), ["a".to_owned()].into());
    assert!(warnings_of(&replicas)[0].contains("a: members with equally long logs"));
}

#[test]
fn lock_is_asked_again_after_reading() {
    use lock::LockState::{Free, Held, Unknown};
    let folders = StoppedFolders::find(sample().as_os_str()).unwrap().unwrap().0;
    let read = |states: [lock::LockState; 2]| {
        let states = std::cell::RefCell::new(states.into_iter());
        reading::read_unlocked(&folders, |_| states.borrow_mut().next().unwrap())
    };
    assert!(read([Free, Free]).unwrap().members.warnings.is_empty());
    for states in
        [[Held(Some(7)), Free], [Free, Held(Some(7))], [Unknown("x".to_owned()), Held(None)]]
    {
        assert!(matches!(read(states), Err(StoreError::InUse { .. })));
    }
    let unknown = read([Unknown("no locks here".to_owned()), Free]).unwrap().members.warnings;
    assert!(unknown[0].contains("whether a server runs on it is not known (no locks here)"));
}

#[test]
fn folder_that_a_process_holds_is_refused() {
    // A lock of this process would not conflict with its own question.
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("LOCK");
    std::fs::write(&path, "").unwrap();
    assert_eq!(lock::query_lock(folder.path()), lock::LockState::Free);
    let script = "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); time.sleep(60)";
    let mut holder = std::process::Command::new("python3")
        .args(["-c", script, path.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = std::io::BufReader::new(holder.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut { output }, &mut line).unwrap();
    let pid = i32::try_from(holder.id()).unwrap();
    assert_eq!(lock::query_lock(folder.path()), lock::LockState::Held(Some(pid)));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(lock::query_lock(folder.path()), lock::LockState::Free);
}

proptest! {
    #![proptest_config(crate::fuzz::fuzz_config())]

    #[test]
    fn fuzz_any_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (LogEntry::parse(&bytes), RaftSnapshot::parse(&bytes));
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
