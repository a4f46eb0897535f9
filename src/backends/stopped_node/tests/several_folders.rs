//! Several folders together: whether they belong together, which of them counts, and what may be missing.

use super::super::comparison::{
    FoundReplica, check_belonging, check_logs, find_base, find_differences, find_loss,
    find_missing_voters, sort_longest_first,
};
use super::*;
use crate::model::Version;
use crate::rocks_db::TornTail;

fn replica_of(node_id: u32, entries: &[(u64, Vec<u8>)]) -> FoundReplica {
    let mut replica = Replica::from_database(database(entries, 10)).unwrap();
    replica.node_id = node_id;
    let cluster = Some(("demo".to_owned(), Some(7)));
    FoundReplica { replica, folder: format!("n{node_id}"), cluster }
}

/// Returns whether these folders are those of a majority.
fn are_majority(replicas: &[FoundReplica]) -> bool {
    find_loss(replicas, &BTreeMap::new(), 0).is_none()
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
    let loss = find_loss(&replicas, &BTreeMap::new(), 0).unwrap();
    assert!(!loss.lacks_majority && loss.damaged.len() == 1 && loss.damaged[0].id == 2);
    // With all three, the other two are a majority.
    replicas.push(replica_of(3, &[]));
    assert!(are_majority(&replicas));
    let uncertain = find_loss(&replicas, &BTreeMap::new(), 1).unwrap();
    assert!(!uncertain.lacks_majority && uncertain.damaged.is_empty());
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
fn folder_of_a_member_that_joined_again_is_refused() {
    let joined = |found: &mut FoundReplica, id: u32, time: i64| {
        found.replica.snapshot.members.insert(id, time);
    };
    let (mut one, mut two) = (replica_of(1, &[]), replica_of(2, &[]));
    joined(&mut two, 2, 80);
    joined(&mut one, 2, 80);
    assert!(check_belonging(&[one.clone(), two.clone()]).is_ok());
    // What an older snapshot says of a member is no reason against it.
    joined(&mut one, 2, 79);
    assert!(check_belonging(&[one.clone(), two.clone()]).is_ok());
    joined(&mut one, 2, 81);
    let reason = check_belonging(&[one, two.clone()]).unwrap_err();
    assert!(reason.contains("n2 is of an earlier N2: by n1, it left"), "{reason}");
    // By a change that the other has not applied.
    let again = replica_of(1, &[change(11, &[1, 2, 3])]);
    joined(&mut two, 2, 0);
    assert!(check_belonging(&[again, two]).is_err());
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
    super::super::warnings::find_warnings(replicas, base, &replicas[0].replica.rebuild_from(base))
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
fn members_that_wrote_their_nodes_in_another_order_agree() {
    let changed = |member, document: &str| {
        let mut replica = replica_of(member, &[]);
        let bytes = format!("\u{5}{document}").into();
        let value = Value { version: Version(6), bytes };
        replica.replica.snapshot.values.insert("nodes_config".to_owned(), value);
        replica
    };
    let one =
        changed(1, r#"{"version":6,"modified_at":1,"nodes":[[1,{"Node":1}],[2,{"Node":2}]]}"#);
    for (other, warnings) in [
        (r#"{"version":6,"modified_at":2,"nodes":[[2,{"Node":2}],[1,{"Node":1}]]}"#, 0),
        (r#"{"version":6,"modified_at":2,"nodes":[[2,{"Node":1}],[1,{"Node":2}]]}"#, 1),
        (r#"{"version":6,"modified_at":2,"nodes":[[1,{"Node":1}]]}"#, 1),
    ] {
        assert_eq!(warnings_of(&[one.clone(), changed(2, other)]).len(), warnings, "{other}");
    }
}
