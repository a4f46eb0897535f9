//! The credentials of a client, as the library finds them: within a time, fit for a request, and where there
//! are none, with what was tried and what to do.
//!
//! The library's own texts are not used where it advises its callers' programmers: about features of crates.

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::super::transport::{TlsFault, find_tls_fault};
use super::fault::innermost_cause;
use super::http_client::add_trust_advice;
use super::identity_source::{self, IdentitySource};
use crate::config::AwsAccess;

/// The most time in which credentials are found: several services may be asked for them.
const CREDENTIALS_WAIT: Duration = Duration::from_secs(10);

/// Returns the time in which credentials or a region are found, if one attempt of a request has this time.
pub(super) fn wait_within(request: Duration) -> Duration {
    CREDENTIALS_WAIT.min(request.mul_f64(0.8))
}

/// The time for which a failure counts: a command that repeats itself asks again after it.
const FAILURE_TIME: Duration = Duration::from_secs(30);

/// Finds credentials as another provider does, and checks them.
#[derive(Debug)]
pub(super) struct CheckedCredentials {
    found: SharedCredentialsProvider,
    access: AwsAccess,
    wait: Duration,
    /// The last failure: what is asked next fails at once, and does not wait as long again.
    failure: Mutex<Option<(Instant, String)>>,
}

impl CheckedCredentials {
    /// Creates a provider that is done before one attempt of a request is given up.
    pub(super) fn new(
        found: SharedCredentialsProvider,
        access: &AwsAccess,
        request: Duration,
    ) -> CheckedCredentials {
        let (access, wait) = (access.clone(), wait_within(request));
        CheckedCredentials { found, access, wait, failure: Mutex::default() }
    }

    async fn load(&self) -> provider::Result {
        // Held meanwhile, so that requests that begin together ask once.
        let mut failure = self.failure.lock().await;
        let known = failure.as_ref().filter(|(when, _)| when.elapsed() < FAILURE_TIME);
        if let Some((_, reason)) = known {
            return Err(CredentialsError::provider_error(reason.clone()));
        }
        let loaded = self.load_once().await;
        *failure = loaded.as_ref().err().map(|reason| (Instant::now(), reason.clone()));
        loaded.map_err(CredentialsError::provider_error)
    }

    async fn load_once(&self) -> Result<Credentials, String> {
        match timeout(self.wait, self.found.provide_credentials()).await {
            Ok(Ok(found)) => check_characters(found),
            Ok(Err(error)) => Err(self.explain(&error).await),
            Err(_) => {
                let source = identity_source::find_source(&self.access).await;
                let seconds = self.wait.as_secs_f64();
                Err(with_advice(format!("{source} did not respond within {seconds} s"), &source))
            }
        }
    }

    /// Explains why there are none.
    async fn explain(&self, error: &CredentialsError) -> String {
        let source = identity_source::find_source(&self.access).await;
        let reason = match (error, &source) {
            // Each source in turn had nothing to say.
            (CredentialsError::CredentialsNotLoaded(_), IdentitySource::Instance) => {
                let tried = identity_source::describe_all_tried(&self.access).await;
                format!("none were found in {tried}")
            }
            (_, source) if source.is_complete() => source.to_string(),
            (CredentialsError::CredentialsNotLoaded(_), source) => format!("{source}: none"),
            (_, source) => format!("{source}: {}", describe_cause(error)),
        };
        with_advice(reason, &source)
    }
}

/// Describes why a source failed; those of a service account, a role or an SSO session are asked for by TLS.
fn describe_cause(error: &CredentialsError) -> String {
    match find_tls_fault(error) {
        Some(TlsFault::Certificate(reason)) => {
            format!("the server that issues them: {}", add_trust_advice(reason))
        }
        Some(TlsFault::Protocol(_)) | None => innermost_cause(error).trim().to_owned(),
    }
}

fn with_advice(reason: String, source: &IdentitySource) -> String {
    match source.advice() {
        Some(advice) => format!("{reason}; {advice}"),
        None => reason,
    }
}

impl ProvideCredentials for CheckedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

/// Checks the characters of keys, which often come from files with a newline at their end.
///
/// The library panics where a key id can't be in a header; so does the server. It signs with any secret, and
/// a store may even have been given the same one.
fn check_characters(found: Credentials) -> Result<Credentials, String> {
    if !is_key_id(found.access_key_id()) {
        let reason = "the AWS access key id has a newline, or another character that can't be sent: remove it, \
                      from the servers' configuration too (a Restate server panics)";
        return Err(reason.to_owned());
    }
    for (name, key) in
        [("access key id", found.access_key_id()), ("secret access key", found.secret_access_key())]
    {
        if key.trim() != key || key.contains(char::is_control) {
            tracing::warn!(
                "the AWS {name} has a newline or a space at its start or end, which counts as part of it; \
                 most stores then do not accept it"
            );
        }
    }
    Ok(found)
}

/// Returns whether the text can be sent as an access key id, in a header.
fn is_key_id(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_id_that_no_header_can_have_is_refused() {
        for (text, is_one) in
            [("AKIA1", true), ("a+/=b", true), ("AKIA1\n", false), (" AKIA1", true), ("é", false)]
        {
            assert_eq!(is_key_id(text), is_one, "{text:?}");
            let found = Credentials::new(text, "secret\n", None, None, "test");
            assert_eq!(check_characters(found).is_ok(), is_one, "{text:?}");
        }
    }
}
