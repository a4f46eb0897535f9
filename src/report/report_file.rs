//! `--report`: the JSON document in a file beside what is told on the terminal, however the run ends.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::json;
use crate::outcome::{Code, Failure, Outcome};

/// How each of our documents begins.
const BEGINNING: &[u8] = b"{\n  \"format\":";

/// A report that can be written: opened before anything is done.
pub struct ReportFile {
    file: File,
    path: PathBuf,
}

impl ReportFile {
    /// Opens the file, readable by its owner only, and empties it, so that a run that can't write it
    /// any more leaves no earlier one. A file that holds anything but a report is left as it is.
    ///
    /// # Errors
    /// [`Code::Usage`] where it can't be written, or is something else.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let opened = open(path).map_err(|error| {
            let reason = format!("failed to open the report {}: {error}", path.display());
            Failure::new(Code::Usage, reason).hint("name another file with --report")
        })?;
        Ok(ReportFile { file: opened, path: path.to_owned() })
    }

    /// Writes the document.
    ///
    /// # Errors
    /// In words.
    pub fn write(mut self, outcome: &Outcome) -> Result<(), String> {
        let document = json::render(outcome).out;
        let written = self.file.write_all(&document).and_then(|()| self.file.flush());
        written
            .map_err(|error| format!("failed to write the report {}: {error}", self.path.display()))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(file);
    }
    let mut begins = Vec::new();
    Read::by_ref(&mut file).take(BEGINNING.len() as u64).read_to_end(&mut begins)?;
    if !begins.is_empty() && begins != BEGINNING {
        return Err(io::Error::other("it exists, and is no report"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_report_is_replaced_and_only_the_owner_reads_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("report.json");
        for message in ["a long message of the first run", "short"] {
            let failure = Some(Failure::new(Code::Internal, message));
            let outcome = Outcome { failure, ..Outcome::default() };
            ReportFile::create(&path).unwrap().write(&outcome).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), json::render(&outcome).out);
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, "[metadata-client]").unwrap();
        let refused = ReportFile::create(&path).err().unwrap();
        assert!(refused.message.contains("is no report"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"[metadata-client]");
        assert!(ReportFile::create(folder.path()).is_err());
    }
}
