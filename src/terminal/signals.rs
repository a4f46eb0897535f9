//! SIGHUP, SIGINT and SIGTERM, and the exit codes and failures that they end the program with.

use std::io;

use tokio::signal::unix::{Signal as Listener, SignalKind, signal as listen};
use tokio::sync::watch;

use crate::outcome::{Code, Failure};

/// A signal that ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal is gone, or the connection to it.
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// A service manager's way to stop a program.
    Terminate,
}

impl Signal {
    const ALL: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

    fn kind(self) -> SignalKind {
        match self {
            Signal::Hangup => SignalKind::hangup(),
            Signal::Interrupt => SignalKind::interrupt(),
            Signal::Terminate => SignalKind::terminate(),
        }
    }

    /// Returns the exit code: 128 and the signal's number, as in a shell.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Hangup => 129,
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }

    /// Returns the usual name.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hangup => "SIGHUP",
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

/// The signals that end the program, as they come.
pub struct SignalListener {
    listeners: Vec<(Signal, Listener)>,
    /// Kept, so that the signal stays without effect.
    _file_too_large: Listener,
}

/// The number of SIGXFSZ: a file grew beyond the limit of the shell (`ulimit -f`).
const FILE_TOO_LARGE: i32 = 25;

impl SignalListener {
    /// Begins to listen. A signal that was ignored when the program was started, such as SIGHUP under
    /// `nohup`, stays ignored.
    ///
    /// SIGXFSZ, which would end the program on the spot, is left to the write that it comes from, which fails.
    ///
    /// # Errors
    /// The system does not let the program listen.
    pub fn listen() -> io::Result<Self> {
        let ignored = read_ignored_signals();
        let heard = Signal::ALL.into_iter().filter(|signal| !is_in_mask(ignored, signal.kind()));
        let listeners = heard.map(|signal| Ok((signal, listen(signal.kind())?)));
        Ok(SignalListener {
            listeners: listeners.collect::<io::Result<_>>()?,
            _file_too_large: listen(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (signal, listener) in &mut self.listeners {
                if listener.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*signal);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// Returns the mask of the signals that were ignored at the start; none where the system has no `/proc`.
fn read_ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn is_in_mask(mask: u64, signal: SignalKind) -> bool {
    let bit = u32::try_from(signal.as_raw_value() - 1).unwrap_or_default();
    mask.checked_shr(bit).unwrap_or_default() & 1 == 1
}

/// The signal that ends the program, for those who have to stop then.
#[derive(Clone, Debug)]
pub struct Interruption(watch::Receiver<Option<Signal>>);

impl Interruption {
    /// Creates one, and the sender that tells of the signal.
    pub fn channel() -> (watch::Sender<Option<Signal>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Interruption(receiver))
    }

    /// Waits for the signal.
    pub async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        let signal = receiver.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match signal {
            Some(signal) => signal,
            // There is nobody left who could tell.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_found_by_their_bit() {
        let ignored = |mask, signal: Signal| is_in_mask(mask, signal.kind());
        assert!(ignored(0b1, Signal::Hangup) && !ignored(0b10, Signal::Hangup));
        assert!(ignored(0b10, Signal::Interrupt));
        assert!(ignored(0x4000, Signal::Terminate) && !ignored(!0x4000, Signal::Terminate));
    }
}
