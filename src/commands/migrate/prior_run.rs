//! The backup file of an interrupted `--force`: if every key of the target that differs from the source
//! is what that file holds, nothing can be lost by resuming.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backends::backup::Backup;
use crate::commands::store_arg::LARGEST_BACKUP;
use crate::model::{Entry, Key, Snapshot};
use crate::pipeline::verify::are_same;

/// Finds the latest backup file in the folder that accounts for what the target holds.
///
/// The `nodes_config` of a live target is left out: it changes with each start of a server, and is
/// merged.
pub(super) fn find_matching_backup(
    folder: &Path,
    source: &Snapshot,
    target: &Snapshot,
    target_is_live: bool,
) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let mut backups: Vec<PathBuf> = files.filter(|path| has_backup_name(path)).collect();
    backups.sort();
    // The latest first.
    backups.into_iter().rev().find(|path| {
        read_backup(path).is_some_and(|backup| {
            accounts_for_target(backup.entries(), source, target, target_is_live)
        })
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

/// Reads a backup file; a pipe, a device or a file too large for a backup is left alone.
fn read_backup(file: &Path) -> Option<Backup> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST_BACKUP {
        return None;
    }
    Backup::parse(&fs::read(file).ok()?, "").ok()
}

fn has_backup_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("restatectl-backup-") && name.ends_with(".jsonl")
}

fn accounts_for_target(
    backup: &Snapshot,
    source: &Snapshot,
    target: &Snapshot,
    target_is_live: bool,
) -> bool {
    target.iter().all(|(key, found)| {
        let is_merged = target_is_live && *key == Key::NodesConfig;
        is_merged
            || are_equal(key, Some(found), source.get(key))
            || are_equal(key, Some(found), backup.get(key))
    })
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

    fn entry(version: u32) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"x") };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    #[test]
    fn backup_accounts_for_target_only_if_it_holds_every_differing_key() {
        let epoch = Key::PartitionEpoch;
        let source = Snapshot::from([(epoch(0), entry(5)), (epoch(1), entry(5))]);
        let backup =
            Snapshot::from([(epoch(0), entry(3)), (epoch(1), entry(3)), (epoch(7), entry(1))]);
        let mixture = |changed: Option<(Key, Entry)>| -> Snapshot {
            let ours = [(epoch(0), entry(5)), (epoch(1), entry(3)), (epoch(7), entry(1))];
            ours.into_iter().chain(changed).collect()
        };
        assert!(accounts_for_target(&backup, &source, &mixture(None), false));
        assert!(!accounts_for_target(
            &backup,
            &source,
            &mixture(Some((epoch(1), entry(4)))),
            false
        ));
        assert!(!accounts_for_target(
            &backup,
            &source,
            &mixture(Some((epoch(8), entry(1)))),
            false
        ));
        // Where servers run on the target, its nodes_config is merged whatever it is.
        let raised = mixture(Some((Key::NodesConfig, entry(9))));
        assert!(!accounts_for_target(&backup, &source, &raised, false));
        assert!(accounts_for_target(&backup, &source, &raised, true));
    }

    #[test]
    fn backup_is_recognized_only_while_it_holds_exactly_the_snapshot() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("before.jsonl");
        let mut snapshot = Snapshot::from([(Key::RuleBook, entry(5))]);
        assert!(!is_backup_of(&file, &snapshot));
        let destination = Destination::File(file.clone());
        let origin = BackupOrigin { store: "memory", cluster: None, complete: true };
        save_backup(&destination, &origin, &snapshot).unwrap();
        assert!(is_backup_of(&file, &snapshot));
        snapshot.insert(Key::Logs, entry(1));
        assert!(!is_backup_of(&file, &snapshot));
    }
}
