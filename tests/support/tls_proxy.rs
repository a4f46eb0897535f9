//! A server that speaks TLS in front of one that does not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::block_on;

/// A proxy that ends TLS; it counts the clients that reject its certificate.
pub struct TlsProxy {
    port: u16,
    rejections: Arc<AtomicUsize>,
}

impl TlsProxy {
    /// Starts a proxy in front of `http://host:port` with the certificate `NAME.pem` and its key.
    pub fn start(endpoint: &str, folder: &Path, name: &str) -> TlsProxy {
        let certificate = CertificateDer::from_pem_file(folder.join(format!("{name}.pem")));
        let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let rejections: Arc<AtomicUsize> = Arc::default();
        let (to, count) = (endpoint.trim_start_matches("http://").to_owned(), rejections.clone());
        std::thread::spawn(move || {
            block_on(serve(listener, TlsAcceptor::from(Arc::new(config)), to, count))
        });
        TlsProxy { port, rejections }
    }

    /// Returns the endpoint, by the name that its certificate is for.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Returns the number of handshakes that failed.
    pub fn rejections(&self) -> usize {
        self.rejections.load(Ordering::Relaxed)
    }
}

async fn serve(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    to: String,
    rejections: Arc<AtomicUsize>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, to, rejections) = (acceptor.clone(), to.clone(), rejections.clone());
        tokio::spawn(async move {
            // A client of TLS 1.3 rejects a certificate after the handshake.
            let Ok(mut client) = acceptor.accept(client).await else {
                rejections.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let mut server = TcpStream::connect(to).await.unwrap();
            if tokio::io::copy_bidirectional(&mut client, &mut server).await.is_err() {
                rejections.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}
