//! Connections to gRPC servers: addresses, sockets, TLS, and what their failures mean.

mod address;
mod failure;
mod quick_ack;
mod servers;
mod tls;

use std::io;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint, Uri};

pub use address::Address;
pub use failure::{Failure, classify};
use quick_ack::QuickAck;
pub use servers::{CallError, Server, Servers};
pub use tls::TlsOptions;

/// A value may be 30 MiB, and messages carry some more; the server's own limit is 32 MiB.
pub const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// When a connection or a request on it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the connection to be made.
    pub connect: Duration,
    /// For one request.
    pub request: Duration,
    /// Between two checks that the connection lives, and for the answer to one.
    pub keep_alive: Option<(Duration, Duration)>,
}

/// A channel to the address that connects when first used, and again when it broke.
///
/// # Errors
/// A text that completes "the TLS options can't be used: …".
pub fn channel(address: &Address, limits: Limits, tls: &TlsOptions) -> Result<Channel, String> {
    let mut endpoint = Endpoint::from(address.uri().clone()).connect_timeout(limits.connect);
    if let Some((interval, timeout)) = limits.keep_alive {
        endpoint = endpoint
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(timeout)
            .keep_alive_while_idle(true);
    }
    if address.is_tls() {
        endpoint = tls.apply(endpoint)?;
    }
    // The largest value arrives without waiting for more room to be granted.
    let window = u32::try_from(MAX_MESSAGE).unwrap_or(u32::MAX >> 1);
    endpoint = endpoint.initial_stream_window_size(window).initial_connection_window_size(window);
    let path = address.socket_path().map(ToOwned::to_owned);
    Ok(match path {
        Some(path) => endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        })),
        None => endpoint.connect_with_connector_lazy(tower::service_fn(connect_tcp)),
    })
}

async fn connect_tcp(uri: Uri) -> io::Result<TokioIo<QuickAck>> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(QuickAck::new(stream)))
}
