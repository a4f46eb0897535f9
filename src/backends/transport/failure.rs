//! What a failed gRPC call means: whether it may be asked again, and why it failed in words.

use std::error::Error;
use std::io;

use tonic::{Code, Status};

/// What can be done after a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This server could not answer; another one may, or this one later. A write may have happened.
    Elsewhere(String),
    /// The server refused, and would again.
    Final(Code, String),
}

impl Failure {
    /// In words.
    pub fn reason(&self) -> &str {
        match self {
            Failure::Elsewhere(reason) | Failure::Final(_, reason) => reason,
        }
    }
}

/// Sorts a failed call.
pub fn classify(status: &Status) -> Failure {
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
        | Code::ResourceExhausted => Failure::Elsewhere(words(status)),
        // Not this service: another node of the cluster may be behind the next address.
        Code::Unimplemented => Failure::Elsewhere(
            "answers, but has no such service; is this the node's fabric port (5122), not its \
             admin or ingress port?"
                .to_owned(),
        ),
        code => Failure::Final(code, words(status)),
    }
}

/// The innermost cause that says something to an operator.
fn words(status: &Status) -> String {
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
    // What other protocols' answers look like to an HTTP/2 client.
    const FOREIGN: [&str; 5] = [
        "frame with invalid size",
        "http2 error",
        "invalid HTTP version",
        "invalid compression flag",
        "broken pipe",
    ];
    if FOREIGN.iter().any(|sign| text.contains(sign)) {
        return format!("does not speak gRPC, or not any more ({text})");
    }
    if text.is_empty() { format!("{:?}", status.code()) } else { text }
}

fn os_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::NotFound => "no such socket".to_owned(),
        _ => error.to_string(),
    }
}
