//! Invocations that go on while the window passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::http;

/// A client that invokes a counter again and again.
pub struct Invocations {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Counted>,
}

/// What the client saw.
#[derive(Debug, Default)]
pub struct Counted {
    /// The number of invocations.
    pub sent: i64,
    /// The number of those that were answered.
    pub answered: i64,
    /// The last count.
    pub last: i64,
    /// The longest time from one answer to the next.
    pub longest_gap: Duration,
    /// When that ended.
    pub longest_gap_until: Option<Instant>,
}

impl Invocations {
    /// Starts to invoke a counter through this ingress port, ten times a second.
    pub fn start(ingress: u16) -> Invocations {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let (mut counted, mut answered_at) = (Counted::default(), None::<Instant>);
            while !end.load(Ordering::Relaxed) {
                counted.sent += 1;
                if let Some(count) = invoke(ingress) {
                    let now = Instant::now();
                    let gap = answered_at.map_or(Duration::ZERO, |before| now - before);
                    if gap > counted.longest_gap {
                        (counted.longest_gap, counted.longest_gap_until) = (gap, Some(now));
                    }
                    answered_at = Some(now);
                    counted.answered += 1;
                    counted.last = count;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            counted
        });
        Invocations { ended, thread }
    }

    /// Ends, and asserts that no answered invocation was lost, and none was counted twice.
    pub fn finish(self) -> Counted {
        self.ended.store(true, Ordering::Relaxed);
        let counted = self.thread.join().unwrap();
        assert!(counted.answered > 10, "{counted:?}");
        assert!(counted.answered <= counted.last && counted.last <= counted.sent, "{counted:?}");
        counted
    }
}

fn invoke(ingress: u16) -> Option<i64> {
    let answer = http::request("POST", ingress, "/Counter/going-on/add", "1");
    let (status, text) = answer.ok()?;
    if status == 200 { text.trim().parse().ok() } else { None }
}
