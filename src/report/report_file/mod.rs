//! `--report`: the JSON document in a file, beside the output on the terminal, however the run ends.
//!
//! A regular file is always a whole document: one that says that the run has not ended, then one with the
//! plan before its first write, and the final one at the end. Each replaces the one before it by a rename,
//! so that also a run that is killed leaves one. A pipe, a device or a stream gets the final document only.
//!
//! Another run may have the same report at the same time: the file is read again before each replacement, and what
//! that run has written there is kept.

mod destination;
mod earlier;
mod lock;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::json;
use super::patient_write::write_patiently;
use crate::events::InterimReport;
use crate::files::{Existing, PendingFile, store_file};
use crate::model::sha256_hex;
use crate::outcome::{Code, Failure, Outcome};
use crate::shell::quote_word;
use crate::wording::format_bytes;
use destination::{Replaceable, ReportDestination, find_destination, read_replaceable};
use lock::lock_report;

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
    /// The document that a run before this one has left in the file.
    earlier: Option<Arc<[u8]>>,
    /// Whether the earlier document is kept under another name.
    is_earlier_kept: bool,
    /// The digest of what this run has found or written last in the file: anything else is of another run.
    last_known: Option<String>,
    /// The names under which documents are kept that nobody was told of yet.
    untold: Vec<PathBuf>,
}

/// A report file that was opened before the command started; its clones are one file.
#[derive(Clone)]
pub struct ReportFile {
    path: PathBuf,
    destination: Arc<ReportDestination>,
    progress: Arc<Mutex<Progress>>,
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
        let opened = find_destination(path).and_then(|destination| {
            let (progress, warning) = match &destination {
                ReportDestination::Regular(name) => begin(name, &failure)?,
                ReportDestination::Stream(_) => Default::default(),
            };
            Ok((destination, progress, warning))
        });
        let (destination, progress, warning) = opened.map_err(|error| {
            let reason = format!("failed to open the report {}: {error}", quote_word(path));
            Failure::new(Code::Usage, reason).hint("name another file with --report")
        })?;
        let (destination, progress) = (Arc::new(destination), Arc::new(Mutex::new(progress)));
        Ok(ReportFile { path: path.to_owned(), destination, progress, warning })
    }

    /// Returns what deserves attention, although the file is there.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn lock_progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the final document. An earlier one that it does not continue is kept, if the command has not seen
    /// to that, and so is one of another run at the same time. Returns a warning that says where.
    ///
    /// # Errors
    /// The message of a failed write. A regular file then keeps the document before.
    pub fn write(self, document: &[u8], continues_earlier: bool) -> Result<Option<String>, String> {
        let mut progress = self.lock_progress();
        progress.is_final = true;
        let written = match &*self.destination {
            ReportDestination::Regular(name) => {
                let kept = match continues_earlier {
                    true => Ok(None),
                    false => keep_once(name, &mut progress),
                };
                kept.and_then(|kept| {
                    progress.untold.extend(kept);
                    write_last(name, document, &mut progress)
                })
            }
            ReportDestination::Stream(file) => {
                let mut stream: &File = file;
                write_patiently(&mut stream, document)
            }
        };
        let described = written.map(|()| {
            let kept = progress.untold.iter().map(|kept| self.describe_kept(kept));
            let kept: Vec<_> = kept.collect();
            (!kept.is_empty()).then(|| kept.join("; "))
        });
        described.map_err(|error| {
            format!("failed to write the report {}: {error}", quote_word(&self.path))
        })
    }

    fn describe_kept(&self, kept: &Path) -> String {
        format!(
            "{} was the report of another run of `migrate`, and lists keys that it wrote: it is kept as {}, by which \
             `metadata undo` takes them back",
            quote_word(&self.path),
            quote_word(kept)
        )
    }

    fn refuse_unkept(&self, error: &io::Error) -> Failure {
        let path = quote_word(&self.path);
        let reason = format!(
            "{path} lists keys that another run wrote, and failed to be kept under another name: {error}"
        );
        Failure::new(Code::BackupFailed, reason).hint("name another file with --report")
    }
}

/// Writes the first document, in turn with other runs, and returns how far the report has come, and a warning where
/// the file may not survive a loss of power.
fn begin(name: &Path, failure: &Failure) -> io::Result<(Progress, Option<String>)> {
    // Where nothing has the name, another run may take it at this moment: what that has written is then read.
    for existing in [Existing::Keep, Existing::Keep, Existing::Replace] {
        let _lock = lock_report(name);
        let found = read_replaceable(name)?;
        let existing = if found == Replaceable::Absent { existing } else { Existing::Replace };
        let earlier = match found {
            Replaceable::Report(earlier) => Some(earlier),
            Replaceable::Absent | Replaceable::Empty => None,
        };
        let unfinished = render_first(earlier.as_deref(), failure.clone());
        match store_file(name, &unfinished, existing) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            stored => {
                let (earlier, last_known) = (earlier.map(Arc::from), Some(sha256_hex(&unfinished)));
                return Ok((Progress { earlier, last_known, ..Progress::default() }, stored?));
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Writes the last document, into the space that was taken for it.
fn write_last(name: &Path, document: &[u8], progress: &mut Progress) -> io::Result<()> {
    let _lock = make_way(name, progress)?;
    match progress.space.take() {
        Some(space) => space.store(document, Existing::Replace).map(drop),
        None => store_file(name, document, Existing::Replace).map(drop),
    }
}

/// Makes way for the next document: locks the file, and keeps what another run has written to it since.
fn make_way(name: &Path, progress: &mut Progress) -> io::Result<Option<File>> {
    let lock = lock_report(name);
    if let Some(found) = find_writes_of_another(name, progress)? {
        progress.untold.push(earlier::keep_beside(name, &found)?);
    }
    Ok(lock)
}

/// Finds a document in the file that is not the last one of this run, and lists keys that may have been written.
fn find_writes_of_another(name: &Path, progress: &Progress) -> io::Result<Option<Vec<u8>>> {
    let Replaceable::Report(found) = read_replaceable(name)? else { return Ok(None) };
    let is_own = progress.last_known.as_ref() == Some(&sha256_hex(&found));
    Ok(Some(found).filter(|found| !is_own && earlier::lists_writes(found)))
}

/// Keeps the earlier document under another name, unless that is done, or it lists nothing that was written.
fn keep_once(name: &Path, progress: &mut Progress) -> io::Result<Option<PathBuf>> {
    let Some(earlier) = progress.earlier.as_deref() else { return Ok(None) };
    if progress.is_earlier_kept || !earlier::lists_writes(earlier) {
        return Ok(None);
    }
    let kept = earlier::keep_beside(name, earlier)?;
    progress.is_earlier_kept = true;
    Ok(Some(kept))
}

/// Renders the document that says that the run has not ended.
fn render_first(earlier: Option<&[u8]>, unfinished: Failure) -> Vec<u8> {
    let carried = earlier.and_then(|earlier| earlier::render_unfinished(earlier, &unfinished));
    let alone = || json::render(&Outcome { result: None, failure: Some(unfinished) }).out;
    carried.unwrap_or_else(alone)
}

impl InterimReport for ReportFile {
    fn earlier_document(&self) -> Option<Arc<[u8]>> {
        self.lock_progress().earlier.clone()
    }

    fn reread_earlier(&self) -> Result<bool, Failure> {
        let ReportDestination::Regular(name) = &*self.destination else { return Ok(false) };
        let mut progress = self.lock_progress();
        let found = find_writes_of_another(name, &progress).map_err(|error| {
            let reason = format!("failed to read the report {}: {error}", quote_word(&self.path));
            Failure::new(Code::BackupFailed, reason).hint("name another file with --report")
        })?;
        let Some(found) = found else { return Ok(false) };
        progress.last_known = Some(sha256_hex(&found));
        progress.earlier = Some(Arc::from(found));
        progress.is_earlier_kept = false;
        Ok(true)
    }

    fn keep_earlier(&self) -> Result<Option<String>, Failure> {
        let ReportDestination::Regular(name) = &*self.destination else { return Ok(None) };
        let kept = keep_once(name, &mut self.lock_progress());
        let kept = kept.map_err(|error| self.refuse_unkept(&error))?;
        Ok(kept.map(|kept| self.describe_kept(&kept)))
    }

    fn save_interim(&self, so_far: &Outcome) -> Result<(), Failure> {
        let ReportDestination::Regular(name) = &*self.destination else { return Ok(()) };
        let mut progress = self.lock_progress();
        if progress.is_final {
            return Err(Failure::new(Code::Interrupted, "the run was already reported as ended"));
        }
        let document = json::render(so_far).out;
        let needed = 2 * document.len() as u64 + LARGEST_ADDITION;
        let mut take_space = || {
            let mut space = PendingFile::create(name)?;
            space.take_space(needed)?;
            let _lock = make_way(name, &mut progress)?;
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
        (progress.space, progress.last_known) = (Some(space), Some(sha256_hex(&document)));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
