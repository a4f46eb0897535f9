//! Calls that may block, such as those of files, kept off the thread that hears of signals.

use std::io;

/// Runs a call that may block for any time on a thread of its own, and waits for its result.
///
/// Whoever stops waiting, for a signal, leaves the thread behind: it ends with its call, or with the
/// program. A thread of the runtime's pool would not do, since the runtime waits for those at its end.
///
/// # Errors
/// The system starts no further thread, or the call has panicked.
pub async fn run_detached<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let run = move || {
        // Nobody may wait any more.
        let _ = sender.send(call());
    };
    std::thread::Builder::new().name("blocking call".to_owned()).spawn(run)?;
    receiver.await.map_err(|_| io::Error::other("the call ended without a result"))
}
