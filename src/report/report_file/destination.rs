//! What `--report` names: a regular file, or something that is written straight into.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::files::{Place, find_place};

/// The first bytes of every JSON document of this program.
const BEGINNING: &[u8] = b"{\n  \"format\":";

/// The largest earlier report that is read: that of a store with all epochs that there can be has a third of it.
const LARGEST_REPORT: u64 = 64 << 20;

/// The destination of a report.
#[derive(Debug)]
pub(super) enum ReportDestination {
    /// A regular file of this name, which is replaced; links are followed.
    Regular(PathBuf),
    /// An open pipe, device or stream.
    Stream(File),
}

/// Finds the destination, and opens it if it is a stream. Waits for the reader of a FIFO. Also returns the
/// earlier report that is in the file.
///
/// # Errors
/// Where there is something that is neither a report nor a stream, or that can't be written.
pub(super) fn find_destination(path: &Path) -> io::Result<(ReportDestination, Option<Vec<u8>>)> {
    let without_earlier = |destination| (destination, None);
    match find_place(path)? {
        Place::Absent(name) => Ok((ReportDestination::Regular(name), None)),
        Place::Regular(name) => {
            let earlier = read_replaceable(&name)?;
            Ok((ReportDestination::Regular(name), earlier))
        }
        Place::OwnStream(number) => {
            open_own_stream(number, path).map(ReportDestination::Stream).map(without_earlier)
        }
        Place::Pipe(_) => {
            let opened = OpenOptions::new().write(true).open(path);
            opened.map(ReportDestination::Stream).map(without_earlier)
        }
        Place::Other(kind) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}")))
        }
    }
}

/// Reads the file, which must be an earlier report, or empty, and writable: a report that was protected stays.
/// Returns `None` for one that is empty.
fn read_replaceable(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut content = Vec::new();
    file.take(LARGEST_REPORT + 1).read_to_end(&mut content)?;
    match (content.is_empty(), content.starts_with(BEGINNING)) {
        (true, _) => Ok(None),
        (false, true) if content.len() as u64 <= LARGEST_REPORT => Ok(Some(content)),
        _ => Err(io::Error::other("it exists and is not a report")),
    }
}

/// Opens a stream of this program. Standard output and error are duplicated: opened anew, a regular file
/// behind them would be written from its beginning, over what is there, and then overwritten by what the
/// program prints itself.
fn open_own_stream(number: u32, path: &Path) -> io::Result<File> {
    match number {
        1 => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        2 => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        _ => OpenOptions::new().append(true).open(path),
    }
}
