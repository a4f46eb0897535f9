//! Pipes that nobody reads.

use std::io::{PipeReader, pipe};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::sync::Mutex;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pipe::fcntl_setpipe_size;

/// The readers, which stay open without ever being read.
static READERS: Mutex<Vec<PipeReader>> = Mutex::new(Vec::new());

/// Returns the end for writing of a pipe that is full, and is not read until the test run ends.
pub fn full_pipe() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    fill_pipe(&writer);
    READERS.lock().unwrap().push(reader);
    writer.into()
}

/// Returns the end for writing of a pipe whose reader is gone.
pub fn closed_pipe() -> Stdio {
    pipe().unwrap().1.into()
}

/// Fills the pipe behind its end for writing.
pub fn fill_pipe<W: AsFd>(writer: &W) {
    fcntl_setpipe_size(writer, 4096).unwrap();
    fcntl_setfl(writer, OFlags::NONBLOCK | OFlags::WRONLY).unwrap();
    while rustix::io::write(writer, &[b'x'; 64]).is_ok() {}
    fcntl_setfl(writer, OFlags::WRONLY).unwrap();
}
