//! A terminal of which the test holds the other end: it types, reads what is shown, and can be gone.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::tool::{command, program};
use super::wait_for;

/// A program that runs on a terminal of its own.
pub struct PseudoTerminal {
    /// Our end; `None` once the terminal is gone.
    ours: Arc<Mutex<Option<File>>>,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl PseudoTerminal {
    /// Starts our program on all three streams, as the leader of the terminal's session.
    pub fn start(args: &[impl AsRef<OsStr>]) -> PseudoTerminal {
        let mut line = command(Path::new("setsid"), &[OsStr::new("--ctty")]);
        line.env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        line.arg(program()).args(args);
        Self::start_command(line)
    }

    /// Starts a command on a terminal.
    pub fn start_command(mut line: Command) -> PseudoTerminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = File::options().read(true).write(true).open(name).unwrap();
        let stream = || Stdio::from(theirs.try_clone().unwrap());
        line.stdin(stream()).stdout(stream()).stderr(stream());
        let child = line.spawn().unwrap();
        // Both hold their end open.
        drop((line, theirs));
        // So that the reader holds our end only for a moment.
        fcntl_setfl(&ours, OFlags::NONBLOCK | OFlags::RDWR).unwrap();
        let ours = Arc::new(Mutex::new(Some(File::from(ours))));
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let (end, sink) = (Arc::clone(&ours), Arc::clone(&shown));
        let reader = std::thread::spawn(move || while read_piece(&end, &sink) {});
        PseudoTerminal { ours, child, shown, reader }
    }

    /// Takes the terminal away, as a window that is closed.
    pub fn hang_up(&self) {
        *self.ours.lock().unwrap() = None;
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Types bytes.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.ours.lock().unwrap().as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Returns all that was shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until the text was shown.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        let (shown, child) = (Arc::clone(&self.shown), &mut self.child);
        wait_for(text, Duration::from_secs(30), || {
            let shown = String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() || shown.contains(text), "{ended:?} without {text}: {shown}");
            shown.contains(text).then_some(())
        });
    }

    /// Sends the program a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        send_signal(self.id(), name);
    }

    /// Waits at most `limit` for the end, and returns the exit code, or the negated number of the signal
    /// that killed the program.
    #[track_caller]
    pub fn wait_for_end(&mut self, limit: Duration) -> i32 {
        let child = &mut self.child;
        let status = wait_for("the end", limit, || child.try_wait().unwrap());
        // What the program wrote last may still be on its way.
        let reader = &self.reader;
        wait_for("the last text", limit, || reader.is_finished().then_some(()));
        status.code().unwrap_or_else(|| -status.signal().unwrap())
    }
}

impl Drop for PseudoTerminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test harness shows it with the failure.
            println!("on the terminal: {}", self.shown());
        }
        let _ = self.child.kill();
        // A file system that does not respond may hold even a killed process, until it is unmounted.
        let limit = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads what is shown at the moment; returns `false` at the end.
fn read_piece(end: &Mutex<Option<File>>, sink: &Mutex<Vec<u8>>) -> bool {
    let mut piece = [0; 4096];
    let read = match end.lock().unwrap().as_mut() {
        Some(file) => file.read(&mut piece),
        None => return false,
    };
    match read {
        Ok(0) => false,
        Ok(count) => {
            sink.lock().unwrap().extend_from_slice(&piece[..count]);
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            std::thread::sleep(Duration::from_millis(5));
            true
        }
        // Nobody has the other end open any more.
        Err(_) => false,
    }
}

/// Sends a process a signal, such as `INT`.
pub fn send_signal(id: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), id.to_string()]).status();
    assert!(status.unwrap().success());
}
