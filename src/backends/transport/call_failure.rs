//! The meaning of a failed gRPC call: its reason, and whether another attempt or server may help.

use std::error::Error;
use std::io;

use tonic::{Code, Status};

use super::connect_error::{ConnectError, find_connect_error};

/// A failed call, by what can be done after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// A failure of this server; another one may respond, or this one later. A write may have been
    /// carried out.
    Elsewhere(String),
    /// A server that can't respond, now or later; another one may.
    NotHere(String),
    /// A server that rejects this client's certificate, or shows one that is not trusted.
    Untrusted(String),
    /// The server refused, and would again.
    Final(Code, String),
}

impl CallFailure {
    /// Returns the reason as text.
    pub fn reason(&self) -> &str {
        match self {
            CallFailure::Elsewhere(reason)
            | CallFailure::NotHere(reason)
            | CallFailure::Untrusted(reason)
            | CallFailure::Final(_, reason) => reason,
        }
    }
}

impl From<CallFailure> for String {
    fn from(failure: CallFailure) -> String {
        failure.reason().to_owned()
    }
}

/// Classifies a failed call.
pub fn classify_status(status: &Status) -> CallFailure {
    match status.code() {
        // A node that lost its way to the metadata servers says Internal, while the next may know
        // it; so does one whose own calls were throttled. A call on a broken connection is Unknown
        // or Cancelled; a transport error also wears these.
        Code::Unavailable
        | Code::Internal
        | Code::Unknown
        | Code::Cancelled
        | Code::Aborted
        | Code::DeadlineExceeded
        | Code::ResourceExhausted => {
            let Description { text, is_foreign } = describe_status(status);
            match connect_error_of(status) {
                Some(ConnectError::Certificate(_)) => CallFailure::Untrusted(text),
                Some(ConnectError::Protocol(_) | ConnectError::TlsExpected) => {
                    CallFailure::NotHere(text)
                }
                Some(ConnectError::HungUp) => CallFailure::Elsewhere(text),
                None if is_foreign => CallFailure::NotHere(text),
                None => CallFailure::Elsewhere(text),
            }
        }
        // Not this service: another node of the cluster may be behind the next address.
        Code::Unimplemented => CallFailure::NotHere(
            "responds, but has no such service; is this the node's fabric port (5122), not its \
             admin or ingress port?"
                .to_owned(),
        ),
        code => CallFailure::Final(code, describe_status(status).text),
    }
}

/// Returns whether the call failed because the server expects TLS.
pub fn is_tls_expected(status: &Status) -> bool {
    matches!(connect_error_of(status), Some(ConnectError::TlsExpected))
}

/// Returns whether the call failed because the server closed the connection before it responded.
pub fn is_hung_up(status: &Status) -> bool {
    matches!(connect_error_of(status), Some(ConnectError::HungUp))
        || innermost_cause(status).is_err_and(|text| is_broken_pipe(&text))
}

/// The client library has no type for a request whose connection ended, only this text.
fn is_broken_pipe(text: &str) -> bool {
    text.contains("closed because of a broken pipe")
}

/// Returns the reason why no connection was made, if that is the cause.
fn connect_error_of(status: &Status) -> Option<&ConnectError> {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<io::Error>().and_then(find_connect_error) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The cause of a failed call.
struct Description {
    text: String,
    /// `true` if the server speaks another protocol, so that another attempt would not help.
    is_foreign: bool,
}

/// Describes the innermost cause that helps an operator.
fn describe_status(status: &Status) -> Description {
    let text = match innermost_cause(status) {
        Ok(cause) => return Description { text: describe_os_error(cause), is_foreign: false },
        Err(text) => text,
    };
    // A request that is under way when the connection ends gets no more than this.
    if is_broken_pipe(&text) {
        let text = "it closed the connection before it responded: it does not speak gRPC, or expects https:// \
                    instead of http://";
        return Description { text: text.to_owned(), is_foreign: false };
    }
    // The client library has no type for the answers of other protocols, only these texts.
    const FOREIGN: [&str; 4] = [
        "frame with invalid size",
        "http2 error",
        "invalid HTTP version",
        "invalid compression flag",
    ];
    let is_foreign = FOREIGN.iter().any(|sign| text.contains(sign));
    // A pipe also breaks where a server goes down.
    let has_broken_pipe = text.contains("broken pipe");
    let text = match text.as_str() {
        _ if is_foreign || has_broken_pipe => format!("does not speak gRPC ({text})"),
        "" => format!("{:?}", status.code()),
        _ => text,
    };
    Description { text, is_foreign: is_foreign && !has_broken_pipe }
}

/// Returns the error of the operating system that caused the status, else the innermost text.
fn innermost_cause(status: &Status) -> Result<&io::Error, String> {
    let mut cause: Option<&(dyn Error + 'static)> = status.source();
    let mut deepest = None;
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            return Ok(io);
        }
        deepest = Some(error.to_string());
        cause = error.source();
    }
    Err(deepest.unwrap_or_else(|| status.message().to_owned()))
}

fn describe_os_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::NotFound => "no such socket".to_owned(),
        _ => error.to_string(),
    }
}
