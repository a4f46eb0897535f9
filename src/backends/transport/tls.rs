//! TLS to a server, with the options of the command line: trusted authorities and client identity.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncBufReadExt;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::any_certificate::AnyCertificate;
use super::authorities::{explain_no_authorities, load_system_authorities};
use super::connect_error::{self, Client};
use super::quick_ack::QuickAck;
use crate::shell::quote_word;

/// The time that a server which asked for a certificate has to reject it. It speaks first in
/// HTTP/2, so that this is over after one round trip.
const REJECTION_WAIT: Duration = Duration::from_secs(1);

/// The largest PEM file in bytes; the authorities of a system take some hundred kilobytes.
const LARGEST_PEM_FILE: u64 = 16 << 20;

/// Whom to trust, and who to be.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of the own certificate and its key, for mutual TLS.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// `true` if any certificate is accepted.
    pub skip_verify: bool,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").field("ca", &self.ca).finish_non_exhaustive()
    }
}

/// Makes connections with these options.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    own: Arc<Own>,
    /// The explanation why no authority is trusted, if so.
    no_authorities: Option<Arc<str>>,
}

/// The own certificate, if there is one, and whether the server has asked for one.
#[derive(Debug)]
struct Own {
    certificate: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl TlsOptions {
    /// Reads the files.
    ///
    /// # Errors
    /// In words, with the file.
    pub(super) fn open(&self) -> Result<Tls, String> {
        let provider = Arc::new(ring::default_provider());
        let certificate = match &self.identity {
            Some((cert, key)) => Some(Arc::new(load_identity(cert, key)?)),
            None => None,
        };
        let own = Arc::new(Own { certificate, asked: AtomicBool::new(false) });
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let mut no_authorities = None;
        let builder = if self.skip_verify {
            let verifier = Arc::new(AnyCertificate::new(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            let authorities = self.load_authorities()?;
            if authorities.is_empty() {
                no_authorities = explain_no_authorities().map(Arc::from);
            }
            builder.with_root_certificates(authorities)
        };
        let mut config = builder.with_client_cert_resolver(Arc::<Own>::clone(&own));
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Tls { config: Arc::new(config), own, no_authorities })
    }

    /// Returns the authorities of the file, or else of the system.
    fn load_authorities(&self) -> Result<RootCertStore, String> {
        let Some(path) = &self.ca else {
            return Ok(load_system_authorities());
        };
        let mut store = RootCertStore::empty();
        for certificate in read_certificates(path)? {
            let unreadable = |error| format!("{}: {error}", quote_word(path));
            store.add(certificate).map_err(unreadable)?;
        }
        Ok(store)
    }
}

fn load_identity(cert: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let chain = read_certificates(cert)?;
    let bytes = read(key)?;
    let parsed = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| format!("{} has no private key in PEM form", quote_word(key)))?;
    CertifiedKey::from_der(chain, parsed, &ring::default_provider()).map_err(|_| {
        format!(
            "the key in {} is not that of the certificate in {}",
            quote_word(key),
            quote_word(cert)
        )
    })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path)?;
    match CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{} has no certificate in PEM form", quote_word(path))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read_whole = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST_PEM_FILE + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > LARGEST_PEM_FILE {
            true => Err(io::Error::other("it is too large for a PEM file")),
            false => Ok(bytes),
        }
    };
    read_whole().map_err(|error| format!("{}: {error}", quote_word(path)))
}

impl Tls {
    /// Returns the same options for one server, which has not asked for a certificate yet.
    pub(super) fn for_one_server(&self) -> Tls {
        let certificate = self.own.certificate.clone();
        let own = Arc::new(Own { certificate, asked: AtomicBool::new(false) });
        let mut config = ClientConfig::clone(&self.config);
        config.client_auth_cert_resolver = Arc::<Own>::clone(&own);
        Tls { config: Arc::new(config), own, no_authorities: self.no_authorities.clone() }
    }

    /// Makes the handshake.
    ///
    /// In TLS 1.3 a server rejects a client's certificate after it, so that its first message is
    /// waited for where it has asked for one: in the midst of a request, that would be a lost
    /// connection without a reason.
    pub(super) async fn connect_tls(
        &self,
        host: &str,
        stream: QuickAck,
    ) -> io::Result<TlsStream<QuickAck>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let has_own = self.own.certificate.is_some();
        let client = Client { has_own, no_authorities: self.no_authorities.as_deref() };
        let explained = |error: io::Error| connect_error::explain_handshake(error, client);
        let mut stream = TlsConnector::from(self.config.clone())
            .connect(name, stream)
            .await
            .map_err(explained)?;
        if self.own.asked.load(Ordering::Relaxed) {
            match timeout(REJECTION_WAIT, stream.fill_buf()).await {
                Ok(Ok([])) => return Err(connect_error::closed_by_server(has_own)),
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(connect_error::closed_by_server(has_own));
                }
                Ok(Err(error)) => return Err(explained(error)),
                Ok(Ok(_)) | Err(_) => {}
            }
        }
        Ok(stream)
    }
}
