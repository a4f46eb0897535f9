//! Where the access to an AWS store came from, for those who have to give servers the same.

/// The source of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The `[metadata-client]` section.
    File,
    /// This profile of the AWS configuration files.
    Profile(String),
    /// This environment variable.
    Variable(&'static str),
    /// What the SDK finds by itself: default profile, container or instance role.
    DefaultChain,
    /// Nothing: the service's own.
    Service,
}

/// The sources of identity, region and endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AccessOrigins {
    pub identity: Origin,
    pub region: Origin,
    pub endpoint: Origin,
}
