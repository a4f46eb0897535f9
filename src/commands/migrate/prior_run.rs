//! What an interrupted `--force` of ours left behind is known by its backup file: if every key of the
//! target that differs from the source is what that file holds, nothing can be lost by going on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backends::backup::Backup;
use crate::model::{Entry, Key, Snapshot};

/// The backup file in the folder that explains the target, if there is one. A running target's
/// `nodes_config` needs no explanation: it changes with each start of a server, and is merged.
pub(super) fn find(
    folder: &Path,
    source: &Snapshot,
    target: &Snapshot,
    is_live_cluster: bool,
) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let mut backups: Vec<PathBuf> = files.filter(|path| is_named_so(path)).collect();
    backups.sort();
    // The latest first.
    backups.into_iter().rev().find(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        Backup::parse(&bytes, "")
            .is_ok_and(|backup| explains(backup.entries(), source, target, is_live_cluster))
    })
}

/// The keys that are damaged in a backup file, so that they can't be put back from it.
pub(super) fn damaged_in(file: &Path) -> Vec<String> {
    let Ok(backup) = Backup::parse(&fs::read(file).unwrap_or_default(), "") else {
        return Vec::new();
    };
    let damaged = |entry: &Entry| matches!(entry, Entry::Damaged { .. });
    let keys = backup.entries().iter().filter(|(_, entry)| damaged(entry));
    keys.map(|(key, _)| key.to_string()).collect()
}

fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("restatectl-backup-") && name.ends_with(".jsonl")
}

fn explains(
    backup: &Snapshot,
    source: &Snapshot,
    target: &Snapshot,
    is_live_cluster: bool,
) -> bool {
    target.iter().all(|(key, found)| {
        let is_merged = is_live_cluster && *key == Key::NodesConfig;
        is_merged || same(Some(found), source.get(key)) || same(Some(found), backup.get(key))
    })
}

fn same(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(Entry::Intact(one, _)), Some(Entry::Intact(other, _))) => one == other,
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
    use crate::model::{CasToken, Value, Version};

    fn entry(version: u32) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"x") };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    #[test]
    fn every_key_that_differs_has_to_be_in_the_backup() {
        let epoch = Key::PartitionEpoch;
        let source = Snapshot::from([(epoch(0), entry(5)), (epoch(1), entry(5))]);
        let backup =
            Snapshot::from([(epoch(0), entry(3)), (epoch(1), entry(3)), (epoch(7), entry(1))]);
        let mixture = |changed: Option<(Key, Entry)>| -> Snapshot {
            let ours = [(epoch(0), entry(5)), (epoch(1), entry(3)), (epoch(7), entry(1))];
            ours.into_iter().chain(changed).collect()
        };
        assert!(explains(&backup, &source, &mixture(None), false));
        assert!(!explains(&backup, &source, &mixture(Some((epoch(1), entry(4)))), false));
        assert!(!explains(&backup, &source, &mixture(Some((epoch(8), entry(1)))), false));
        // Where servers run on the target, its nodes_config is merged whatever it is.
        let raised = mixture(Some((Key::NodesConfig, entry(9))));
        assert!(!explains(&backup, &source, &raised, false));
        assert!(explains(&backup, &source, &raised, true));
    }
}
