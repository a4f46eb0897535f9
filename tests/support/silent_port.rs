//! A port that accepts every connection and never answers.

use std::net::TcpListener;

use super::ports::{Port, stop_listening};

pub struct SilentPort {
    listener: TcpListener,
    port: Port,
}

impl SilentPort {
    pub fn open() -> SilentPort {
        let port = Port::free();
        // The kernel makes the connections, and nobody reads from them.
        SilentPort { listener: TcpListener::bind(("127.0.0.1", port.number)).unwrap(), port }
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number)
    }

    /// Refuses connections from now on. The port stays reserved, so that nobody else listens there.
    pub fn close(&self) {
        stop_listening(&self.listener);
    }
}
