//! The reasons why no TLS connection was made. Another attempt would not help.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

use super::authorities::explain_no_authorities;

/// The objection of one side to the other, in TLS or before it.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// One side rejects the other's certificate, or misses one.
    Certificate(String),
    /// One side speaks TLS, and the other does not.
    Protocol(String),
    /// The server speaks TLS, and was addressed without.
    TlsExpected,
    /// The server closed a connection without TLS before it sent anything.
    HungUp,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Certificate(reason) | ConnectError::Protocol(reason) => {
                f.write_str(reason)
            }
            ConnectError::HungUp => f.write_str(
                "it closes the connection at once: does it expect TLS, https:// instead of http://?",
            ),
            ConnectError::TlsExpected => {
                f.write_str("it speaks TLS there: write https:// instead of http://")
            }
        }
    }
}

impl Error for ConnectError {}

/// Returns the [`ConnectError`] that an I/O error carries.
pub(super) fn find_connect_error(error: &io::Error) -> Option<&ConnectError> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<ConnectError>())
}

/// Returns the error of a peer that is expected to speak another protocol.
pub(super) fn protocol_error(reason: impl Into<String>) -> io::Error {
    io::Error::other(ConnectError::Protocol(reason.into()))
}

/// Returns the error of a server that hung up after it had asked for a certificate.
pub(super) fn closed_by_server(has_own: bool) -> io::Error {
    let reason = match has_own {
        true => "it closed the connection after it had seen this client's certificate",
        false => "it requires a client certificate, and none was given",
    };
    io::Error::other(ConnectError::Certificate(reason.to_owned()))
}

/// Returns the error of a server that speaks TLS where it was addressed without.
pub(super) fn speaks_tls() -> io::Error {
    io::Error::other(ConnectError::TlsExpected)
}

/// Returns the error of a server that hung up before it sent anything.
///
/// It may also be about to start, so that another attempt makes sense.
pub(super) fn hung_up(with_tls: bool) -> io::Error {
    match with_tls {
        true => io::Error::other(
            "it closes the connection in the TLS handshake: is it http:// instead of https://?",
        ),
        false => io::Error::other(ConnectError::HungUp),
    }
}

/// The objection of a failed handshake of another library, in words.
#[derive(Debug)]
pub(in super::super) enum TlsFault {
    /// The server's certificate is not accepted.
    Certificate(String),
    /// One side does not speak TLS as the other does.
    Protocol(String),
}

/// What the client of a handshake has.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    /// `true` if it has a certificate of its own.
    pub(super) has_own: bool,
    /// The explanation why it trusts no authority, if so.
    pub(super) no_authorities: Option<&'a str>,
}

/// Finds an error of TLS among the causes of another library's error.
pub(in super::super) fn find_tls_fault(error: &(dyn Error + 'static)) -> Option<TlsFault> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            let no_authorities = explain_no_authorities();
            let client = Client { has_own: false, no_authorities: no_authorities.as_deref() };
            return match describe_tls_error(tls, client)? {
                ConnectError::Certificate(reason) => Some(TlsFault::Certificate(reason)),
                ConnectError::Protocol(reason) => Some(TlsFault::Protocol(reason)),
                ConnectError::TlsExpected | ConnectError::HungUp => None,
            };
        }
        // What an I/O error carries is not its source, but has its source.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

/// Explains a failed handshake; an error that is not about TLS stays as it is.
pub(super) fn explain_handshake(error: io::Error, client: Client<'_>) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner.and_then(|inner| describe_tls_error(inner, client)) {
        Some(explained) => io::Error::other(explained),
        // Whether it hangs up before or after it has read what was sent is chance.
        None if matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        ) =>
        {
            hung_up(true)
        }
        None => error,
    }
}

fn describe_tls_error(error: &rustls::Error, client: Client<'_>) -> Option<ConnectError> {
    use ConnectError::{Certificate, Protocol};
    match error {
        rustls::Error::InvalidCertificate(reason) => {
            Some(Certificate(match client.no_authorities {
                // Whatever else is wrong with it, it could not be trusted.
                Some(why) => format!("its certificate can't be verified: {why}"),
                None => describe_server_certificate(reason),
            }))
        }
        rustls::Error::AlertReceived(alert) => Some(describe_alert(*alert, client.has_own)),
        rustls::Error::InvalidMessage(_) => Some(Protocol(
            "it does not speak TLS there: is it http:// instead of https://, or another port?"
                .to_owned(),
        )),
        _ => None,
    }
}

fn describe_server_certificate(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by an authority that is not trusted here".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock right?".to_owned()
        }
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is not for {} but for {}",
            expected.to_str(),
            presented.iter().map(|name| bare_name(name)).collect::<Vec<_>>().join(", ")
        ),
        CertificateError::Other(error) => format!("its certificate is not valid: {}", error.0),
        other => format!("its certificate is not valid: {other}"),
    }
}

/// Returns the name in `DnsName("a.example")`.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

fn describe_alert(alert: AlertDescription, has_own: bool) -> ConnectError {
    use AlertDescription::{CertificateExpired, CertificateRequired, DecryptError, UnknownCA};
    ConnectError::Certificate(match (alert, has_own) {
        (CertificateRequired, _) => {
            "it requires a client certificate, and none was given".to_owned()
        }
        (alert, false) => {
            return ConnectError::Protocol(format!("it refuses the connection ({alert:?})"));
        }
        (CertificateExpired, true) => {
            "it rejects this client's certificate, which has expired".to_owned()
        }
        (UnknownCA | DecryptError, true) => {
            "it rejects this client's certificate, which is signed by an \
                              authority that it does not trust"
                .to_owned()
        }
        (alert, true) => format!("it rejects this client's certificate ({alert:?})"),
    })
}
