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
            let words = describe_status(status);
            match connect_error_of(status) {
                Some(ConnectError::Certificate(_)) => CallFailure::Untrusted(words),
                Some(ConnectError::Protocol(_)) => CallFailure::NotHere(words),
                None if is_foreign(&words) => CallFailure::NotHere(words),
                None => CallFailure::Elsewhere(words),
            }
        }
        // Not this service: another node of the cluster may be behind the next address.
        Code::Unimplemented => CallFailure::NotHere(
            "responds, but has no such service; is this the node's fabric port (5122), not its \
             admin or ingress port?"
                .to_owned(),
        ),
        code => CallFailure::Final(code, describe_status(status)),
    }
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

/// Returns the innermost cause that helps an operator.
fn describe_status(status: &Status) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = status.source();
    let mut deepest = None;
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            return os_words(io);
        }
        deepest = Some(error.to_string());
        cause = error.source();
    }
    let text = deepest.unwrap_or_else(|| status.message().to_owned());
    // A request that is under way when the connection ends gets no more than this.
    if text.contains("closed because of a broken pipe") {
        return "it closed the connection before it responded: it does not speak gRPC, or expects https:// \
                instead of http://"
            .to_owned();
    }
    // What other protocols' answers look like to an HTTP/2 client.
    const FOREIGN: [&str; 5] = [
        "frame with invalid size",
        "http2 error",
        "invalid HTTP version",
        "invalid compression flag",
        "broken pipe",
    ];
    if FOREIGN.iter().any(|sign| text.contains(sign)) {
        return format!("{NO_GRPC} ({text})");
    }
    if text.is_empty() { format!("{:?}", status.code()) } else { text }
}

const NO_GRPC: &str = "does not speak gRPC";

fn is_foreign(words: &str) -> bool {
    // A pipe also breaks where a server goes down.
    words.starts_with(NO_GRPC) && !words.contains("broken pipe")
}

fn os_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::NotFound => "no such socket".to_owned(),
        _ => error.to_string(),
    }
}
