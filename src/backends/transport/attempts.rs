//! The failed attempts of one call on several servers, and the error that they make together.

use tonic::Code;

use super::CallFailure;
use super::server::Server;

/// The end of a call that no server carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No server could respond in time; the reason of each.
    Unavailable(String),
    /// The same, where a certificate was rejected on either side.
    Untrusted(String),
    /// One of them refused, and would again.
    Permanent(Code, String),
}

/// The failed attempts of one call.
pub(super) struct Attempts {
    count: u32,
    /// The latest failure of each server that has failed.
    failures: Vec<Option<CallFailure>>,
    /// `true` for each server that can't respond, now or later.
    hopeless: Vec<bool>,
    /// `true` if this call's delay has been reported.
    is_reported: bool,
}

impl Attempts {
    /// Starts a call on so many servers.
    pub(super) fn new(servers: usize) -> Self {
        let (failures, hopeless) = (vec![None; servers], vec![false; servers]);
        Attempts { count: 0, failures, hopeless, is_reported: false }
    }

    /// Adds the failure of the server at this place in the list.
    pub(super) fn add_failure(&mut self, index: usize, failure: CallFailure) {
        self.count += 1;
        if let (Some(slot), false) =
            (self.hopeless.get_mut(index), matches!(failure, CallFailure::Elsewhere(_)))
        {
            *slot = true;
        }
        if let Some(slot) = self.failures.get_mut(index) {
            *slot = Some(failure);
        }
    }

    /// Returns the number of failed attempts.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Returns whether this call's delay has been reported.
    pub(super) fn is_reported(&self) -> bool {
        self.is_reported
    }

    /// Returns whether to report the delay: for the first time, and then ever less often.
    pub(super) fn is_report_due(&mut self, is_first: bool) -> bool {
        self.is_reported = self.is_reported || is_first;
        is_first || self.is_reported && self.count.is_power_of_two()
    }

    /// Returns whether every server has failed.
    pub(super) fn have_all_failed(&self) -> bool {
        self.failures.iter().all(Option::is_some)
    }

    /// Returns whether no server can respond, now or later.
    pub(super) fn is_hopeless(&self) -> bool {
        self.hopeless.iter().all(|hopeless| *hopeless)
    }

    /// Describes the latest failure of each server.
    pub(super) fn describe_reasons(&self, servers: &[Server]) -> String {
        let described = servers.iter().zip(&self.failures).filter_map(|(server, failure)| {
            let failure = failure.as_ref()?;
            Some(format!("{}: {}", server.address, failure.reason()))
        });
        described.collect::<Vec<_>>().join("; ")
    }

    /// Returns the end of the call.
    pub(super) fn into_error(self, servers: &[Server]) -> CallError {
        let reasons = self.describe_reasons(servers);
        let mut latest = self.failures.iter().flatten();
        match latest.any(|failure| matches!(failure, CallFailure::Untrusted(_))) {
            true => CallError::Untrusted(reasons),
            false => CallError::Unavailable(reasons),
        }
    }
}
