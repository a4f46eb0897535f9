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
    /// It is a member that serves no reads or writes until it is promoted.
    Learner,
    /// It was added as a member, and has never run.
    NeverStarted,
    /// It is a member that the configuration does not name, and does not respond, for this reason.
    MemberNoResponse(String),
}

impl EndpointFaultKind {
    /// Returns whether the configuration names the endpoint, or may do so.
    pub fn is_of_named_endpoint(&self) -> bool {
        !matches!(self, EndpointFaultKind::NeverStarted | EndpointFaultKind::MemberNoResponse(_))
    }
}

impl fmt::Display for EndpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndpointFault { address, kind } = self;
        match kind {
            EndpointFaultKind::NoResponse(reason) => {
                write!(f, "{address} does not respond: {reason}")
            }
            EndpointFaultKind::Learner => write!(
                f,
                "{address} is a learner: it serves no reads or writes until it is promoted"
            ),
            EndpointFaultKind::NeverStarted => {
                write!(f, "{address} was added to the store and has never started")
            }
            EndpointFaultKind::MemberNoResponse(reason) => {
                write!(f, "{address}, not named in addresses, does not respond from here: {reason}")
            }
            EndpointFaultKind::OtherStore => {
                write!(f, "{address} belongs to another store than the first that responds")
            }
        }
    }
}
