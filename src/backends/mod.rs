//! The stores, behind two traits: a [`Source`] is read, a [`Target`] is also written. A source is
//! opened as a reader, so that writing to it does not compile.
//!
//! What a vendor does differently ends here: batches, limits and how much concurrency is good are
//! a backend's own knowledge and are declared through the traits.

mod aws;
pub mod backup;
pub mod cluster;
pub mod dynamo_db;
pub mod etcd;
pub mod memory;
pub mod object_store;
mod request;
pub mod transport;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use prost::bytes::Bytes;

use crate::model::{
    CasToken, Change, ConditionalWrites, Entry, Key, LimitViolation, Snapshot, StoreError, Value,
    Version,
};

/// How to read from a store without hurting it or waiting for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The most keys of one [`Source::read`].
    pub keys: usize,
    /// How many reads at once.
    pub concurrency: usize,
}

/// How to write to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    /// The most changes of one [`Target::write`].
    pub keys: usize,
    /// The most bytes of one, as [`Change::size`] counts them. A larger single change goes alone.
    pub bytes: usize,
    /// How many writes at once.
    pub concurrency: usize,
    /// Whether a [`Target::write`] of many changes happens as a whole or not at all.
    pub atomic: bool,
}

/// How the operator wants requests to be made.
#[derive(Clone, Copy, Debug)]
pub struct RequestOptions {
    /// For one of them.
    pub timeout: Duration,
    /// The most at once, if that is to be less than what is good for the store.
    pub max_concurrency: Option<NonZeroUsize>,
}

impl RequestOptions {
    /// As many as are good, each within this time.
    pub fn with_timeout(timeout: Duration) -> RequestOptions {
        RequestOptions { timeout, max_concurrency: None }
    }

    /// How many at once, where so many are good.
    pub fn limit_concurrency(&self, good: usize) -> usize {
        self.max_concurrency.map_or(good, |most| good.min(most.get()))
    }
}

/// A store that is read.
#[async_trait]
pub trait Source: Send + Sync {
    /// The type, as a `[metadata-client]` section calls it.
    fn kind(&self) -> &'static str;

    /// The type and where it is, without secrets: how messages call the store.
    fn name(&self) -> &str;

    /// How reads are best made.
    fn read_limits(&self) -> ReadLimits;

    /// Whether the store can say which keys it has.
    fn can_list(&self) -> bool {
        true
    }

    /// The keys of Restate's that are there, damaged ones too; `None` where the store can't list.
    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError>;

    /// The keys as they are now, in the order asked for; `None` for one that is not there. Reads
    /// are linearizable.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError>;

    /// How many things of the same shape lie there that are not Restate's; `None` where the store
    /// can't tell.
    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError>;
}

/// A store that is also written. No write is unconditional.
#[async_trait]
pub trait Target: Source {
    /// How writes are best made.
    fn write_limits(&self) -> WriteLimits;

    /// Whether this store would take writes, found without changing anything.
    ///
    /// # Errors
    /// What a real write would have met: denied, full, unavailable.
    async fn probe_write(&self) -> Result<(), StoreError>;

    /// The keys of `wanted` that would not fit, or could not be read by a server once they are
    /// there, foreign content considered. Changes nothing.
    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError>;

    /// Carries the changes out, each only under its precondition. At most as many as
    /// [`Target::writing`] says, each key once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with every key of the batch whose precondition does not hold;
    /// where writes are atomic, nothing of the batch has then been written. After
    /// [`StoreError::Unavailable`] the state is unknown and has to be read.
    async fn write(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// Whether servers run on this store while it is written, as is so for one that lies within them.
    /// Its `nodes_config` is then never absent, and can only be replaced by what keeps the servers'
    /// place in it; and putting it ends the writing, since the servers stop when they see it.
    fn is_live_cluster(&self) -> bool {
        false
    }

    /// Whether it is known that this store honours conditions, so that there is nothing to probe.
    fn guarantees_conditional_writes(&self) -> bool {
        true
    }

    /// Tries on a scratch object, which is not one of Restate's keys, what this store does with
    /// conditions.
    async fn probe_conditional_writes(&self) -> Result<ConditionalWrites, StoreError> {
        Ok(ConditionalWrites::Honoured)
    }

    /// What an operator of this kind of store should know beside the next steps.
    fn operator_advice(&self) -> Option<&'static str> {
        None
    }
}

/// A value as most stores hand it over.
pub(crate) fn whole(version: u32, bytes: Bytes, tag: CasToken) -> Entry {
    Entry::Intact(Value { version: Version(version), bytes }, tag)
}
