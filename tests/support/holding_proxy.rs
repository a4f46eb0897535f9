//! A TCP proxy that can hold a client's requests, so that a test can act in the meantime.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The delay before a response is dropped, longer than a test waits for it.
const SILENCE: Duration = Duration::from_secs(10);

/// A proxy to one address. It holds the client's data from the first piece that contains the marker
/// until it is released.
pub struct HoldingProxy {
    port: u16,
    gate: Arc<Gate>,
}

struct Gate {
    marker: Mutex<Vec<u8>>,
    state: Mutex<State>,
    changed: Condvar,
    /// The delay after which the response to the marked piece is lost with its connection; `None` if
    /// the piece is held instead.
    cuts: Option<Duration>,
    muted: AtomicBool,
    /// The number of times that pieces were to be held, and up to which of them they are not to arrive.
    holds: AtomicUsize,
    discarded: AtomicUsize,
}

/// What becomes of a piece, and of its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Forward,
    ForwardAndCut,
    Discard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Holding,
    Open,
}

impl HoldingProxy {
    /// Starts a proxy that holds the marked piece.
    pub fn start(to: &str, marker: &str) -> HoldingProxy {
        HoldingProxy::start_with(to, marker, None)
    }

    /// Starts a proxy that forwards the marked piece once and drops its response.
    pub fn start_cutting(to: &str, marker: &str) -> HoldingProxy {
        HoldingProxy::start_with(to, marker, Some(Duration::from_millis(500)))
    }

    /// Starts a proxy that forwards the marked piece once and drops its response after a long silence.
    pub fn start_silencing(to: &str, marker: &str) -> HoldingProxy {
        HoldingProxy::start_with(to, marker, Some(SILENCE))
    }

    fn start_with(to: &str, marker: &str, cuts: Option<Duration>) -> HoldingProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Arc::new(Gate {
            marker: Mutex::new(marker.as_bytes().to_vec()),
            state: Mutex::new(State::Waiting),
            changed: Condvar::new(),
            cuts,
            muted: AtomicBool::new(false),
            holds: AtomicUsize::new(1),
            discarded: AtomicUsize::new(0),
        });
        let (to, of_thread) = (to.to_owned(), gate.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else { continue };
                connect(client, server, &of_thread);
            }
        });
        HoldingProxy { port, gate }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until the marked piece is held.
    pub fn wait_until_holding(&self) {
        let state = self.gate.state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let waiting = |state: &mut State| *state == State::Waiting;
        let (_state, timeout) =
            self.gate.changed.wait_timeout_while(state, limit, waiting).unwrap();
        assert!(!timeout.timed_out(), "the marker never came");
    }

    pub fn is_holding(&self) -> bool {
        *self.gate.state.lock().unwrap() == State::Holding
    }

    /// Holds the next piece that contains this marker, and lets pass what is held now: nothing slips through between.
    pub fn hold_at(&self, marker: &str) {
        marker.as_bytes().clone_into(&mut self.gate.marker.lock().unwrap());
        self.gate.holds.fetch_add(1, Ordering::Relaxed);
        *self.gate.state.lock().unwrap() = State::Waiting;
        self.gate.changed.notify_all();
    }

    /// Drops what is held, and lets everything pass that comes over new connections.
    pub fn discard(&self) {
        let holds = self.gate.holds.load(Ordering::Relaxed);
        self.gate.discarded.store(holds, Ordering::Relaxed);
        self.release();
    }

    /// Lets everything pass that comes from now on, in both directions.
    pub fn release(&self) {
        self.gate.muted.store(false, Ordering::Relaxed);
        *self.gate.state.lock().unwrap() = State::Open;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    /// Waits while pieces are held, and returns what becomes of this one.
    fn pass(&self, piece: &[u8]) -> Passage {
        let marker = self.marker.lock().unwrap().clone();
        let has_marker = piece.windows(marker.len()).any(|window| window == marker);
        let mut state = self.state.lock().unwrap();
        if *state == State::Waiting && has_marker {
            *state = if self.cuts.is_some() { State::Open } else { State::Holding };
            self.changed.notify_all();
            if self.cuts.is_some() {
                self.muted.store(true, Ordering::Relaxed);
                return Passage::ForwardAndCut;
            }
        }
        let (is_held, hold) = (*state == State::Holding, self.holds.load(Ordering::Relaxed));
        drop(self.changed.wait_while(state, |state| *state == State::Holding).unwrap());
        match is_held && hold <= self.discarded.load(Ordering::Relaxed) {
            true => Passage::Discard,
            false => Passage::Forward,
        }
    }
}

fn connect(client: TcpStream, server: TcpStream, gate: &Arc<Gate>) {
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (up, down) = (gate.clone(), gate.clone());
    std::thread::spawn(move || {
        let cut = forward(from_client, to_server, |piece| up.pass(piece), || false, up.cuts);
        if cut {
            up.muted.store(false, Ordering::Relaxed);
        }
    });
    std::thread::spawn(move || {
        forward(
            server,
            client,
            |_| Passage::Forward,
            || down.muted.load(Ordering::Relaxed),
            down.cuts,
        );
    });
}

/// Forwards until either side closes; returns whether a response was dropped.
fn forward(
    mut from: TcpStream,
    mut to: TcpStream,
    before: impl Fn(&[u8]) -> Passage,
    muted: impl Fn() -> bool,
    pause: Option<Duration>,
) -> bool {
    let mut piece = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        let passage = before(&piece[..count]);
        if passage == Passage::Discard {
            let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
            return false;
        }
        if muted() {
            // Of an answer that is lost in silence, not even the end is heard.
            std::thread::sleep(pause.filter(|pause| *pause == SILENCE).unwrap_or_default());
            break;
        }
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
        if passage == Passage::ForwardAndCut {
            // The server carries it out, and nobody hears of it.
            std::thread::sleep(pause.unwrap_or_default());
            let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
            return true;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    false
}
