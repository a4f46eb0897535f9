//! Saves a backup: complete and on the disk before it has its name, never in place of another file,
//! and readable by its owner only.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use super::super::request::Request;
use super::file::{WrittenFile, write_backup};
use super::header::{BackupOrigin, Header};
use crate::files::{Existing, PendingFile, Place, find_place};
use crate::model::{SavedFile, Snapshot};
use crate::shell::quote_word;
use crate::wording::limit_time;

/// The number of names that are tried where others are taken.
const MOST_NAMES: u32 = 1_000;

/// The destination of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Exactly here.
    File(PathBuf),
    /// Here, in place of a backup that this run, or the one that it resumes, has made.
    Replacing(PathBuf),
    /// A file in this folder, named after cluster and time.
    Folder(PathBuf),
}

/// Checks, before anything is read for it, that a backup could be saved there.
///
/// # Errors
/// As [`save_backup`], but for a disk that is too full for the content.
pub fn check_destination(place: &Destination) -> io::Result<()> {
    let path = match place {
        Destination::File(path) => find_new_name(path)?,
        Destination::Replacing(path) => find_own_name(path)?,
        Destination::Folder(folder) => folder.join("restatectl-backup"),
    };
    PendingFile::create(&path).map(drop)
}

/// Saves the entries of a store.
///
/// # Errors
/// Where the file exists already, or can't be written.
pub fn save_backup(
    place: &Destination,
    origin: &BackupOrigin<'_>,
    entries: &Snapshot,
) -> io::Result<SavedFile> {
    let began = Instant::now();
    let now = humantime::format_rfc3339_seconds(limit_time(SystemTime::now())).to_string();
    let name = origin.cluster.as_ref().map_or("unknown", |(name, _)| name);
    let stem =
        format!("restatectl-backup-{}-{}", plain_file_name(name), now.replace([':', '-'], ""));
    let header = Header::new(origin, now, entries.len());
    let content = BackupContent { header, entries };
    let (path, (written, warning)) = match place {
        Destination::File(path) => (path.clone(), content.store_new(path)?),
        Destination::Replacing(path) => {
            (path.clone(), content.store(&find_own_name(path)?, Existing::Replace)?)
        }
        Destination::Folder(folder) => content.store_in_folder(folder, &stem)?,
    };
    let keys: Vec<_> = entries.keys().collect();
    let at = format!("backup {}", quote_word(&path));
    Request::about_keys("write", &keys).finish(&at, began, None);
    let WrittenFile { bytes, sha256 } = written;
    Ok(SavedFile { path, keys: entries.len(), bytes, sha256, warning })
}

/// Replaces the characters that a file name should not have; a cluster's name may have any.
fn plain_file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    name.chars().take(60).map(plain).collect()
}

/// What was written, and a warning where it may be gone after a loss of power.
type Stored = (WrittenFile, Option<String>);

struct BackupContent<'a> {
    header: Header,
    entries: &'a Snapshot,
}

impl BackupContent<'_> {
    fn store(&self, name: &Path, existing: Existing) -> io::Result<Stored> {
        let write = |file: &mut dyn Write| write_backup(file, &self.header, self.entries);
        PendingFile::create(name)?.store_stream(existing, write)
    }

    fn store_new(&self, path: &Path) -> io::Result<Stored> {
        let stored = self.store(&find_new_name(path)?, Existing::Keep);
        stored.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::Error::new(error.kind(), TAKEN),
            _ => error,
        })
    }

    fn store_in_folder(&self, folder: &Path, stem: &str) -> io::Result<(PathBuf, Stored)> {
        for count in 1..=MOST_NAMES {
            let suffix = if count == 1 { String::new() } else { format!("-{count}") };
            let path = folder.join(format!("{stem}{suffix}.jsonl"));
            match self.store_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                stored => return stored.map(|stored| (path, stored)),
            }
        }
        let reason = format!("all names like {stem} are taken");
        Err(io::Error::new(io::ErrorKind::AlreadyExists, reason))
    }
}

/// Finds the name that a new file gets. A link to a name that does not exist yet is followed.
fn find_new_name(path: &Path) -> io::Result<PathBuf> {
    let place = find_place(path)?;
    match (place.describe_special(), place) {
        (_, Place::Absent(name)) => Ok(name),
        (Some(kind), _) => {
            let reason = format!("it is {kind}, and a backup is written to a new regular file");
            Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
        }
        _ => Err(io::Error::new(io::ErrorKind::AlreadyExists, TAKEN)),
    }
}

/// Finds the name of a backup that is replaced, or made anew if it is gone.
fn find_own_name(path: &Path) -> io::Result<PathBuf> {
    match find_place(path)? {
        Place::Regular(name) => Ok(name),
        _ => find_new_name(path),
    }
}

const TAKEN: &str = "the file exists already; name another, or move it away";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_private_whole_and_never_replaced() {
        let folder = tempfile::TempDir::new().unwrap();
        let cluster = Some(("my cluster/é".to_owned(), Some(7)));
        let origin = BackupOrigin {
            store: "memory",
            cluster,
            complete: true,
            data_loss: None,
            overwritten_with: None,
        };
        let saved = |place: &Destination| save_backup(place, &origin, &Snapshot::new());
        let place = Destination::Folder(folder.path().to_owned());
        let (first, second) = (saved(&place).unwrap(), saved(&place).unwrap());
        assert_ne!(first.path, second.path);
        let name = first.path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("restatectl-backup-my-cluster---2"), "{name}");
        assert_eq!(first.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let there = Destination::File(first.path.clone());
        assert_eq!(saved(&there).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        // Nothing half-written is left behind.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(saved(&Destination::Folder(folder.path().join("absent"))).is_err());
    }
}
