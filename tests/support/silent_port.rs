//! A port that accepts every connection and never answers.

use std::net::TcpListener;

pub struct SilentPort {
    listener: TcpListener,
}

impl SilentPort {
    pub fn open() -> SilentPort {
        // The kernel makes the connections, and nobody reads from them.
        SilentPort { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }
}
