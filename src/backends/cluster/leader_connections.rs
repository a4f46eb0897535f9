//! Several connections to one leader: the server resets a connection with more than about 100 requests in flight, and at
//! a distance the number in flight sets the rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::transport::{Address, Server};

/// The requests in flight on one connection before the next one is used.
const PER_CONNECTION: usize = 64;

/// The connections to one server.
const CONNECTIONS: usize = 5;

/// The requests in flight on all connections together.
pub(super) const IN_FLIGHT: usize = CONNECTIONS * PER_CONNECTION;

/// A server with several connections, each of which is made once those before it are busy.
#[derive(Clone)]
pub(super) struct LeaderConnections(Arc<[Connection; CONNECTIONS]>);

struct Connection {
    server: Server,
    in_flight: AtomicUsize,
}

/// A request under way on one of the connections.
pub(super) struct Lane<'a>(&'a Connection);

impl LeaderConnections {
    /// Creates the connections beside the one to this server that is made already.
    pub(super) fn new(server: &Server) -> LeaderConnections {
        let connect = |number| Connection {
            server: if number == 0 { server.clone() } else { server.with_own_connection() },
            in_flight: AtomicUsize::new(0),
        };
        LeaderConnections(Arc::new(std::array::from_fn(connect)))
    }

    /// Returns the address that all of them lead to.
    pub(super) fn address(&self) -> &Address {
        let [first, ..] = self.0.as_ref();
        &first.server.address
    }

    /// Begins a request on the first connection that has room, or else on the one with the fewest requests.
    pub(super) fn begin_request(&self) -> Lane<'_> {
        let [first, ..] = self.0.as_ref();
        let count = |one: &&Connection| one.in_flight.load(Ordering::Relaxed);
        let with_room = self.0.iter().find(|one| count(one) < PER_CONNECTION);
        let chosen = with_room.or_else(|| self.0.iter().min_by_key(count)).unwrap_or(first);
        chosen.in_flight.fetch_add(1, Ordering::Relaxed);
        Lane(chosen)
    }
}

impl Lane<'_> {
    /// Returns the server, reached by this connection.
    pub(super) fn server(&self) -> &Server {
        &self.0.server
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::transport::Limits;
    use super::*;

    #[tokio::test]
    async fn next_connection_is_used_once_those_before_it_are_busy() {
        let limit = Duration::from_secs(1);
        let limits = Limits { connect: limit, request: limit, keep_alive: None, message: None };
        let server = Server::without_tls(&"http://127.0.0.1:1".parse().unwrap(), limits).unwrap();
        let connections = LeaderConnections::new(&server);
        let count = |place: usize| connections.0[place].in_flight.load(Ordering::Relaxed);
        let mut lanes: Vec<_> = (0..PER_CONNECTION).map(|_| connections.begin_request()).collect();
        assert_eq!((count(0), count(1)), (PER_CONNECTION, 0));
        lanes.push(connections.begin_request());
        assert_eq!((count(0), count(1)), (PER_CONNECTION, 1));
        lanes.remove(0);
        lanes.push(connections.begin_request());
        assert_eq!((count(0), count(1)), (PER_CONNECTION, 1));
        drop(lanes);
        assert!((0..CONNECTIONS).all(|place| count(place) == 0));
    }
}
