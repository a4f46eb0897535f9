//! A TCP proxy that injects one network fault into every connection after a number of bytes in one
//! direction.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// The connection is closed in good order.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing is forwarded any more, and the connection stays open.
    BlackHole,
    /// Every piece is delayed.
    Delay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    FromServer,
}

pub struct FaultyProxy {
    port: u16,
    healed: Arc<AtomicBool>,
    /// The number of connections so far.
    made: Arc<AtomicUsize>,
    /// The number of the first connection that is not forgotten.
    remembered: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Plan {
    harm: NetworkFault,
    direction: Direction,
    after: usize,
    healed: Arc<AtomicBool>,
    remembered: Arc<AtomicUsize>,
}

impl FaultyProxy {
    /// Starts a proxy in front of `host:port`.
    pub fn start(to: &str, harm: NetworkFault, direction: Direction, after: usize) -> FaultyProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let healed = Arc::new(AtomicBool::new(false));
        let (made, remembered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let plan =
            Plan { harm, direction, after, healed: healed.clone(), remembered: remembered.clone() };
        let (to, counter) = (to.to_owned(), made.clone());
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                counter.store(number + 1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect(&to) else { continue };
                let pair = |one: &TcpStream, other: &TcpStream| {
                    (one.try_clone().unwrap(), other.try_clone().unwrap())
                };
                let (up, down) = (pair(&client, &server), pair(&server, &client));
                let (plan_up, plan_down) = (plan.clone(), plan.clone());
                std::thread::spawn(move || forward(up, &plan_up, Direction::ToServer, number));
                std::thread::spawn(move || {
                    forward(down, &plan_down, Direction::FromServer, number);
                });
            }
        });
        FaultyProxy { port, healed, made, remembered }
    }

    /// Starts a proxy that injects no fault before it forgets connections.
    pub fn start_forgetful(to: &str) -> FaultyProxy {
        FaultyProxy::start(to, NetworkFault::BlackHole, Direction::ToServer, usize::MAX >> 1)
    }

    /// Forgets all connections that there are, as a firewall does with idle ones: what is sent on them is dropped
    /// without a sign, and new ones work.
    pub fn forget_connections(&self) {
        self.remembered.store(self.made.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn clear_faults(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }
}

fn forward(
    (mut from, mut to): (TcpStream, TcpStream),
    plan: &Plan,
    direction: Direction,
    number: usize,
) {
    let mut piece = vec![0; 16 << 10];
    let mut passed = 0;
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if number < plan.remembered.load(Ordering::Relaxed) {
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        }
        let harmed = direction == plan.direction
            && passed + count > plan.after
            && !plan.healed.load(Ordering::Relaxed);
        if harmed {
            match plan.harm {
                NetworkFault::Delay => std::thread::sleep(Duration::from_millis(30)),
                NetworkFault::BlackHole => loop {
                    std::thread::sleep(Duration::from_secs(60));
                },
                NetworkFault::Cut | NetworkFault::Reset => {
                    let _ = to.write_all(&piece[..plan.after.saturating_sub(passed)]);
                    end(&from, plan.harm);
                    end(&to, plan.harm);
                    return;
                }
            }
        }
        passed += count;
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn end(stream: &TcpStream, harm: NetworkFault) {
    if harm == NetworkFault::Reset {
        // Closing with data unsent and no time to linger is a reset.
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
    let _ = stream.shutdown(Shutdown::Both);
}
