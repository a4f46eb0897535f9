//! Connections to gRPC servers: addresses, sockets, TLS, and the classification of failures.

mod active_time;
mod address;
mod any_certificate;
mod attempts;
mod authorities;
mod call;
mod call_failure;
mod connect_error;
mod port_probe;
mod quick_ack;
mod sent_attempts;
mod server;
mod servers;
mod tls;
mod tls_detecting_stream;
mod tls_probe;
mod unix;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint, Uri};

pub use active_time::ActiveTime;
pub use address::Address;
pub use attempts::CallError;
pub(super) use authorities::load_system_authorities;
pub use call_failure::{CallFailure, classify_status, is_hung_up, is_tls_expected};
pub(super) use connect_error::{TlsFault, find_tls_fault};
pub use port_probe::probe_port;
use quick_ack::{QuickAck, Traffic};
pub use sent_attempts::SentAttempts;
pub use server::Server;
pub use servers::{Admission, ServerKind, Servers};
use tls::Tls;
pub use tls::TlsOptions;
use tls_detecting_stream::TlsDetectingStream;

/// A value may be 30 MiB, and messages carry some more; the server's own limit is 32 MiB.
pub const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// The head start of a name's address before its next one.
const HEAD_START: Duration = Duration::from_millis(250);

/// The time limits of a connection and of a request on it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The limit for the connection to be made.
    pub connect: Duration,
    /// The limit of one request.
    pub request: Duration,
    /// Between two checks that the connection lives, and for the answer to one.
    pub keep_alive: Option<(Duration, Duration)>,
    /// The largest message in bytes, where the operator set it.
    pub message: Option<usize>,
}

/// Creates a channel to the address that connects when first used, and again after it broke.
fn create_channel(
    endpoint: &Endpoint,
    address: &Address,
    tls: Option<&Tls>,
    traffic: &Traffic,
) -> Channel {
    let traffic = traffic.clone();
    if let Some(tls) = tls {
        let (tls, uri) = (tls.clone(), address.uri().clone());
        return endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (tls, uri, traffic) = (tls.clone(), uri.clone(), traffic.clone());
            async move {
                let stream = connect_tcp(&uri, traffic).await?;
                Ok::<_, io::Error>(TokioIo::new(tls.connect_tls(&bare_host(&uri), stream).await?))
            }
        }));
    }
    match address.socket_path().map(ToOwned::to_owned) {
        Some(path) => endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { unix::connect_socket(&path).await.map(TokioIo::new) }
        })),
        None => {
            let hung_up = Arc::new(AtomicBool::new(false));
            endpoint.connect_with_connector_lazy(tower::service_fn(move |uri: Uri| {
                let (traffic, hung_up) = (traffic.clone(), Arc::clone(&hung_up));
                async move { connect_plain(&uri, traffic, hung_up).await.map(TokioIo::new) }
            }))
        }
    }
}

/// Creates the endpoint of an address, with the limits of its connections.
///
/// # Errors
/// In words, for an address that can't be used.
fn create_endpoint(address: &Address, limits: Limits) -> Result<Endpoint, String> {
    let mut endpoint = bare_endpoint(address)?.connect_timeout(limits.connect);
    if let Some((interval, timeout)) = limits.keep_alive {
        endpoint = endpoint
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(timeout)
            .keep_alive_while_idle(true);
    }
    // The largest value arrives without waiting for more room to be granted.
    let window = u32::try_from(MAX_MESSAGE).unwrap_or(u32::MAX >> 1);
    Ok(endpoint.initial_stream_window_size(window).initial_connection_window_size(window))
}

/// TLS is made below the endpoint, whose own would not tell why it failed: to it, the connection is
/// a plain one of an `https` server.
fn bare_endpoint(address: &Address) -> Result<Endpoint, String> {
    let uri = address.uri();
    if !address.is_tls() {
        return Ok(Endpoint::from(uri.clone()));
    }
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let plain = format!("http://{authority}").parse::<Uri>().map_err(|error| error.to_string())?;
    Ok(Endpoint::from(plain).origin(uri.clone()))
}

fn bare_host(uri: &Uri) -> String {
    uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

fn default_port(uri: &Uri) -> u16 {
    if uri.scheme_str() == Some("https") { 443 } else { 80 }
}

async fn connect_tcp(uri: &Uri, traffic: Traffic) -> io::Result<QuickAck> {
    let port = uri.port_u16().unwrap_or_else(|| default_port(uri));
    let addresses: Vec<_> = tokio::net::lookup_host((bare_host(uri), port)).await?.collect();
    let stream = connect_any(addresses).await?;
    stream.set_nodelay(true)?;
    Ok(QuickAck::new(stream, traffic))
}

/// Connects without TLS; `hung_up` is whether an earlier connection ended before it brought anything.
async fn connect_plain(
    uri: &Uri,
    traffic: Traffic,
    hung_up: Arc<AtomicBool>,
) -> io::Result<TlsDetectingStream> {
    if hung_up.swap(false, Ordering::Relaxed)
        && tls_probe::speaks_tls(&bare_host(uri), connect_tcp(uri, traffic.clone()).await?).await
    {
        return Err(connect_error::speaks_tls());
    }
    Ok(TlsDetectingStream::new(connect_tcp(uri, traffic).await?, hung_up))
}

/// Connects to the first of a name's addresses that responds.
///
/// Each has a head start before the next, so that a silent one does not use up all the time.
pub(super) async fn connect_any(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let attempts = addresses.into_iter().zip(0..).map(|(address, place)| async move {
        tokio::time::sleep(HEAD_START * place).await;
        TcpStream::connect(address).await
    });
    let mut attempts: FuturesUnordered<_> = attempts.collect();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_several_addresses_one_that_answers_is_enough() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let silent: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let closed: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let connected =
            tokio::time::timeout(Duration::from_secs(2), connect_any(vec![silent, closed, there]));
        assert_eq!(connected.await.unwrap().unwrap().peer_addr().unwrap(), there);
        assert!(connect_any(vec![closed]).await.is_err());
    }
}
