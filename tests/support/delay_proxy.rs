//! A TCP proxy that adds latency without lowering the rate.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A proxy to one address.
pub struct DelayProxy {
    port: u16,
}

impl DelayProxy {
    /// Starts a proxy that adds this much to every round trip to `host:port`.
    pub fn start(to: &str, round_trip: Duration) -> DelayProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = to.to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (back, forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                forward(client, forth, round_trip / 2);
                forward(server, back, round_trip / 2);
            }
        });
        DelayProxy { port }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (send, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        for (at, piece) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            if send.send((Instant::now() + delay, piece[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}
