//! Saving entries to a backup file, for every command that does.

use std::io;

use crate::backends::backup::{self, BackupOrigin, Destination};
use crate::events::{Event, EventSink};
use crate::model::{SavedFile, Snapshot};
use crate::outcome::{Code, Failure};
use crate::shell::quote_word;

/// Saves entries of a store, and reports where the file may not survive a loss of power.
///
/// # Errors
/// [`Code::BackupFailed`].
pub fn save_entries(
    destination: &Destination,
    origin: &BackupOrigin<'_>,
    entries: &Snapshot,
    events: &dyn EventSink,
) -> Result<SavedFile, Failure> {
    let saved = backup::save_backup(destination, origin, entries)
        .map_err(|error| describe_failed_save(destination, &error))?;
    if let Some(warning) = &saved.warning {
        events.emit(Event::Warning(warning));
    }
    Ok(saved)
}

/// Checks that a backup could be saved there, before a whole store is read for it.
///
/// # Errors
/// [`Code::BackupFailed`].
pub fn check_destination(destination: &Destination) -> Result<(), Failure> {
    backup::check_destination(destination)
        .map_err(|error| describe_failed_save(destination, &error))
}

fn describe_failed_save(destination: &Destination, error: &io::Error) -> Failure {
    let failure = |path: &std::path::Path| {
        let message = format!("failed to save a backup to {}: {error}", quote_word(path));
        Failure::new(Code::BackupFailed, message)
    };
    match destination {
        Destination::File(path) | Destination::Replacing(path) => failure(path),
        Destination::Folder(folder) => {
            failure(folder).hint("name another folder with --backup-dir")
        }
    }
}
