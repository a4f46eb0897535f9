//! A TCP proxy that injects one network fault after a number of bytes in one direction: of each connection, or of all
//! together.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
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

#[derive(Clone)]
pub struct FaultyProxy {
    address: SocketAddr,
    /// What the next connection meets.
    plan: Arc<Mutex<Plan>>,
    /// The number of connections so far.
    made: Arc<AtomicUsize>,
    /// The number of the first connection that is not forgotten.
    remembered: Arc<AtomicUsize>,
}

/// The bytes that have passed in one direction.
#[derive(Default)]
struct Passed {
    /// Those of the longest connection.
    longest: AtomicUsize,
    /// Those of all connections.
    total: AtomicUsize,
}

/// What is counted up to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The bytes of each connection: a new one works for as long again.
    Connection,
    /// The bytes of all connections: from then on, none works.
    Network,
}

/// A fault: what happens after so many bytes of its scope in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub harm: NetworkFault,
    pub direction: Direction,
    pub after: usize,
    pub scope: Scope,
}

impl Fault {
    /// A fault that never comes.
    pub const NEVER: Fault = Fault {
        harm: NetworkFault::BlackHole,
        direction: Direction::ToServer,
        after: usize::MAX >> 1,
        scope: Scope::Connection,
    };
}

#[derive(Clone)]
struct Plan {
    fault: Fault,
    healed: Arc<AtomicBool>,
    passed: Arc<[Passed; 2]>,
}

impl Plan {
    fn new(fault: Fault) -> Plan {
        Plan { fault, healed: Arc::default(), passed: Arc::default() }
    }
}

impl FaultyProxy {
    /// Starts a proxy in front of `host:port` that harms each connection.
    pub fn start(to: &str, harm: NetworkFault, direction: Direction, after: usize) -> FaultyProxy {
        let fault = Fault { harm, direction, after, scope: Scope::Connection };
        FaultyProxy::start_on((Ipv4Addr::LOCALHOST, 0), to, fault)
    }

    /// Starts a proxy in front of `host:port` at this address.
    pub fn start_on(own: (Ipv4Addr, u16), to: &str, fault: Fault) -> FaultyProxy {
        let listener = TcpListener::bind(own).unwrap();
        let proxy = FaultyProxy {
            address: listener.local_addr().unwrap(),
            plan: Arc::new(Mutex::new(Plan::new(fault))),
            made: Arc::default(),
            remembered: Arc::default(),
        };
        let (to, accepting) = (to.to_owned(), proxy.clone());
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                accepting.made.store(number + 1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect(&to) else { continue };
                accepting.connect(number, &client, &server);
            }
        });
        proxy
    }

    fn connect(&self, number: usize, client: &TcpStream, server: &TcpStream) {
        // Small pieces must not wait for one another.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let plan = self.plan.lock().unwrap().clone();
        for direction in [Direction::ToServer, Direction::FromServer] {
            let (from, to) = match direction {
                Direction::ToServer => (client, server),
                Direction::FromServer => (server, client),
            };
            let pair = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (plan, remembered) = (plan.clone(), self.remembered.clone());
            let is_forgotten = move || number < remembered.load(Ordering::Relaxed);
            std::thread::spawn(move || forward(pair, &plan, direction, &is_forgotten));
        }
    }

    /// Exchanges the fault for the connections that come from now on, and counts their bytes anew.
    pub fn set_fault(&self, fault: Fault) {
        *self.plan.lock().unwrap() = Plan::new(fault);
    }

    /// Starts a proxy that injects no fault before it forgets connections.
    pub fn start_forgetful(to: &str) -> FaultyProxy {
        FaultyProxy::start_on((Ipv4Addr::LOCALHOST, 0), to, Fault::NEVER)
    }

    /// Forgets all connections that there are, as a firewall does with idle ones: what is sent on them is dropped
    /// without a sign, and new ones work.
    pub fn forget_connections(&self) {
        self.remembered.store(self.made.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns the bytes that have passed in this direction: in the longest connection, or in all.
    pub fn count_passed(&self, scope: Scope, direction: Direction) -> usize {
        let passed = &self.plan.lock().unwrap().passed[direction as usize];
        let count = match scope {
            Scope::Connection => &passed.longest,
            Scope::Network => &passed.total,
        };
        count.load(Ordering::Relaxed)
    }

    pub fn clear_faults(&self) {
        self.plan.lock().unwrap().healed.store(true, Ordering::Relaxed);
    }
}

fn forward(
    (mut from, mut to): (TcpStream, TcpStream),
    plan: &Plan,
    direction: Direction,
    is_forgotten: &impl Fn() -> bool,
) {
    let fault = plan.fault;
    let mut piece = vec![0; 16 << 10];
    let mut of_connection = 0;
    let counted = &plan.passed[direction as usize];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        while is_forgotten() {
            std::thread::sleep(Duration::from_secs(60));
        }
        let passed = match fault.scope {
            Scope::Connection => of_connection,
            Scope::Network => counted.total.load(Ordering::Relaxed),
        };
        let harmed = direction == fault.direction
            && passed + count > fault.after
            && !plan.healed.load(Ordering::Relaxed);
        if harmed {
            match fault.harm {
                NetworkFault::Delay => std::thread::sleep(Duration::from_millis(30)),
                NetworkFault::BlackHole => {
                    counted.total.fetch_add(count, Ordering::Relaxed);
                    while !plan.healed.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    // What was lost is gone: neither side must wait for it.
                    end(&from, NetworkFault::Reset);
                    end(&to, NetworkFault::Reset);
                    return;
                }
                NetworkFault::Cut | NetworkFault::Reset => {
                    let rest = fault.after.saturating_sub(passed);
                    counted.total.fetch_add(count, Ordering::Relaxed);
                    let _ = to.write_all(&piece[..rest]);
                    end(&from, fault.harm);
                    end(&to, fault.harm);
                    return;
                }
            }
        }
        of_connection += count;
        counted.longest.fetch_max(of_connection, Ordering::Relaxed);
        counted.total.fetch_add(count, Ordering::Relaxed);
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
