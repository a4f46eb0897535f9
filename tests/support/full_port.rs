//! A port that does not respond: its queue of connections is full, so the kernel drops new ones.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

pub struct FullPort {
    pub address: SocketAddr,
    _sockets: Vec<Socket>,
}

impl FullPort {
    /// Fills the queue of any free port.
    pub fn on_any_port() -> FullPort {
        FullPort::on_port(0)
    }

    /// Fills the queue of this port of 127.0.0.1.
    pub fn on_port(port: u16) -> FullPort {
        let stream = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = stream();
        listener.set_reuse_address(true).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let client = stream();
            client.set_nonblocking(true).unwrap();
            let _ = client.connect(&address);
            sockets.push(client);
        }
        FullPort { address: address.as_socket().unwrap(), _sockets: sockets }
    }
}
