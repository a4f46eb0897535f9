//! `--report`: the JSON document in a file, beside the output on the terminal, however the run ends.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::json;
use crate::outcome::{Code, Failure, Outcome};
use crate::shell::quote_word;

/// The first bytes of every JSON document of this program.
const BEGINNING: &[u8] = b"{\n  \"format\":";

/// A report file that is open for writing before the command starts.
pub struct ReportFile {
    file: File,
    path: PathBuf,
}

impl ReportFile {
    /// Opens the file, readable by its owner only, and empties it, so that no earlier report remains if
    /// this run can't write its own. A file that holds anything but a report is not changed.
    ///
    /// # Errors
    /// [`Code::Usage`] if the file can't be opened for writing, or is not a report.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = open_empty(path).map_err(|error| {
            let reason = format!("failed to open the report {}: {error}", quote_word(path));
            Failure::new(Code::Usage, reason).hint("name another file with --report")
        })?;
        Ok(ReportFile { file, path: path.to_owned() })
    }

    /// Writes the document.
    ///
    /// # Errors
    /// The message of a failed write.
    pub fn write(mut self, outcome: &Outcome) -> Result<(), String> {
        let document = json::render(outcome).out;
        let result = self.file.write_all(&document).and_then(|()| self.file.flush());
        result.map_err(|error| {
            format!("failed to write the report {}: {error}", quote_word(&self.path))
        })
    }
}

fn open_empty(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(file);
    }
    let mut beginning = Vec::new();
    Read::by_ref(&mut file).take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    if !beginning.is_empty() && beginning != BEGINNING {
        return Err(io::Error::other("it exists and is not a report"));
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
    fn create_replaces_only_a_report_and_only_its_owner_can_read_it() {
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
        assert!(refused.message.contains("is not a report"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"[metadata-client]");
        assert!(ReportFile::create(folder.path()).is_err());
    }
}
