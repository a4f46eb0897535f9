//! What `--report` names: a regular file, or something that is written straight into.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::files::{Place, find_place};

/// The first bytes of every JSON document of this program.
const BEGINNING: &[u8] = b"{\n  \"format\":";

/// The destination of a report.
#[derive(Debug)]
pub(super) enum ReportDestination {
    /// A regular file of this name, which is replaced; links are followed.
    Regular(PathBuf),
    /// An open pipe, device or stream.
    Stream(File),
}

/// Finds the destination, and opens it if it is a stream. Waits for the reader of a FIFO.
///
/// # Errors
/// Where there is something that is neither a report nor a stream, or that can't be written.
pub(super) fn find_destination(path: &Path) -> io::Result<ReportDestination> {
    match find_place(path)? {
        Place::Absent(name) => Ok(ReportDestination::Regular(name)),
        Place::Regular(name) => {
            check_replaceable(&name)?;
            Ok(ReportDestination::Regular(name))
        }
        Place::OwnStream(number) => open_own_stream(number, path).map(ReportDestination::Stream),
        Place::Pipe(_) => OpenOptions::new().write(true).open(path).map(ReportDestination::Stream),
        Place::Other(kind) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}")))
        }
    }
}

/// Checks that the file is an earlier report, or empty, and that it may be written: a report that was
/// protected stays.
fn check_replaceable(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut beginning = Vec::new();
    file.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    match beginning.is_empty() || beginning == BEGINNING {
        true => Ok(()),
        false => Err(io::Error::other("it exists and is not a report")),
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
