//! SIGINT and SIGTERM, and the exit codes and failures that they end the program with.

use std::io;

use tokio::signal::unix::{SignalKind, signal as listen};

use crate::outcome::{Code, Failure};

/// A signal that ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A service manager's way to stop a program.
    Terminate,
}

impl Signal {
    /// Returns the exit code: 128 and the signal's number, as in a shell.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }

    /// Returns the usual name.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// Returns the failure of a command that writes nothing.
    pub fn failure(self) -> Failure {
        let mut failure =
            Failure::new(Code::Interrupted, format!("interrupted by {}", self.name()));
        failure.exit = self.exit_code();
        failure
    }
}

/// Waits for the first of the signals.
///
/// # Errors
/// The system does not let the program listen.
pub async fn wait_for_signal() -> io::Result<Signal> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
    }
}
