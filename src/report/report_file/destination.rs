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

/// Finds the destination, and opens it if it is a stream. Waits for the reader of a FIFO.
///
/// # Errors
/// Where there is something that is neither a file nor a stream, or a stream that can't be written.
pub(super) fn find_destination(path: &Path) -> io::Result<ReportDestination> {
    match find_place(path)? {
        Place::Absent(name) | Place::Regular(name) => Ok(ReportDestination::Regular(name)),
        Place::OwnStream(number) => open_own_stream(number, path).map(ReportDestination::Stream),
        Place::Pipe(_) => {
            let opened = OpenOptions::new().write(true).open(path);
            opened.map(ReportDestination::Stream)
        }
        Place::Other(kind) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}")))
        }
    }
}

/// What a new report replaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaceable {
    /// Nothing has the name.
    Absent,
    /// An empty file.
    Empty,
    /// A report.
    Report(Vec<u8>),
}

/// Reads what has this name, which must be a report, or empty, and writable: a report that was protected stays.
///
/// # Errors
/// Where it is anything else, or can't be read.
pub(super) fn read_replaceable(path: &Path) -> io::Result<Replaceable> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Replaceable::Absent),
        file => file?,
    };
    let mut content = Vec::new();
    file.take(LARGEST_REPORT + 1).read_to_end(&mut content)?;
    match (content.is_empty(), content.starts_with(BEGINNING)) {
        (true, _) => Ok(Replaceable::Empty),
        (false, true)
            if content.len() as u64 <= LARGEST_REPORT && !is_of_other_command(&content) =>
        {
            Ok(Replaceable::Report(content))
        }
        _ => Err(io::Error::other("it exists and is not a report")),
    }
}

/// Returns whether the content is a whole document of a command that has no report, such as a value that `get` has
/// printed.
fn is_of_other_command(content: &[u8]) -> bool {
    serde_json::from_slice::<DocumentHead>(content)
        .is_ok_and(|head| head.outcome.is_none() && head.equal.is_none() && head.error.is_none())
}

/// The fields of which every report has one: of `migrate`, of `verify`, and of each that failed.
#[derive(serde::Deserialize)]
struct DocumentHead {
    outcome: Option<serde::de::IgnoredAny>,
    equal: Option<serde::de::IgnoredAny>,
    error: Option<serde::de::IgnoredAny>,
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
