//! The errors of a store, named by what they mean for the operator.

use thiserror::Error;

use super::key::Key;
use crate::wording::join_first;

/// A failed operation on one store. The message completes "failed to …" and names the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store is unreachable, or did not respond in time or intelligibly.
    #[error("{store} can't be reached: {reason}")]
    Unavailable {
        /// The store, or the one address of it that was asked.
        store: String,
        /// Why, for each address that was tried.
        reason: String,
    },
    /// No server responded, and one side rejects the other's certificate.
    #[error("{store} can't be reached: {reason}")]
    Untrusted {
        /// The store.
        store: String,
        /// The rejection, for each address that was tried.
        reason: String,
    },
    /// The store responds, and has lost the majority that it needs to read or write.
    #[error("{store} has no quorum: {reason}")]
    NoQuorum {
        /// The store.
        store: String,
        /// The members that respond and those that do not.
        reason: String,
    },
    /// The store responds, and denies the operation.
    #[error("{store}: access denied: {reason}")]
    Denied {
        /// The store.
        store: String,
        /// The store's own message.
        reason: String,
    },
    /// The store accepts no more data.
    #[error("{store} is full: {reason}")]
    Full {
        /// The store.
        store: String,
        /// The store's own message.
        reason: String,
    },
    /// The store is asked for more than its capacity, for as long as retries are made. Nothing was carried
    /// out.
    #[error("{store} has not enough capacity: {reason}")]
    Throttled {
        /// The store.
        store: String,
        /// The capacity that is exceeded, with the store's own message.
        reason: String,
    },
    /// The request, or what it asks for, is larger than the store or this program takes.
    #[error("{store}: limit exceeded: {reason}")]
    TooLarge {
        /// The store.
        store: String,
        /// The store's own message.
        reason: String,
    },
    /// A precondition did not hold: these keys are not as they were read.
    #[error("{store} was changed by another writer in the meantime: {}", join_first(keys.iter().map(Key::to_string)))]
    Conflict {
        /// The store.
        store: String,
        /// The keys that are not as the write required.
        keys: Vec<Key>,
    },
    /// An answer that can't be right, such as a listing that does not progress: what it leaves out is not
    /// known.
    #[error("{store} gave an answer that can't be used: {reason}")]
    Unusable {
        /// The store.
        store: String,
        /// The fault of the answer.
        reason: String,
    },
    /// The store ignores or rejects the conditions of writes, without which nothing is written.
    #[error("{store} does not handle conditional writes as Restate needs them: {reason}")]
    Unconditional {
        /// The store.
        store: String,
        /// The behaviour that was seen.
        reason: String,
    },
    /// Several addresses that can't belong together, or none that can be used.
    #[error("{0}")]
    Usage(String),
    /// A process holds the files of the store open.
    #[error("{store} is in use: {reason}")]
    InUse {
        /// The store.
        store: String,
        /// Who uses it.
        reason: String,
    },
    /// The files of the store are damaged, or not of a form that is known.
    #[error("{store} is damaged, or not understood: {reason}")]
    Damaged {
        /// The store.
        store: String,
        /// The file, the offset and the fault.
        reason: String,
    },
    /// The files are those of a server that is not a member of the replicated store.
    #[error("{store} can't be used: {reason}")]
    NotAMember {
        /// The store.
        store: String,
        /// What the server is.
        reason: String,
    },
    /// An answer that this program does not understand.
    #[error("{store} answered: {reason}")]
    Other {
        /// The store.
        store: String,
        /// The store's own message.
        reason: String,
    },
}

/// Turns a denial into `None`, for a question that Restate itself never asks.
pub(crate) fn unless_denied<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(StoreError::Denied { store, reason }) => {
            tracing::info!(store, reason, "continues without it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
