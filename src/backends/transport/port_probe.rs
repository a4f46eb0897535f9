//! Probes whether anything listens at an address, as one finds out that a server has stopped.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{Address, bare_host, default_port};
use crate::model::PortState;

/// Tries to connect to the address, and says nothing there.
///
/// It is closed only if none of its addresses may have a server: one that does not respond may be one that hangs.
pub async fn probe_port(address: &Address, limit: Duration) -> PortState {
    let no_response = || PortState::Unknown("no response".to_owned());
    if let Some(path) = address.socket_path() {
        let connected = timeout(limit, UnixStream::connect(path)).await;
        return connected.map_or_else(|_| no_response(), |result| judge_attempt(result.map(drop)));
    }
    let uri = address.uri();
    let port = uri.port_u16().unwrap_or_else(|| default_port(uri));
    let host = bare_host(uri);
    let found: Vec<_> = match timeout(limit, tokio::net::lookup_host((host, port))).await {
        Err(_) => return PortState::Unknown("its name is not resolved in time".to_owned()),
        Ok(Err(error)) => return judge_lookup(&error),
        Ok(Ok(found)) => found.collect(),
    };
    let attempts = found.into_iter().map(|address: SocketAddr| async move {
        let connected = timeout(limit, TcpStream::connect(address)).await;
        connected.map_or_else(|_| no_response(), |result| judge_attempt(result.map(drop)))
    });
    combine(join_all(attempts).await)
}

/// Returns the state of a name by those of its addresses.
fn combine(states: Vec<PortState>) -> PortState {
    let mut absent = PortState::Absent("its name has no address".to_owned());
    let (mut closed, mut unknown) = (None, None);
    for state in states {
        match state {
            PortState::Open => return PortState::Open,
            PortState::Closed(_) => closed = Some(state),
            PortState::Absent(_) => absent = state,
            PortState::Unknown(_) => unknown = Some(state),
        }
    }
    unknown.or(closed).unwrap_or(absent)
}

fn judge_attempt(result: io::Result<()>) -> PortState {
    let Err(error) = result else { return PortState::Open };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => PortState::Closed("connection refused".to_owned()),
        io::ErrorKind::NotFound => PortState::Closed("no such socket".to_owned()),
        io::ErrorKind::HostUnreachable => PortState::Absent("host unreachable".to_owned()),
        _ => PortState::Unknown(error.to_string()),
    }
}

/// Judges a name that was not resolved: it is unknown, or nobody could tell.
///
/// The standard library has no code for these, only the text of the C library: of glibc and of musl.
fn judge_lookup(error: &io::Error) -> PortState {
    let text = error.to_string();
    let is_temporary = ["Temporary failure in name resolution", "Try again"];
    let is_undecided = error.raw_os_error().is_some()
        || is_temporary.iter().any(|temporary| text.contains(temporary));
    if is_undecided { PortState::Unknown(text) } else { PortState::Absent(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_is_closed_only_where_nothing_listens() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open: Address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let limit = Duration::from_secs(2);
        assert_eq!(probe_port(&open, limit).await, PortState::Open);
        drop(listener);
        let refused = PortState::Closed("connection refused".to_owned());
        assert_eq!(probe_port(&open, limit).await, refused);
        let socket: Address = "unix:/nonexistent/fabric.sock".parse().unwrap();
        assert!(matches!(probe_port(&socket, limit).await, PortState::Closed(_)));
    }

    #[test]
    fn one_address_that_does_not_refuse_leaves_the_state_open() {
        let (closed, unknown) = (PortState::Closed("a".into()), PortState::Unknown("b".into()));
        let absent = PortState::Absent("c".into());
        assert_eq!(combine(vec![closed.clone(), absent.clone()]), closed);
        assert_eq!(combine(vec![absent.clone()]), absent);
        assert_eq!(combine(vec![closed.clone(), unknown.clone()]), unknown);
        assert_eq!(combine(vec![unknown, PortState::Open]), PortState::Open);
        assert_eq!(combine(vec![closed.clone()]), closed);
        assert!(matches!(combine(Vec::new()), PortState::Absent(_)));
    }

    #[test]
    fn name_that_could_not_be_looked_up_is_not_an_unknown_one() {
        let failed = |text: &str| judge_lookup(&io::Error::other(text.to_owned()));
        let unknown = "failed to lookup address information: Name or service not known";
        assert!(matches!(failed(unknown), PortState::Absent(_)));
        for temporary in ["Temporary failure in name resolution", "Try again"] {
            let text = format!("failed to lookup address information: {temporary}");
            assert!(matches!(failed(&text), PortState::Unknown(_)));
        }
    }
}
