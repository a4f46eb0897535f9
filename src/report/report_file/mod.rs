//! `--report`: the JSON document in a file, beside the output on the terminal, however the run ends.
//!
//! A regular file is always a whole document: one that says that the run has not ended, then one with the
//! plan before its first write, and the final one at the end. Each replaces the one before it by a rename,
//! so that also a run that is killed leaves one. A pipe, a device or a stream gets the final document only.

mod destination;
mod earlier;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::json;
use super::patient_write::write_patiently;
use crate::events::InterimReport;
use crate::files::{Existing, PendingFile, store_file};
use crate::outcome::{Code, Failure, Outcome};
use crate::shell::quote_word;
use crate::wording::format_bytes;
use destination::{ReportDestination, find_destination};

/// The bytes by which the final document may be larger than twice that of the plan: next steps and hints.
const LARGEST_ADDITION: u64 = 64 << 10;

/// What the first document says.
const UNFINISHED: &str = "the run has not written its report: it is still running, or was killed before its \
                          first write";

/// How far the report has come.
#[derive(Default)]
struct Progress {
    /// The file that the final document will be, with the space that it needs.
    space: Option<PendingFile>,
    /// Whether the final document is written, or was tried to be: a command that was abandoned may go on,
    /// and must not replace it.
    is_final: bool,
    /// Whether the earlier document is kept under another name.
    is_earlier_kept: bool,
}

/// A report file that was opened before the command started; its clones are one file.
#[derive(Clone)]
pub struct ReportFile {
    path: PathBuf,
    destination: Arc<ReportDestination>,
    progress: Arc<Mutex<Progress>>,
    earlier: Option<Arc<[u8]>>,
    warning: Option<String>,
}

impl ReportFile {
    /// Opens the file, readable by its owner only, and writes a document that says that the run has not
    /// ended, so that no earlier report remains if this run can't write its own. What an earlier run of `migrate`
    /// has recorded as written stays in it. A file that holds anything but a report is not changed. Waits for the
    /// reader of a FIFO.
    ///
    /// # Errors
    /// [`Code::Usage`] if the file can't be opened for writing, or is not a report.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let reason = "--report requires the name of a file: the document is written there beside the output";
            return Err(Failure::new(Code::Usage, reason)
                .hint("use -o json for the document on standard output, or name /dev/stdout"));
        }
        let failure = Failure::new(Code::Interrupted, UNFINISHED)
            .hint("run the same command again, unless it is still running");
        let opened = find_destination(path).and_then(|(destination, earlier)| {
            let warning = match &destination {
                ReportDestination::Regular(name) => {
                    let unfinished = render_first(earlier.as_deref(), failure);
                    store_file(name, &unfinished, Existing::Replace)?
                }
                ReportDestination::Stream(_) => None,
            };
            Ok((destination, earlier, warning))
        });
        let (destination, earlier, warning) = opened.map_err(|error| {
            let reason = format!("failed to open the report {}: {error}", quote_word(path));
            Failure::new(Code::Usage, reason).hint("name another file with --report")
        })?;
        let (destination, progress) = (Arc::new(destination), Arc::default());
        let earlier = earlier.map(Arc::from);
        Ok(ReportFile { path: path.to_owned(), destination, progress, earlier, warning })
    }

    /// Returns what deserves attention, although the file is there.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn lock_progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the final document. An earlier one that it does not continue is kept, if the command has not seen
    /// to that.
    ///
    /// # Errors
    /// The message of a failed write. A regular file then keeps the document before.
    pub fn write(self, document: &[u8], continues_earlier: bool) -> Result<(), String> {
        let mut progress = self.lock_progress();
        progress.is_final = true;
        let kept = match continues_earlier {
            true => Ok(None),
            false => self.keep_once(&mut progress),
        };
        let written = kept.and_then(|_| match (&*self.destination, progress.space.take()) {
            (ReportDestination::Regular(_), Some(space)) => {
                space.store(document, Existing::Replace).map(drop)
            }
            (ReportDestination::Regular(name), None) => {
                store_file(name, document, Existing::Replace).map(drop)
            }
            (ReportDestination::Stream(file), _) => {
                let mut stream: &std::fs::File = file;
                write_patiently(&mut stream, document)
            }
        });
        written.map_err(|error| {
            format!("failed to write the report {}: {error}", quote_word(&self.path))
        })
    }

    /// Keeps the earlier document under another name, unless that is done, or it lists nothing that was written.
    fn keep_once(&self, progress: &mut Progress) -> io::Result<Option<PathBuf>> {
        let (ReportDestination::Regular(name), Some(earlier)) = (&*self.destination, &self.earlier)
        else {
            return Ok(None);
        };
        if progress.is_earlier_kept || !earlier::lists_writes(earlier) {
            return Ok(None);
        }
        let kept = earlier::keep_beside(name, earlier)?;
        progress.is_earlier_kept = true;
        Ok(Some(kept))
    }
}

/// Renders the document that says that the run has not ended.
fn render_first(earlier: Option<&[u8]>, unfinished: Failure) -> Vec<u8> {
    let carried = earlier.and_then(|earlier| earlier::render_unfinished(earlier, &unfinished));
    let alone = || json::render(&Outcome { result: None, failure: Some(unfinished) }).out;
    carried.unwrap_or_else(alone)
}

impl InterimReport for ReportFile {
    fn earlier_document(&self) -> Option<&[u8]> {
        self.earlier.as_deref()
    }

    fn keep_earlier(&self) -> Result<Option<String>, Failure> {
        let kept = self.keep_once(&mut self.lock_progress()).map_err(|error| {
            let path = quote_word(&self.path);
            let reason = format!(
                "{path} lists keys that an earlier run wrote, and failed to be kept under another name: {error}"
            );
            Failure::new(Code::BackupFailed, reason).hint("name another file with --report")
        })?;
        Ok(kept.map(|kept| {
            format!(
                "{} was the report of an earlier run of `migrate`, and lists keys that it wrote: it is kept as \
                 {}, by which `metadata undo` takes them back",
                quote_word(&self.path),
                quote_word(&kept)
            )
        }))
    }

    fn save_interim(&self, so_far: &Outcome) -> Result<(), Failure> {
        let ReportDestination::Regular(name) = &*self.destination else { return Ok(()) };
        let mut progress = self.lock_progress();
        if progress.is_final {
            return Err(Failure::new(Code::Interrupted, "the run was already reported as ended"));
        }
        let document = json::render(so_far).out;
        let needed = 2 * document.len() as u64 + LARGEST_ADDITION;
        let take_space = || {
            let mut space = PendingFile::create(name)?;
            space.take_space(needed)?;
            store_file(name, &document, Existing::Replace)?;
            Ok(space)
        };
        let space = take_space().map_err(|error: std::io::Error| {
            let reason = format!(
                "failed to save the plan in the report {}, which needs {} in all: {error}",
                quote_word(&self.path),
                format_bytes(needed + document.len() as u64)
            );
            Failure::new(Code::BackupFailed, reason)
                .hint("free space there, or name another file with --report")
        })?;
        progress.space = Some(space);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
