//! The folder of a database: its files, opened for reading only, within limits. No link is followed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::budget::ReadBudget;
use super::error::ReadError;
use super::limits::{LARGEST_FILE, MOST_FILES};

/// A folder, and when the files of it that were read have changed.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    newest_change: Option<SystemTime>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Folder { path: path.to_owned(), newest_change: None }
    }

    /// Returns the time of the last change of any file that was read.
    pub(super) fn newest_change(&self) -> Option<SystemTime> {
        self.newest_change
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`ReadError::Io`] for what is not a regular file, and for a link, whatever it leads to.
    pub(super) fn read(
        &mut self,
        name: &str,
        budget: &mut ReadBudget,
    ) -> Result<Vec<u8>, ReadError> {
        let failed = |error| ReadError::Io { file: name.to_owned(), error };
        let file = open_regular(&self.path.join(name)).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        count_file(name, metadata.len(), budget)?;
        self.newest_change = self.newest_change.max(metadata.modified().ok());
        let mut bytes = Vec::new();
        // One byte more than there was: a file that grows belongs to a server that runs.
        let limit = metadata.len().saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        match bytes.len() as u64 == metadata.len() {
            true => Ok(bytes),
            false => Err(failed(io::Error::other("its size changed while it was read"))),
        }
    }

    /// Lists the numbers of the logs, in order.
    pub(super) fn list_logs(&self) -> Result<Vec<u64>, ReadError> {
        self.list_numbers(".log")
    }

    /// Lists the numbers of the tables, in order.
    pub(super) fn list_tables(&self) -> Result<Vec<u64>, ReadError> {
        self.list_numbers(".sst")
    }

    fn list_numbers(&self, end: &str) -> Result<Vec<u64>, ReadError> {
        let failed = |error| ReadError::Io { file: "the folder".to_owned(), error };
        let mut numbers = Vec::new();
        for (count, entry) in fs::read_dir(&self.path).map_err(failed)?.enumerate() {
            if count >= MOST_FILES {
                let reason = format!("it has more than {MOST_FILES} entries");
                return Err(ReadError::TooLarge { file: "the folder".to_owned(), reason });
            }
            let name = entry.map_err(failed)?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(end));
            // Only the names that RocksDB gives: another form of the same number would be another file.
            let number = stem.and_then(|stem| stem.parse::<u64>().ok());
            numbers.extend(number.filter(|number| stem == Some(format!("{number:06}").as_str())));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn count_file(name: &str, size: u64, budget: &mut ReadBudget) -> Result<(), ReadError> {
    let is_small = if size > LARGEST_FILE { Err("it is larger than 1 GiB") } else { Ok(()) };
    let counted =
        is_small.and_then(|()| budget.files.add(1)).and_then(|()| budget.file_bytes.add(size));
    counted
        .map_err(|excess| ReadError::TooLarge { file: name.to_owned(), reason: excess.to_owned() })
}

/// Opens a regular file. Neither a link nor a pipe is opened, and nothing waits.
fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    // The system's own words for a link are about loops.
    let opened = opened.map_err(|error| match path.is_symlink() {
        true => io::Error::other("it is a symbolic link, which is not followed"),
        false => error,
    })?;
    match opened.metadata()?.is_file() {
        true => Ok(opened),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// Returns the name of a log.
pub(super) fn log_name(number: u64) -> String {
    format!("{number:06}.log")
}

/// Returns the name of a table.
pub(super) fn table_name(number: u64) -> String {
    format!("{number:06}.sst")
}
