//! Rendered output, and writing it to the standard streams.

use std::io::{self, Write};

/// The text of a command's end, by stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Data for standard output.
    pub out: Vec<u8>,
    /// Status and errors for standard error.
    pub err: String,
}

impl Rendered {
    /// Writes both streams. A closed pipe is not an error: its reader has read what it wanted.
    ///
    /// # Errors
    /// Any other error of standard output, such as a full disk.
    pub fn write(&self) -> io::Result<()> {
        let _ = io::stderr().lock().write_all(self.err.as_bytes());
        let mut out = io::stdout().lock();
        match out.write_all(&self.out).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}
