//! The faults of single endpoints of a store that has several.

use std::fmt;

/// An endpoint of a store that servers could not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFault {
    /// The address, without secrets.
    pub address: String,
    /// The kind of the fault.
    pub kind: EndpointFaultKind,
}

/// The kind of an endpoint's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointFaultKind {
    /// It does not respond, for this reason, while others do.
    NoResponse(String),
    /// It belongs to another store than the others.
    OtherStore,
}

impl fmt::Display for EndpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndpointFault { address, kind } = self;
        match kind {
            EndpointFaultKind::NoResponse(reason) => {
                write!(f, "{address} does not respond: {reason}")
            }
            EndpointFaultKind::OtherStore => {
                write!(f, "{address} belongs to another store than the first that responds")
            }
        }
    }
}
