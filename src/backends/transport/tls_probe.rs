//! Finds out whether a server that hung up without a word expects TLS: some send no alert to a client that does
//! not begin a handshake (etcd 3.4 and 3.5, seen), but all respond to one that does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

use super::any_certificate::AnyCertificate;

/// The time for the first bytes of the response.
const RESPONSE_WAIT: Duration = Duration::from_secs(1);

/// Returns whether the server on this connection responds to the beginning of a handshake as TLS does.
pub(super) async fn speaks_tls(host: &str, stream: impl AsyncRead + AsyncWrite + Unpin) -> bool {
    let response = timeout(RESPONSE_WAIT, greet(host, stream)).await;
    // A handshake or an alert, of any version of TLS.
    matches!(response, Ok(Ok([21 | 22, 3])))
}

/// Sends a first message, and returns the first bytes of the response.
async fn greet(host: &str, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<[u8; 2]> {
    stream.write_all(&create_hello(host)?).await?;
    let mut response = [0; 2];
    stream.read_exact(&mut response).await?;
    Ok(response)
}

fn create_hello(host: &str) -> io::Result<Vec<u8>> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        // No secret is sent, and nothing that the server says is used.
        .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok(hello)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_handshake_or_an_alert_is_tls() {
        let responses: [(&[u8], bool); 4] =
            [(&[22, 3, 3], true), (&[21, 3, 1], true), (b"HTTP/1.1", false), (&[], false)];
        for (response, expected) in responses {
            let stream = tokio_test_stream(response);
            assert_eq!(speaks_tls("127.0.0.1", stream).await, expected, "{response:?}");
        }
    }

    fn tokio_test_stream(response: &'static [u8]) -> tokio::io::DuplexStream {
        let (client, mut server) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let mut hello = [0; 64];
            server.read_exact(&mut hello).await.unwrap();
            assert_eq!(hello[..2], [22, 3]);
            server.write_all(response).await.unwrap();
        });
        client
    }
}
