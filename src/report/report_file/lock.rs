//! The lock under which a run replaces the report, so that two runs with one report do so in turn.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest wait for another run, which holds the lock for as long as it writes one file.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Locks the file that has this name, until the returned one is closed or the process ends; `None` without a lock.
///
/// The report is locked for a moment, not for the whole run: a second run must not be refused, since it may be the pod
/// that goes on with the work of one that is gone, whose lock a network file system keeps for a while. Some file systems
/// have no locks. So nothing depends on it but the moment between reading the file again and replacing it.
pub(super) fn lock_report(name: &Path) -> Option<File> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        // NFS locks only what is open for writing.
        let file = OpenOptions::new().read(true).write(true).open(name).ok()?;
        match file.try_lock() {
            Ok(()) if has_name(&file, name) => return Some(file),
            // The other run has replaced it in the meantime, or still does.
            Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE),
            Ok(()) | Err(_) => return None,
        }
    }
}

/// Returns whether the open file is the one that has the name now.
fn has_name(file: &File, name: &Path) -> bool {
    let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(place).ok() == name.metadata().map(place).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lock_is_of_the_file_that_has_the_name_and_is_not_waited_for_without_end() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("report.json");
        assert!(lock_report(&path).is_none());
        fs::write(&path, "first").unwrap();
        let held = lock_report(&path).unwrap();
        let started = Instant::now();
        assert!(lock_report(&path).is_none());
        assert!(started.elapsed() >= LOCK_WAIT);
        // A file that has replaced the locked one is not locked.
        fs::write(folder.path().join("new"), "second").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(!has_name(&held, &path));
        assert!(lock_report(&path).is_some());
        drop(held);
    }
}
