//! A TCP proxy that adds latency without lowering the rate, and counts the round trips that follow one another.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A proxy to one address.
pub struct DelayProxy {
    port: u16,
    depths: Arc<Depths>,
}

/// The longest chain of requests and responses, over all connections: what was sent to one side after something had
/// arrived from it may be a consequence of that.
#[derive(Default)]
struct Depths {
    at_server: AtomicUsize,
    at_client: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Towards {
    Server,
    Client,
}

impl Depths {
    /// Returns the depth of what is sent now.
    fn of_piece(&self, towards: Towards) -> usize {
        match towards {
            Towards::Server => self.at_client.load(Ordering::SeqCst) + 1,
            Towards::Client => self.at_server.load(Ordering::SeqCst),
        }
    }

    /// Records that a piece of this depth has arrived.
    fn add_arrival(&self, towards: Towards, depth: usize) {
        match towards {
            Towards::Server => self.at_server.fetch_max(depth, Ordering::SeqCst),
            Towards::Client => self.at_client.fetch_max(depth, Ordering::SeqCst),
        };
    }
}

impl DelayProxy {
    /// Starts a proxy that adds this much to every round trip to `host:port`.
    pub fn start(to: &str, round_trip: Duration) -> DelayProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, depths) = (to.to_owned(), Arc::<Depths>::default());
        let counted = depths.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (back, forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (depths, delay) = (&counted, round_trip / 2);
                forward(client, forth, (Towards::Server, delay), depths.clone());
                forward(server, back, (Towards::Client, delay), depths.clone());
            }
        });
        DelayProxy { port, depths }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the number of round trips that had to follow one another, and begins to count anew. It is exact where a
    /// round trip takes far longer than the server; that of TCP's own handshake is not in it.
    pub fn take_round_trips(&self) -> usize {
        self.depths.at_server.store(0, Ordering::SeqCst);
        self.depths.at_client.swap(0, Ordering::SeqCst)
    }
}

fn forward(
    mut from: TcpStream,
    mut to: TcpStream,
    (towards, delay): (Towards, Duration),
    depths: Arc<Depths>,
) {
    let (send, due) = mpsc::channel::<(Instant, usize, Vec<u8>)>();
    let arrived = depths.clone();
    std::thread::spawn(move || {
        for (at, depth, piece) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            arrived.add_arrival(towards, depth);
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            let depth = depths.of_piece(towards);
            if send.send((Instant::now() + delay, depth, piece[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}
