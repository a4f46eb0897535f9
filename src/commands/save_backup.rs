//! Saving entries to a backup file, for every command that does.

use crate::backends::backup::{self, BackupOrigin, Destination};
use crate::model::{SavedFile, Snapshot};
use crate::outcome::{Code, Failure};
use crate::shell::quote_word;

/// Saves entries of a store.
///
/// # Errors
/// [`Code::BackupFailed`].
pub fn save_entries(
    destination: &Destination,
    origin: &BackupOrigin<'_>,
    entries: &Snapshot,
) -> Result<SavedFile, Failure> {
    backup::save_backup(destination, origin, entries).map_err(|error| {
        let failure = |path: &std::path::Path| {
            let message = format!("failed to save a backup to {}: {error}", quote_word(path));
            Failure::new(Code::BackupFailed, message)
        };
        match destination {
            Destination::File(path) => failure(path),
            Destination::Folder(folder) => {
                failure(folder).hint("name another folder with --backup-dir")
            }
        }
    })
}
