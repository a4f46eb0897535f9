//! Rendered output, and writing it to the standard streams.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use super::message_stream::MessageStream;
use super::patient_write::write_patiently;
use super::style::Style;
use crate::outcome::exit;

/// The time without any progress after which data no longer wait for messages before them.
const LONGEST_MESSAGE_WAIT: Duration = Duration::from_secs(2);

/// The error of a terminal that is gone (EIO).
const TERMINAL_IS_GONE: i32 = 5;

/// The errors of a file system on which nothing can be synced: EINVAL, EROFS and EOPNOTSUPP.
const CANNOT_SYNC: [i32; 3] = [22, 30, 95];

/// The text of a command's end, by stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Data for standard output.
    pub out: Vec<u8>,
    /// Status and errors for standard error.
    pub err: String,
}

impl Rendered {
    /// Writes both streams. A closed pipe or a terminal that is gone is not an error: its reader has read what it
    /// wanted.
    ///
    /// # Errors
    /// Any other error of standard output, such as a full disk.
    pub fn write(&self, messages: &MessageStream, style: Style) -> Result<(), LostOutput> {
        messages.send_always(self.err.as_bytes());
        messages.flush_while_read(LONGEST_MESSAGE_WAIT);
        // One that is gone is no longer a terminal.
        let was_terminal = style.out_is_terminal;
        match write_to_stdout(&self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) if was_terminal && error.raw_os_error() == Some(TERMINAL_IS_GONE) => Ok(()),
            Err(error) => {
                Err(LostOutput::new(format!("failed to write to standard output: {error}")))
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Writes to standard output itself: the buffer before it could keep bytes that a stream without room refuses.
fn write_to_stdout(bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let mut stdout = File::from(stdout.as_fd().try_clone_to_owned()?);
    write_patiently(&mut stdout, bytes)?;
    if bytes.is_empty() { Ok(()) } else { sync_file(&stdout) }
}

/// Waits until a file has its bytes: over a network, a disk that is full may show itself only then.
fn sync_file(file: &File) -> io::Result<()> {
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    match file.sync_all() {
        // Not every file system can.
        Err(error) if error.raw_os_error().is_some_and(|code| CANNOT_SYNC.contains(&code)) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Output that could not be written.
#[derive(Debug, PartialEq, Eq)]
pub struct LostOutput {
    reason: String,
}

impl LostOutput {
    /// Creates it with the reason, which names the file or the stream.
    pub fn new(reason: String) -> Self {
        LostOutput { reason }
    }

    /// Adds what is done all the same, if something is.
    pub fn with_work(self, work: Option<&str>) -> Self {
        let work = work.map(|work| format!("; {work} itself is complete")).unwrap_or_default();
        LostOutput { reason: format!("{}{work}", self.reason) }
    }

    /// Reports the loss, and returns the exit code of a command that ended with `code`.
    pub fn report(&self, code: u8, messages: &MessageStream) -> u8 {
        messages.print_error(&self.reason);
        if code == exit::DONE { exit::FAILED } else { code }
    }
}
