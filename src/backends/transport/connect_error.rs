//! Why no TLS connection came about, in the operator's words. Asking again would not help.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

/// The objection of one side to the other, in TLS or before it.
#[derive(Debug)]
pub(super) struct ConnectError(String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConnectError {}

/// Returns whether an I/O error is a [`ConnectError`].
pub(super) fn is_connect_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ConnectError>())
}

pub(super) fn connect_error(words: impl Into<String>) -> io::Error {
    io::Error::other(ConnectError(words.into()))
}

/// Returns the error of a server that hung up after it had asked for a certificate.
pub(super) fn closed_by_server(has_own: bool) -> io::Error {
    connect_error(match has_own {
        true => "it closed the connection after it had seen this client's certificate",
        false => "it asks for a client certificate, and none was given",
    })
}

/// Returns the error of a server that speaks TLS where it was addressed without.
pub(super) fn speaks_tls() -> io::Error {
    connect_error("it speaks TLS there: write https:// instead of http://")
}

/// Returns the error of a server that hung up before it sent anything.
///
/// It may also be about to start, so that another attempt makes sense.
pub(super) fn hung_up(with_tls: bool) -> io::Error {
    io::Error::other(match with_tls {
        true => "it closes the connection in the TLS handshake: is it http:// instead of https://?",
        false => "it closes the connection at once: does it want TLS, https:// instead of http://?",
    })
}

/// Explains a failed handshake; an error that is not about TLS stays as it is.
pub(super) fn explain_handshake(error: io::Error, has_own: bool) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner.and_then(|inner| describe_tls_error(inner, has_own)) {
        Some(words) => connect_error(words),
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

fn describe_tls_error(error: &rustls::Error, has_own: bool) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(reason) => Some(describe_server_certificate(reason)),
        rustls::Error::AlertReceived(alert) => Some(describe_alert(*alert, has_own)),
        rustls::Error::InvalidMessage(_) => Some(
            "it does not speak TLS there: is it http:// instead of https://, or another port?"
                .to_owned(),
        ),
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
        other => format!("its certificate is not valid: {other}"),
    }
}

/// Returns the name in `DnsName("a.example")`.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

fn describe_alert(alert: AlertDescription, has_own: bool) -> String {
    use AlertDescription::{CertificateExpired, CertificateRequired, DecryptError, UnknownCA};
    match (alert, has_own) {
        (CertificateRequired, _) => {
            "it asks for a client certificate, and none was given".to_owned()
        }
        (alert, false) => format!("it refuses the connection ({alert:?})"),
        (CertificateExpired, true) => {
            "it refuses this client's certificate, which has expired".to_owned()
        }
        (UnknownCA | DecryptError, true) => {
            "it refuses this client's certificate, which is signed by an \
                              authority that it does not trust"
                .to_owned()
        }
        (alert, true) => format!("it refuses this client's certificate ({alert:?})"),
    }
}
