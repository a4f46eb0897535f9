//! The attempts of one write, counted as they are sent: an attempt without an answer may have been carried
//! out, whatever the next one was answered.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::CallError;

/// The number of attempts of one write that were sent.
#[derive(Debug, Default)]
pub struct SentAttempts(AtomicUsize);

impl SentAttempts {
    /// Counts an attempt that is about to be sent.
    pub fn count_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether an attempt before the last one may have been carried out.
    pub fn is_earlier_in_doubt(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }

    /// Returns whether any attempt may have been carried out, for a call that ended with this error.
    pub fn is_in_doubt(&self, error: &CallError) -> bool {
        match error {
            // The last attempt was answered, with a refusal.
            CallError::Permanent(..) => self.is_earlier_in_doubt(),
            CallError::Unavailable(_) | CallError::Untrusted(_) => {
                self.0.load(Ordering::Relaxed) > 0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn attempts_are_in_doubt_unless_the_only_one_was_answered() {
        let lost = CallError::Unavailable("no response".to_owned());
        let refused = CallError::Permanent(Code::PermissionDenied, "token expired".to_owned());
        let attempts = SentAttempts::default();
        assert!(!attempts.is_in_doubt(&lost));
        attempts.count_one();
        assert!(attempts.is_in_doubt(&lost));
        assert!(!attempts.is_in_doubt(&refused) && !attempts.is_earlier_in_doubt());
        attempts.count_one();
        assert!(attempts.is_in_doubt(&refused) && attempts.is_earlier_in_doubt());
    }
}
