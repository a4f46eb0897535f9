//! Failures that mean the same for every AWS service.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::super::transport::{TlsFault, find_tls_fault};
use super::answer_limit::AnswerTooLarge;
use super::http_client::add_trust_advice;
use crate::model::StoreError;
use crate::userinfo::hide_userinfo;

/// Why one attempt of a request failed.
#[derive(Debug)]
pub(in super::super) enum AwsError {
    /// The request may be repeated. It is not known whether it was carried out.
    Retryable(String),
    /// The same where nothing at all was heard.
    NoResponse(String),
    /// The request may be repeated: it was certainly not carried out.
    NotExecuted(String),
    Permanent(StoreError),
}

impl AwsError {
    /// Returns the reason as text.
    pub(in super::super) fn describe_error(&self) -> String {
        match self {
            AwsError::Retryable(reason)
            | AwsError::NoResponse(reason)
            | AwsError::NotExecuted(reason) => reason.clone(),
            AwsError::Permanent(error) => error.to_string(),
        }
    }
}

/// Classifies a request that the service did not answer, or that was never sent; `store` is the
/// name in messages.
pub(in super::super) fn classify_missing_answer<E>(
    store: &str,
    error: &SdkError<E, HttpResponse>,
) -> AwsError
where
    E: Error + 'static,
{
    let store = store.to_owned();
    if let Some(reason) = credentials_fault(error) {
        let reason = format!("there are no AWS credentials: {reason}");
        return AwsError::Permanent(StoreError::Denied { store, reason });
    }
    if let Some(fault) = find_tls_fault(error) {
        return AwsError::Permanent(match fault {
            TlsFault::Certificate(reason) => {
                StoreError::Untrusted { store, reason: add_trust_advice(reason) }
            }
            TlsFault::Protocol(reason) => StoreError::Unavailable { store, reason },
        });
    }
    if let Some(fault) = find_cause::<AnswerTooLarge>(error) {
        let reason = fault.to_string();
        return AwsError::Permanent(StoreError::Unusable { store, reason });
    }
    match error {
        SdkError::ConstructionFailure(_) => {
            AwsError::Permanent(StoreError::Other { store, reason: innermost_cause(error) })
        }
        SdkError::ResponseError(_) => AwsError::Retryable(innermost_cause(error)),
        _ => AwsError::NoResponse(innermost_cause(error)),
    }
}

/// Returns whether a request that failed so was certainly not carried out: it was answered with an error, or never
/// sent. An answer that can't be read may have been any.
pub(in super::super) fn is_certainly_refused<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(service) => !service.raw().status().is_success(),
        _ => {
            credentials_fault(error).is_some()
                || matches!(find_tls_fault(error), Some(TlsFault::Certificate(_)))
        }
    }
}

/// The most characters of a service's message, or code, that are shown.
const MOST_SHOWN: usize = 500;

/// Formats a service's error as code and message.
///
/// Of both only the first line is shown: some services repeat below it what they were sent, with the session token.
pub(in super::super) fn describe_error(code: &str, message: &str) -> String {
    match (first_line(code), first_line(message)) {
        (code, message) if code.is_empty() && message.is_empty() => "no error code".to_owned(),
        (code, message) if message.is_empty() => code,
        (code, message) if code.is_empty() => message,
        (code, message) => format!("{code}: {message}"),
    }
}

fn first_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", line.split_at(end).0),
        None => line.to_owned(),
    }
}

/// Formats the answer of a service as status, code and message, any of which a gateway may leave out.
pub(in super::super) fn describe_answer(status: u16, code: &str, message: &str) -> String {
    let words = http::StatusCode::from_u16(status).ok().and_then(|one| one.canonical_reason());
    match (code, message, words) {
        ("", "", Some(words)) => format!("{status} {words}, without an error code"),
        ("", "", None) => format!("{status}, without an error code"),
        _ => format!("{status} {}", describe_error(code, message)),
    }
}

/// Classifies a service's error that means the same for every service: a clock that is wrong, and
/// credentials that are not accepted. `store` is the name in messages.
pub(in super::super) fn classify_rejected_identity(
    store: &str,
    code: &str,
    message: &str,
) -> Option<StoreError> {
    let error = describe_error(code, message);
    let reason = if is_clock_error(code, message) {
        format!("this machine's clock is too far from the store's; set it right ({error})")
    } else if are_credentials_rejected(code) {
        format!("the AWS credentials are not accepted ({error})")
    } else {
        return None;
    };
    Some(StoreError::Denied { store: store.to_owned(), reason })
}

/// Returns whether the code means that the credentials are unknown.
fn are_credentials_rejected(code: &str) -> bool {
    matches!(
        code,
        "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "ExpiredTokenException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidClientTokenId"
    )
}

/// Returns whether the two clocks are too far apart.
fn is_clock_error(code: &str, message: &str) -> bool {
    let by_words = ["Signature expired", "Signature not yet current"];
    code == "RequestTimeTooSkewed"
        || (code == "InvalidSignatureException"
            && by_words.iter().any(|words| message.starts_with(words)))
}

fn credentials_fault(error: &(dyn Error + 'static)) -> Option<String> {
    find_cause::<CredentialsError>(error).map(|error| innermost_cause(error))
}

/// Finds the cause of this type.
fn find_cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Returns the innermost cause, which helps an operator most. Causes quote addresses as they are.
pub(in super::super) fn innermost_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    hide_userinfo(&innermost.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_message_is_shown_and_not_more_than_a_screen() {
        let refused = "the signature does not match.\n\nThe Canonical String should have been\n\
                       'x-amz-security-token:s3cr3t'";
        assert_eq!(describe_error("Code", refused), "Code: the signature does not match.");
        assert_eq!(describe_error("", "\n  late"), "late");
        assert_eq!(describe_error("Code", "\n"), "Code");
        assert_eq!(describe_error("", ""), "no error code");
        let long = describe_error("", &"é".repeat(1 << 20));
        assert_eq!(long.chars().count(), MOST_SHOWN + 1);
    }
}
