//! The main thread: it hears of signals and does nothing that could block, so that the program always ends
//! when it is told to.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::program_run::ProgramRun;
use crate::blocking::run_detached;
use crate::outcome::{Code, Failure, exit};
use crate::terminal::signals::{Interruption, Signal, SignalListener};

/// The time that a command has to stop after a signal. It is longer than what an interrupted migration
/// spends on reading its target once more.
const TIME_TO_STOP: Duration = Duration::from_secs(6);

/// The time that a command that has ended has to write its output after a signal.
const TIME_TO_WRITE: Duration = Duration::from_secs(4);

/// The time in which further signals are the same request: the system, a shell and a wrapper may each send
/// one when a window is closed or Ctrl-C is pressed.
const SAME_REQUEST: Duration = Duration::from_millis(200);

/// The time for reporting the end of a command that is stuck: more than its output waits for messages.
const TIME_TO_REPORT: Duration = Duration::from_secs(5);

/// How often it is looked whether a command is stuck.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The stack of the command's thread, as large as that of a main thread: the 2 MiB of other threads are too
/// few for `migrate` in a debug build.
const STACK_SIZE: usize = 8 << 20;

/// Runs the command on a thread of its own until it ends, or signals end it. Returns the exit code.
pub(super) fn run_supervised(run: ProgramRun) -> u8 {
    let run = Arc::new(run);
    let supervised = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(supervise(&run)));
    supervised.unwrap_or_else(|error| {
        run.print_last_words(Failure::new(Code::Internal, format!("failed to start: {error}")));
        exit::FAILED
    })
}

async fn supervise(run: &Arc<ProgramRun>) -> io::Result<u8> {
    let mut signals = SignalListener::listen()?;
    let (sender, interruption) = Interruption::channel();
    let (mut command, thread) = start_command(run, interruption)?;
    let signal = tokio::select! {
        code = &mut command => return end_thread(run, code, thread).await,
        signal = signals.next() => signal,
    };
    let began = Instant::now();
    let _ = sender.send(Some(signal));
    tokio::select! {
        code = &mut command => end_thread(run, code, thread).await,
        second = wait_for_second(&mut signals, began) => {
            end_at_once(run, second);
            Ok(second.exit_code())
        }
        () = wait_until_stuck(run, began) => Ok(end_stuck(run, signal).await),
    }
}

type CommandEnd = oneshot::Receiver<u8>;

fn start_command(
    run: &Arc<ProgramRun>,
    interruption: Interruption,
) -> io::Result<(CommandEnd, JoinHandle<()>)> {
    let (sender, receiver) = oneshot::channel();
    let run = Arc::clone(run);
    let thread = std::thread::Builder::new().name("command".to_owned()).stack_size(STACK_SIZE);
    let thread = thread.spawn(move || {
        let _ = sender.send(run.run_to_end(&interruption));
    })?;
    Ok((receiver, thread))
}

/// Returns the exit code of the thread's end; a thread that panicked has reported nothing yet.
async fn end_thread(
    run: &Arc<ProgramRun>,
    code: Result<u8, oneshot::error::RecvError>,
    thread: JoinHandle<()>,
) -> io::Result<u8> {
    if let Ok(code) = code {
        return Ok(code);
    }
    let panic = thread.join().err().map(|panic| describe_panic(panic.as_ref())).unwrap_or_default();
    let failure = Failure::new(Code::Internal, format!("a fault of this program: {panic}"))
        .hint("please report it, with the line above and what you ran");
    Ok(report_end(run, failure).await)
}

fn describe_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it stopped without a message").to_owned()
}

/// Waits for a signal that is another request than the first.
async fn wait_for_second(signals: &mut SignalListener, began: Instant) -> Signal {
    loop {
        let signal = signals.next().await;
        if began.elapsed() >= SAME_REQUEST {
            return signal;
        }
    }
}

/// Tells what is known, without waiting for anything.
fn end_at_once(run: &ProgramRun, second: Signal) {
    let outcome = run.outcome_so_far(second.failure());
    let failure = outcome.failure.unwrap_or_else(|| second.failure());
    let message = format!("{}; ended at once by a second signal", failure.message);
    run.print_last_words(Failure { message, ..failure });
}

/// Waits until the command has had its time to stop, or its output the time to be written.
async fn wait_until_stuck(run: &ProgramRun, began: Instant) {
    loop {
        let deadline = match run.ending() {
            Some(ending) => began.max(ending.at.into()) + TIME_TO_WRITE,
            None => began + TIME_TO_STOP,
        };
        if Instant::now() >= deadline {
            return;
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Ends a command that does not stop by itself, or whose output nobody takes.
async fn end_stuck(run: &Arc<ProgramRun>, signal: Signal) -> u8 {
    let failure = signal.failure();
    if let Some(ending) = run.ending() {
        let message = format!("{} while the output was written; {}", failure.message, ending.work);
        run.print_last_words(Failure { message, ..failure });
        return signal.exit_code();
    }
    let message = format!("{}; the command was stuck and is abandoned", failure.message);
    report_end(run, Failure { message, ..failure }).await
}

/// Reports the end of a command that can't do so itself, for as long as that does not block as well.
async fn report_end(run: &Arc<ProgramRun>, failure: Failure) -> u8 {
    let outcome = run.outcome_so_far(failure);
    let (code, run) = (outcome.exit(), Arc::clone(run));
    let reported = timeout(TIME_TO_REPORT, run_detached(move || run.end(&outcome))).await;
    match reported {
        Ok(Ok(code)) => code,
        _ => code,
    }
}
