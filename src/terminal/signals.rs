//! SIGINT and SIGTERM, and what the program ends with after them.

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
    /// 128 and the signal's number, as a shell has it.
    pub fn exit(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// How a command that writes nothing ends.
    pub fn failure(self) -> Failure {
        let mut failure =
            Failure::new(Code::Interrupted, format!("interrupted by {}", self.name()));
        failure.exit = self.exit();
        failure
    }
}

/// Waits for the first of them.
///
/// # Errors
/// Where the system does not let the program listen.
pub async fn wait_for_signal() -> io::Result<Signal> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
    }
}
