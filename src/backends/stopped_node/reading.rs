//! Reads the folders of stopped nodes, and makes one state of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::cluster_marker::{ClusterName, read_marker};
use super::comparison::{
    FoundReplica, check_belonging, check_logs, describe_cluster, find_base, find_loss,
    find_missing_voters, may_be_same, sort_longest_first,
};
use super::folders::StoreFolder;
use super::lock::{LockState, query_lock};
use super::replica::{Replica, ReplicaError};
use super::warnings;
use crate::codec;
use crate::model::{
    CasToken, Entry, Key, NodeLabel, Snapshot, StoppedMember, StoppedMembers, StoreError, Value,
};
use crate::rocks_db::{ReadBudget, ReadError, read_database};
use crate::shell::quote_word;
use crate::wording::limit_time;

/// What the folders hold together.
#[derive(Debug)]
pub(super) struct StoredState {
    pub(super) entries: Snapshot,
    pub(super) members: StoppedMembers,
}

/// Reads the folders.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::NotAMember`], [`StoreError::Usage`] for folders that do not
/// belong together, [`StoreError::Denied`] and [`StoreError::Unavailable`] for what the system does not give.
pub(super) fn read_folders(folders: &[StoreFolder]) -> Result<StoredState, StoreError> {
    read_unlocked(folders, query_lock)
}

/// Reads the folders, where `query` tells of each before and after whether it is locked.
pub(super) fn read_unlocked(
    folders: &[StoreFolder],
    query: impl Fn(&Path) -> LockState,
) -> Result<StoredState, StoreError> {
    let check_locks = || folders.iter().map(|folder| check_lock(folder, query(&folder.path)));
    let mut unknown_locks = check_locks().collect::<Result<Vec<_>, _>>()?;
    let mut budget = ReadBudget::default();
    let read = folders
        .iter()
        .map(|folder| read_replica(folder, &mut budget))
        .collect::<Result<Vec<_>, _>>();
    // A server may have been started in the meantime: that explains what could not be read.
    unknown_locks.extend(check_locks().collect::<Result<Vec<_>, _>>()?);
    let unknown_locks: BTreeSet<_> = unknown_locks.into_iter().flatten().collect();
    let mut replicas = read?;
    check_belonging(&replicas).map_err(StoreError::Usage)?;
    sort_longest_first(&mut replicas);
    check_logs(&replicas).map_err(|reason| damaged(folders, reason))?;
    let base = find_base(&replicas).map_err(|reason| damaged(folders, reason))?;
    let longest = replicas.first().zip(base);
    let (longest, base) = longest.ok_or_else(|| StoreError::Usage("no folder".to_owned()))?;
    let rebuilt = longest.replica.rebuild_from(base);
    let judged = warnings::find_warnings(&replicas, base, &rebuilt);
    let entries = to_entries(rebuilt.values);
    let names = name_nodes(&entries);
    let loss = find_loss(&replicas, &names, rebuilt.uncertain_writes);
    let members = StoppedMembers {
        members: replicas.iter().map(|found| describe_member(found, &names)).collect(),
        missing: find_missing_voters(&replicas, &names),
        is_complete: loss.is_none(),
        loss,
        warnings: unknown_locks.into_iter().chain(judged).collect(),
    };
    Ok(StoredState { entries, members })
}

/// Refuses a folder that a process holds open; returns a warning where that can't be known.
fn check_lock(folder: &StoreFolder, lock: LockState) -> Result<Option<String>, StoreError> {
    let store = folder.describe();
    match lock {
        LockState::Free => Ok(None),
        LockState::Held(Some(pid)) => {
            Err(StoreError::InUse { store, reason: format!("process {pid} holds it open") })
        }
        LockState::Held(None) => {
            let reason = "a process that can't be seen from here, as in a container, holds it open";
            Err(StoreError::InUse { store, reason: reason.to_owned() })
        }
        LockState::Unknown(reason) => Ok(Some(format!(
            "{store}: whether a server runs on it is not known ({reason}): make sure that none does"
        ))),
    }
}

fn read_replica(folder: &StoreFolder, budget: &mut ReadBudget) -> Result<FoundReplica, StoreError> {
    let store = folder.describe();
    let in_folder = |reason| StoreError::Damaged { store: store.clone(), reason };
    let database =
        read_database(&folder.path, budget).map_err(|error| read_error(&store, error))?;
    let replica = Replica::from_database(database).map_err(|error| match error {
        ReplicaError::Damaged(reason) => in_folder(reason),
        ReplicaError::NotAMember(reason) => StoreError::NotAMember { store: store.clone(), reason },
    })?;
    let marker = folder.cluster_marker().map(|path| read_marker(&path)).transpose();
    let marker = marker.map_err(in_folder)?.flatten();
    let stored = codec::cluster_of(&to_entries(replica.rebuild_values()));
    let cluster = merge_cluster_names(marker, stored).map_err(in_folder)?;
    Ok(FoundReplica { replica, folder: quote_word(&folder.path), cluster })
}

/// Returns the cluster that the marker and the metadata name.
fn merge_cluster_names(
    marker: Option<ClusterName>,
    stored: Option<ClusterName>,
) -> Result<Option<ClusterName>, String> {
    match (marker, stored) {
        (Some(marker), Some(stored)) => {
            let is_same = may_be_same(&marker, &stored);
            let fingerprint = stored.1.or(marker.1);
            match is_same {
                true => Ok(Some((stored.0, fingerprint))),
                false => Err(format!(
                    ".cluster-marker names cluster {}, and the metadata cluster {}",
                    describe_cluster(&marker),
                    describe_cluster(&stored)
                )),
            }
        }
        (marker, stored) => Ok(stored.or(marker)),
    }
}

fn read_error(store: &str, error: ReadError) -> StoreError {
    let store = store.to_owned();
    let reason = error.to_string();
    match error {
        ReadError::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
            StoreError::Denied { store, reason }
        }
        ReadError::Io { error, .. } if error.kind() != io::ErrorKind::Other => {
            StoreError::Unavailable { store, reason }
        }
        _ => StoreError::Damaged { store, reason },
    }
}

fn damaged(folders: &[StoreFolder], reason: String) -> StoreError {
    let names: Vec<_> = folders.iter().map(|folder| quote_word(&folder.path)).collect();
    StoreError::Damaged { store: format!("stopped nodes at {}", names.join(", ")), reason }
}

fn to_entries(values: BTreeMap<String, Value>) -> Snapshot {
    let entry = |value: Value| {
        let token = CasToken::Version(value.version);
        Entry::Intact(value, token)
    };
    values.into_iter().map(|(name, value)| (Key::parse(&name), entry(value))).collect()
}

/// Returns the names of the nodes by id, as far as the metadata has them.
fn name_nodes(entries: &Snapshot) -> BTreeMap<u64, String> {
    let nodes = codec::nodes_of(entries).unwrap_or_default().nodes.into_iter();
    nodes.map(|node| (u64::from(node.id), node.name)).collect()
}

fn describe_member(found: &FoundReplica, names: &BTreeMap<u64, String>) -> StoppedMember {
    let replica = &found.replica;
    let (last, id) = (replica.last_position(), u64::from(replica.node_id));
    let name = names.get(&id).unwrap_or(&replica.name).clone();
    StoppedMember {
        node: NodeLabel { id, name },
        folder: found.folder.clone(),
        last_term: last.term,
        last_index: last.index,
        commit: replica.commit,
        last_write: replica
            .newest_change
            .map(|time| humantime::format_rfc3339_seconds(limit_time(time)).to_string()),
    }
}
