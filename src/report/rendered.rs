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
    write_patiently(&mut File::from(stdout.as_fd().try_clone_to_owned()?), bytes)
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
