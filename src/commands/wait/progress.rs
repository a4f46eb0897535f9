//! What is waited for, as the operator sees it, and what was seen last.

use std::cell::RefCell;

use crate::commands::status::join_reasons;
use crate::events::{Event, EventSink};
use crate::outcome::StatusResult;

/// The progress of a wait.
pub(super) struct WaitProgress<'a> {
    condition: &'static str,
    events: &'a dyn EventSink,
    last: RefCell<StatusResult>,
}

impl<'a> WaitProgress<'a> {
    /// Begins a wait for this condition.
    pub(super) fn new(condition: &'static str, events: &'a dyn EventSink) -> Self {
        let nothing = vec!["no node has responded yet".to_owned()];
        let last = StatusResult { reasons: nothing, ..StatusResult::default() };
        WaitProgress { condition, events, last: RefCell::new(last) }
    }

    /// Reports what is seen now.
    pub(super) fn set_last(&self, result: StatusResult) {
        if !result.reasons.is_empty() {
            let (condition, reasons) = (self.condition, join_reasons(&result.reasons));
            self.events.emit(Event::Awaiting { condition, reasons: &reasons });
        }
        *self.last.borrow_mut() = result;
    }

    /// Reports that no node responds, and keeps what was known of them.
    pub(super) fn set_unreachable(&self, reason: &str) {
        let last = self.last.borrow().clone();
        let reasons = vec![reason.to_owned()];
        self.set_last(StatusResult { reasons, cluster: last.cluster, ..StatusResult::default() });
    }

    /// Prints a warning.
    pub(super) fn warn(&self, text: &str) {
        self.events.emit(Event::Warning(text));
    }

    /// Ends the wait.
    pub(super) fn end(&self) {
        self.events.emit(Event::Awaited);
    }

    /// Returns what was seen last.
    pub(super) fn into_last(self) -> StatusResult {
        self.last.into_inner()
    }
}
