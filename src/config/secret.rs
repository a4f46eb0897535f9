//! Values that are never shown.

use std::fmt;
use std::ops::Deref;

use super::section::{REDACTED, without_userinfo};

/// A text that does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Secret(text)
    }

    /// Returns the secret for the one library call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// The URL of a service, which shows itself without the user name and password that it may have.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(String);

impl EndpointUrl {
    pub(super) fn new(text: String) -> Self {
        EndpointUrl(text)
    }
}

impl Deref for EndpointUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", without_userinfo(&self.0))
    }
}

/// The identity for AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsAccess {
    /// The default chain with a named profile of the AWS configuration files.
    Profile(String),
    /// Keys from the TOML.
    Keys {
        /// The public half.
        key_id: String,
        /// The private half.
        secret: Secret,
        /// The session token of temporary keys.
        token: Option<Secret>,
    },
    /// Environment, configuration files, container or instance role.
    DefaultChain,
}
