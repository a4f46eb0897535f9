//! Writing to a stream that another program may have made non-blocking.

use std::io::{self, Write};
use std::time::Duration;

/// The time after which a stream without room is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Writes all bytes and flushes. A stream that has no room at the moment is tried again: terminals and pipes are
/// shared, and whoever shares them may set them to refuse instead of to wait.
///
/// # Errors
/// Any other error of the stream.
pub(super) fn write_patiently(output: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(RETRY_INTERVAL);
            }
            Err(error) => return Err(error),
        }
    }
    output.flush()
}
