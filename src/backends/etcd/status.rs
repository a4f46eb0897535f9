//! The meaning of etcd's failures, and of the answers of servers that are not etcd.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use tonic::{Code, Status};

use super::super::transport::{self, CallFailure};

/// What a failed request means for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The request, or its answer, is larger than one side accepts.
    TooLarge,
    /// A transaction has more operations than this etcd accepts.
    TooManyOps,
    /// The database has reached its quota.
    Full,
    /// The request lacks credentials, which a configuration can't have.
    NoCredentials,
    /// The request is denied.
    Denied,
    /// The member is a learner, which serves no such request.
    Learner,
    Other,
}

/// Classifies an error of etcd, which uses one code for several causes and distinguishes them only
/// by text.
pub(super) fn classify_message(code: Code, reason: &str) -> Meaning {
    let says = |words: &str| reason.contains(words);
    match code {
        Code::InvalidArgument | Code::ResourceExhausted
            if says("request is too large") || says("larger than max") =>
        {
            Meaning::TooLarge
        }
        // The client library's own error, for an answer that is too large: etcd uses this code only for
        // revisions, which no request here names.
        Code::OutOfRange => Meaning::TooLarge,
        Code::InvalidArgument if says("too many operations") => Meaning::TooManyOps,
        Code::ResourceExhausted if says("space exceeded") => Meaning::Full,
        Code::InvalidArgument if says("user name is empty") || says("authentication") => {
            Meaning::NoCredentials
        }
        Code::PermissionDenied | Code::Unauthenticated => Meaning::Denied,
        Code::Unavailable if says("not supported for learner") => Meaning::Learner,
        _ => Meaning::Other,
    }
}

/// Classifies a failed call by what can be done after it.
pub(super) fn classify_status(status: &Status) -> CallFailure {
    if transport::is_tls_expected(status) {
        return CallFailure::NotHere(TLS_EXPECTED.to_owned());
    }
    if transport::is_hung_up(status) {
        return CallFailure::Elsewhere("it closed the connection before it responded".to_owned());
    }
    if let Some(answer) = http_answer_of(status) {
        let text = answer.to_string();
        // What a proxy says of a server behind it that may come back.
        return match answer.0 {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS => CallFailure::Elsewhere(text),
            _ => CallFailure::NotHere(format!("{text}: {NOT_ETCD}")),
        };
    }
    match (status.code(), classify_message(status.code(), status.message())) {
        (Code::Unimplemented, _) => {
            CallFailure::NotHere(format!("responds as unimplemented: {NOT_ETCD}"))
        }
        (_, Meaning::Learner) => CallFailure::NotHere(LEARNER.to_owned()),
        (_, Meaning::Other) => transport::classify_status(status),
        (code, Meaning::NoCredentials) => CallFailure::Final(code, AUTHENTICATION.to_owned()),
        (code, _) => CallFailure::Final(code, status.message().to_owned()),
    }
}

const TLS_EXPECTED: &str = "it expects TLS, and Restate reaches etcd without: have it listen at an http:// URL as \
                            well (--listen-client-urls), or use another store";

const NOT_ETCD: &str = "it is not an etcd; is this its client port, by default 2379? The port of a Restate node \
                        belongs in a section of type \"replicated\"";

const LEARNER: &str =
    "it is a learner, which serves reads and writes only once it is promoted to a voting member";

/// The reason of a request without credentials; [`classify_message`] recognizes it.
const AUTHENTICATION: &str = "it requires authentication, and Restate has no credentials for etcd";

/// An answer that is not one of gRPC: its HTTP status.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpAnswer(pub(super) StatusCode);

impl fmt::Display for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "responds with HTTP status {}", self.0.as_u16())
    }
}

impl Error for HttpAnswer {}

fn http_answer_of(status: &Status) -> Option<HttpAnswer> {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(answer) = error.downcast_ref::<HttpAnswer>() {
            return Some(*answer);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_of_etcd_has_its_meaning() {
        for (code, message, meaning) in [
            (Code::InvalidArgument, "etcdserver: request is too large", Meaning::TooLarge),
            (
                Code::InvalidArgument,
                "etcdserver: too many operations in txn request",
                Meaning::TooManyOps,
            ),
            (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded", Meaning::Full),
            (Code::InvalidArgument, "etcdserver: user name is empty", Meaning::NoCredentials),
            (Code::InvalidArgument, AUTHENTICATION, Meaning::NoCredentials),
            (Code::PermissionDenied, "etcdserver: permission denied", Meaning::Denied),
            (Code::Unavailable, "etcdserver: rpc not supported for learner", Meaning::Learner),
            (Code::Unavailable, "etcdserver: no leader", Meaning::Other),
        ] {
            assert_eq!(classify_message(code, message), meaning, "{message}");
        }
    }

    #[test]
    fn http_status_of_a_proxy_is_tried_again_and_others_are_final() {
        let classify = |status| classify_status(&Status::from_error(Box::new(HttpAnswer(status))));
        assert!(matches!(classify(StatusCode::SERVICE_UNAVAILABLE), CallFailure::Elsewhere(_)));
        assert!(matches!(classify(StatusCode::NOT_FOUND), CallFailure::NotHere(_)));
    }
}
