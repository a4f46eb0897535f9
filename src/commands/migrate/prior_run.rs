//! The backup file of an interrupted `--force`: if every key of the target that differs from the source
//! is what that file holds, or what that run was to write, nothing can be lost by resuming.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backends::backup::{Backup, Header, PlannedValues};
use crate::codec;
use crate::commands::store_arg::LARGEST_BACKUP;
use crate::model::{
    Action, Entry, Key, KeyStatus, RecordedWrite, RecordedWrites, Snapshot, ValueDigest,
    WriteState, sha256_hex,
};
use crate::pipeline::verify::{are_same, compare_values};

/// What a target holds, which an interrupted run may have left.
pub(super) struct TargetContent<'a> {
    /// The name of the store, as its backup files have it.
    pub(super) store: &'a str,
    pub(super) entries: &'a Snapshot,
    /// Whether servers run on it, so that its `nodes_config` changes with each start, and is merged.
    pub(super) is_live: bool,
}

/// Finds the latest backup file in the folder that `migrate --force` made of this target, and that
/// accounts for what the target holds.
pub(super) fn find_matching_backup(
    folder: &Path,
    source: &Snapshot,
    target: &TargetContent<'_>,
) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let mut backups: Vec<PathBuf> = files.filter(|path| has_backup_name(path)).collect();
    backups.sort();
    // The latest first.
    backups.into_iter().rev().find(|path| {
        read_backup(path).is_some_and(|backup| accounts_for_target(&backup, source, target))
    })
}

/// Returns the keys that are damaged in a backup file, and so can't be restored from it.
pub(super) fn list_damaged_keys(file: &Path) -> Vec<String> {
    let Some(backup) = read_backup(file) else { return Vec::new() };
    let damaged = |entry: &Entry| matches!(entry, Entry::Damaged { .. });
    let keys = backup.entries().iter().filter(|(_, entry)| damaged(entry));
    keys.map(|(key, _)| key.to_string()).collect()
}

/// Returns whether the file is a backup that holds exactly these values.
pub(super) fn is_backup_of(file: &Path, snapshot: &Snapshot) -> bool {
    let Some(backup) = read_backup(file) else { return false };
    let entries = backup.entries();
    entries.len() == snapshot.len()
        && entries.iter().all(|(key, entry)| are_equal(key, Some(entry), snapshot.get(key)))
}

/// Lists what an interrupted run has written since it made this backup: wherever the target differs from that.
pub(super) fn list_writes_since(file: &Path, held: &Snapshot) -> RecordedWrites {
    let Some(backup) = read_backup(file) else { return RecordedWrites::new() };
    let before = backup.entries();
    let digest = |entry: &Entry| entry.value().map(ValueDigest::of);
    let describe = |key: &Key| {
        let (action, value) = match (before.get(key), held.get(key)) {
            (one, other) if are_equal(key, one, other) => return None,
            (None, None) => return None,
            (None, Some(found)) => (Action::Create, digest(found)),
            (Some(_), Some(found)) => (Action::Overwrite, digest(found)),
            (Some(entry), None) => (Action::Delete, digest(entry)),
        };
        let state = WriteState::Written;
        Some((key.clone(), RecordedWrite { action, value, earlier: Vec::new(), state }))
    };
    before.keys().chain(held.keys()).filter_map(describe).collect()
}

/// Returns whether the file has this digest.
pub(super) fn has_digest(file: &Path, digest: &str) -> bool {
    read_bounded(file).is_some_and(|bytes| sha256_hex(&bytes) == digest)
}

/// Returns whether the file is a backup of the store with this name.
pub(super) fn is_backup_of_store(file: &Path, store: &str) -> bool {
    read_backup(file).is_some_and(|backup| backup.header().store == store)
}

/// Reads a backup file; `None` for anything else.
pub(super) fn read_backup(file: &Path) -> Option<Backup> {
    Backup::parse(&read_bounded(file)?, "").ok()
}

/// Reads a file; a pipe, a device or a file too large for a backup is left alone.
fn read_bounded(file: &Path) -> Option<Vec<u8>> {
    let metadata = file.metadata().ok()?;
    let is_readable = metadata.is_file() && metadata.len() <= LARGEST_BACKUP;
    is_readable.then(|| fs::read(file).ok()).flatten()
}

fn has_backup_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("restatectl-backup-") && name.ends_with(".jsonl")
}

/// Returns whether an interrupted run that made this backup explains each entry of the target: it was not
/// replaced yet, or it is the new value. Files that other commands, or version 0.1.0, have made explain
/// nothing: that their values fit may be chance.
fn accounts_for_target(backup: &Backup, source: &Snapshot, target: &TargetContent<'_>) -> bool {
    let Some(planned) = &backup.header().overwritten_with else { return false };
    is_of_target(backup.header(), target)
        && target.entries.iter().all(|(key, found)| {
            let is_merged = target.is_live && *key == Key::NodesConfig;
            is_merged
                || are_equal(key, Some(found), source.get(key))
                || are_equal(key, Some(found), backup.entries().get(key))
                || is_planned(planned, key, found, source.get(key))
        })
}

/// Returns whether the backup was made of this target. A running cluster is reached at any of its nodes: it is
/// known by its own name and fingerprint, and another store by its place.
fn is_of_target(header: &Header, target: &TargetContent<'_>) -> bool {
    match target.is_live {
        true => {
            let of_header = header.cluster.clone().map(|name| (name, header.fingerprint));
            of_header.is_some() && of_header == codec::cluster_of(target.entries)
        }
        false => header.store == target.store,
    }
}

/// Returns whether that run has written the entry, and the source has moved on since. Where the entry is
/// newer than the source, it was copied from another, and would be lost.
fn is_planned(planned: &PlannedValues, key: &Key, found: &Entry, source: Option<&Entry>) -> bool {
    let (Some(found), Some(source)) = (found.value(), source.and_then(Entry::value)) else {
        return false;
    };
    planned.contains(key, found) && compare_values(key, source, found) != KeyStatus::Newer
}

fn are_equal(key: &Key, one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(Entry::Intact(one, _)), Some(Entry::Intact(other, _))) => {
            are_same(key, Some(one), Some(other))
        }
        (Some(Entry::Damaged { raw: one, .. }), Some(Entry::Damaged { raw: other, .. })) => {
            one == other
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::backends::backup::{BackupOrigin, Destination, save_backup};
    use crate::model::{CasToken, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide_plan};

    fn entry(version: u32) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"x") };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    fn nodes_config(fingerprint: u64) -> Entry {
        let text = format!(
            "\u{5}{{\"version\":9,\"cluster_name\":\"demo\",\"cluster_fingerprint\":{fingerprint},\"nodes\":[]}}"
        );
        let value = Value { version: Version(9), bytes: Bytes::from(text) };
        Entry::Intact(value, CasToken::Version(Version(9)))
    }

    /// Saves these entries as a run would that was to write the given ones, and reads them back.
    fn saved(store: &str, entries: &Snapshot, planned: Option<&Snapshot>) -> Backup {
        let folder = tempfile::TempDir::new().unwrap();
        let destination = Destination::File(folder.path().join("before.jsonl"));
        let overwritten_with = planned.map(|planned| {
            PlannedValues::from_plan(&decide_plan(planned, entries, OnExisting::Overwrite))
        });
        let cluster = Some(("demo".to_owned(), Some(7)));
        let origin =
            BackupOrigin { store, cluster, complete: true, data_loss: None, overwritten_with };
        let file = save_backup(&destination, &origin, entries).unwrap();
        read_backup(&file.path).unwrap()
    }

    fn epochs(versions: &[(u16, u32)]) -> Snapshot {
        versions.iter().map(|(id, version)| (Key::PartitionEpoch(*id), entry(*version))).collect()
    }

    fn accounts_for(backup: &Backup, source: &Snapshot, entries: &Snapshot) -> bool {
        let target = TargetContent { store: "etcd a:1", entries, is_live: false };
        accounts_for_target(backup, source, &target)
    }

    #[test]
    fn backup_accounts_for_target_only_if_it_explains_every_differing_key() {
        let source = epochs(&[(0, 5), (1, 5)]);
        let before = epochs(&[(0, 3), (1, 9), (7, 1)]);
        let backup = saved("etcd a:1", &before, Some(&source));
        // One key replaced, one not yet, one not yet deleted.
        let mixture = epochs(&[(0, 5), (1, 9), (7, 1)]);
        assert!(accounts_for(&backup, &source, &mixture));
        // The source has moved on, or is an older one, whose newer copy would be lost.
        assert!(accounts_for(&backup, &epochs(&[(0, 6), (1, 5)]), &mixture));
        assert!(!accounts_for(&backup, &epochs(&[(0, 4), (1, 5)]), &mixture));
        // Another writer has been there.
        assert!(!accounts_for(&backup, &source, &epochs(&[(0, 5), (1, 4), (7, 1)])));
        assert!(!accounts_for(&backup, &source, &epochs(&[(0, 5), (1, 9), (8, 1)])));
        // Where servers run on the target, its nodes_config is merged whatever it is.
        let mut raised = mixture.clone();
        raised.insert(Key::NodesConfig, nodes_config(7));
        assert!(!accounts_for(&backup, &source, &raised));
        // It is reached at any of its nodes, and known by its fingerprint.
        let accounts_for_live = |entries: &Snapshot| {
            let target = TargetContent { store: "cluster b", entries, is_live: true };
            accounts_for_target(&backup, &source, &target)
        };
        assert!(accounts_for_live(&raised));
        raised.insert(Key::NodesConfig, nodes_config(8));
        assert!(!accounts_for_live(&raised));
    }

    #[test]
    fn backup_of_another_target_or_without_a_plan_accounts_for_nothing() {
        let (source, before) = (epochs(&[(0, 5)]), epochs(&[(0, 9)]));
        assert!(accounts_for(&saved("etcd a:1", &before, Some(&source)), &source, &before));
        assert!(!accounts_for(&saved("etcd b:1", &before, Some(&source)), &source, &before));
        assert!(!accounts_for(&saved("etcd a:1", &before, None), &source, &before));
    }

    #[test]
    fn backup_is_recognized_only_while_it_holds_exactly_the_snapshot() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("before.jsonl");
        let mut snapshot = Snapshot::from([(Key::RuleBook, entry(5))]);
        assert!(!is_backup_of(&file, &snapshot));
        let destination = Destination::File(file.clone());
        let origin = BackupOrigin {
            store: "memory",
            cluster: None,
            complete: true,
            data_loss: None,
            overwritten_with: None,
        };
        save_backup(&destination, &origin, &snapshot).unwrap();
        assert!(is_backup_of(&file, &snapshot));
        snapshot.insert(Key::Logs, entry(1));
        assert!(!is_backup_of(&file, &snapshot));
    }

    #[test]
    fn writes_of_an_interrupted_run_are_where_the_target_differs_from_its_backup() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("before.jsonl");
        let before = epochs(&[(0, 3), (1, 9), (7, 1)]);
        let origin = BackupOrigin {
            store: "memory",
            cluster: None,
            complete: true,
            data_loss: None,
            overwritten_with: None,
        };
        save_backup(&Destination::File(file.clone()), &origin, &before).unwrap();
        let writes = list_writes_since(&file, &epochs(&[(0, 5), (1, 9), (2, 5)]));
        let described: Vec<_> = writes
            .iter()
            .map(|(key, write)| {
                (key.to_string(), write.action, write.value.clone().unwrap().version)
            })
            .collect();
        let expected = [
            ("pp_epoch_0", Action::Overwrite, 5),
            ("pp_epoch_2", Action::Create, 5),
            ("pp_epoch_7", Action::Delete, 1),
        ];
        let expected =
            expected.map(|(key, action, version)| (key.to_owned(), action, Version(version)));
        assert_eq!(described, expected);
        assert!(list_writes_since(&folder.path().join("absent"), &before).is_empty());
    }
}
