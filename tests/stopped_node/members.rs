//! Members that were away, that were removed, and changes of members that nobody applied.

use restatectl::model::StoreError;

use super::fixture::{
    SERVER, answers, assert_same_values, content, name_nodes, read_nodes, try_read,
    wait_for_members,
};
use crate::support::restate::{CURRENT, Cluster, Mode, put_value};
use crate::support::tool::official;

/// Entries are trimmed early, so that a follower that was away gets a snapshot.
const TRIMMED: &str = "[metadata-server]\nlog-trim-threshold = 20\n";

/// A leader that nobody answers remains one for a while.
const PATIENT: &str = "[metadata-server]\nraft-election-tick = 40\n";

/// Writes so many keys at these versions.
fn write(cluster: &Cluster, count: usize, version: u32) -> Vec<String> {
    let address = cluster.nodes[cluster.leader()].address();
    let keys: Vec<_> = (0..count).map(|number| format!("pp_epoch_{number}")).collect();
    for key in &keys {
        put_value(&address, key, version, &content(key, version, 200));
    }
    keys
}

/// Returns the node id of a node of the cluster.
fn id_of(cluster: &Cluster, index: usize) -> u64 {
    let found = read_nodes(cluster, &[0, 1, 2]);
    let members = found.members.members.iter();
    let name = &cluster.nodes[index].name;
    members.map(|member| &member.node).find(|node| node.name == *name).unwrap().id
}

#[test]
fn member_that_is_behind_or_removed_is_told_from_the_others() {
    let mut cluster = Cluster::start_with_config(CURRENT, &[SERVER; 3], TRIMMED);
    wait_for_members(&cluster, 3);
    write(&cluster, 10, 3);
    let away = (0..3).find(|index| *index != cluster.leader()).unwrap();
    let others: Vec<_> = (0..3).filter(|index| *index != away).collect();
    cluster.signal_node(away, "STOP");
    let keys = write(&cluster, 60, 4);
    let expected = answers(&cluster, &keys);
    cluster.end_all("KILL");

    // Alone it has its old state; with another it is the one that lags.
    let alone = read_nodes(&cluster, &[away]);
    assert!(!alone.members.is_complete);
    // A follower may not have the last of what is acknowledged.
    assert!(alone.values.get("pp_epoch_1").is_none_or(|(version, _)| *version <= 3));
    for other in &others {
        let found = read_nodes(&cluster, &[away, *other]);
        assert!(found.members.is_complete);
        assert_same_values(&found.values, &expected);
        let warnings = found.members.warnings.join("\n");
        assert!(warnings.contains("lags behind: its log ends at term"), "{warnings}");
    }

    // Back again, it gets a snapshot, and has all.
    cluster.start_again(&Mode::Normal);
    wait_for_members(&cluster, 3);
    let keys = write(&cluster, 60, 5);
    let expected = answers(&cluster, &keys);
    cluster.end_all("TERM");
    for node in 0..3 {
        assert_same_values(&read_nodes(&cluster, &[node]).values, &expected);
    }

    // Removed, it is no member; the other two are all there are.
    let removed = id_of(&cluster, away);
    cluster.start_again(&Mode::Normal);
    wait_for_members(&cluster, 3);
    cluster.leader();
    let remove = ["metadata-server", "remove-node", &removed.to_string()];
    let run = official(&[&["-s", &cluster.addresses()][..], &remove].concat());
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    let keys = write(&cluster, 5, 6);
    let expected = answers(&cluster, &keys);
    cluster.end_all("KILL");
    let Err(StoreError::NotAMember { reason, .. }) = try_read(&cluster.base_folder(away)) else {
        panic!("the folder of a removed member was read");
    };
    assert!(reason.contains("was removed"), "{reason}");
    let found = read_nodes(&cluster, &others);
    assert!(found.members.is_complete && found.members.missing.is_empty());
    for (key, value) in &expected {
        assert!(key == "nodes_config" || found.values[key] == *value, "{key}");
    }
    assert!(try_read(&name_nodes(&cluster, &[0, 1, 2])).is_err());
}

#[test]
fn change_of_members_that_nobody_applied_is_skipped_and_reported() {
    let mut cluster = Cluster::start_with_config(CURRENT, &[SERVER; 3], PATIENT);
    wait_for_members(&cluster, 3);
    let keys = write(&cluster, 5, 3);
    let (leader, expected) = (cluster.leader(), answers(&cluster, &keys));
    let followers: Vec<_> = (0..3).filter(|index| *index != leader).collect();
    followers.iter().for_each(|index| cluster.signal_node(*index, "STOP"));
    // Only the leader hears of it, and nobody is there to agree.
    let address = cluster.nodes[leader].address();
    let remove =
        ["-s", &address, "--request-timeout", "800", "metadata-server", "remove-node", "2"];
    assert_ne!(official(&remove).code, 0);
    cluster.end_all("KILL");
    let found = read_nodes(&cluster, &[leader]);
    let warnings = found.members.warnings.join("\n");
    assert!(warnings.contains("1 change of the members that no server has applied"), "{warnings}");
    assert_same_values(&found.values, &expected);
    assert!(!found.members.is_complete);
    let both = read_nodes(&cluster, &[leader, followers[0]]);
    assert_same_values(&both.values, &expected);
}
