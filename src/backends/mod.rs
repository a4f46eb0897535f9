//! The stores, behind two traits: a [`Source`] is read, a [`Target`] is also written. A source is
//! opened as a reader, so that writing to it does not compile.
//!
//! What a vendor does differently ends here: batches, limits and how much concurrency is good are
//! a backend's own knowledge and are declared through the traits.

mod aws;
pub mod backup;
pub mod cluster;
mod concurrency_limiter;
pub mod dynamo_db;
pub mod etcd;
pub mod memory;
pub mod object_store;
mod request;
pub mod stopped_node;
pub mod transport;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use prost::bytes::Bytes;

use crate::model::{
    AccessOrigins, CasToken, Change, ConditionalWrites, DataLoss, EndpointFault, Entry,
    FailedWrite, Key, LimitViolation, Snapshot, StoppedMembers, StoreError, StoreIdentity, Value,
    Version,
};

/// The limits of reads that neither overload a store nor leave it idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The most keys of one [`Source::read`].
    pub keys: usize,
    /// The number of reads at once.
    pub concurrency: usize,
}

/// The limits of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    /// The most changes of one [`Target::write`].
    pub keys: usize,
    /// The most bytes of one, as [`Change::size`] counts them. A larger single change goes alone.
    pub bytes: usize,
    /// The number of writes at once.
    pub concurrency: usize,
    /// `true` if a [`Target::write`] of many changes happens completely or not at all.
    pub atomic: bool,
}

/// The operator's options for requests.
#[derive(Clone, Copy, Debug)]
pub struct RequestOptions {
    /// The time limit of one request.
    pub timeout: Duration,
    /// The most at once, if that is to be less than what is good for the store.
    pub max_concurrency: Option<NonZeroUsize>,
}

impl RequestOptions {
    /// Returns options with this time limit, and the store's own concurrency.
    pub fn with_timeout(timeout: Duration) -> RequestOptions {
        RequestOptions { timeout, max_concurrency: None }
    }

    /// Returns the concurrency that is good for the store, limited by the operator's option.
    pub fn limit_concurrency(&self, good: usize) -> usize {
        self.max_concurrency.map_or(good, |most| good.min(most.get()))
    }
}

/// A store that is read.
#[async_trait]
pub trait Source: Send + Sync {
    /// Returns the type, as a `[metadata-client]` section has it.
    fn kind(&self) -> &'static str;

    /// Returns type and location, without secrets: the name of the store in messages.
    fn name(&self) -> &str;

    /// Returns the limits of reads.
    fn read_limits(&self) -> ReadLimits;

    /// Returns what to do about a store that denies access.
    fn access_hint(&self) -> &'static str {
        "check the credentials that its TOML or the environment names, and their permissions"
    }

    /// Returns whether the store can list its keys.
    fn can_list(&self) -> bool {
        true
    }

    /// Returns whether a key of this name is Restate's wherever this store has it. Where other software uses the
    /// store as well, only such keys are listed; others can be asked for by name.
    fn recognizes(&self, _key: &Key) -> bool {
        true
    }

    /// Describes why the store may have more keys than it lists, as far as it knows; `None` if it does
    /// not.
    fn describe_missing_keys(&self) -> Option<String> {
        None
    }

    /// Returns what is known of the members whose folders were read; `None` for a store that is no such folder.
    fn stopped_members(&self) -> Option<StoppedMembers> {
        None
    }

    /// Returns what may be missing, where the store is known to be made from less than a majority of the members.
    fn data_loss(&self) -> Option<DataLoss> {
        None
    }

    /// Lists Restate's keys, damaged ones included; `None` where the store can't list.
    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError>;

    /// Reads the keys as they are now, in the order asked for; `None` for one that is absent.
    ///
    /// Reads are linearizable.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError>;

    /// Counts foreign keys of the same shape; `None` where the store can't tell.
    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError>;

    /// Finds out what tells this store from others; `None` where there is no such thing.
    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        Ok(None)
    }

    /// Leaves a mark by which the store is known again under another name, and which no reader sees; `None`
    /// where there is no such thing.
    async fn leave_mark(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    /// Returns whether the mark is in this store.
    async fn has_mark(&self, _mark: i64) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Removes the mark; one that can't be removed expires.
    async fn remove_mark(&self, _mark: i64) {}
}

/// A store that is also written. No write is unconditional.
#[async_trait]
pub trait Target: Source {
    /// Returns the limits of writes.
    fn write_limits(&self) -> WriteLimits;

    /// Probes whether this store accepts writes, without changing anything.
    ///
    /// # Errors
    /// What a real write would have met: denied, full, unavailable.
    async fn probe_write(&self) -> Result<(), StoreError>;

    /// Describes what [`Target::probe_write`] leaves open; `None` if that is as good as a write.
    fn untried_writes(&self) -> Option<&'static str> {
        None
    }

    /// Removes what a probe that was broken off may have left, where that is permitted.
    async fn remove_scratch_objects(&self) {}

    /// Asks every endpoint of this store on its own, where it has several, and returns those that servers
    /// could not use.
    async fn find_endpoint_faults(&self) -> Vec<EndpointFault> {
        Vec::new()
    }

    /// Finds the keys of `desired` that would not fit, or that a server could not read once they
    /// are there, foreign content considered.
    ///
    /// Changes nothing.
    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError>;

    /// Describes what a write of all these values may meet and no check can see, such as a capacity that is
    /// exceeded; `None` where there is no such thing.
    fn describe_capacity(&self, _wanted: &Snapshot) -> Option<String> {
        None
    }

    /// Checks that the store has room for these changes, as far as it says how much it has.
    ///
    /// Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    async fn check_space(&self, _changes: &[Change]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Checks, after the last write, that the store has room for more of them, as far as it says so.
    ///
    /// Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    async fn check_space_left(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Carries the changes out, each only under its precondition. At most as many as
    /// [`Target::write_limits`] says, each key once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with every key of the batch whose precondition does not hold;
    /// where writes are atomic, nothing of the batch was then written by the last attempt. Whether an
    /// earlier one may have been carried out is [`FailedWrite::may_have_written`].
    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite>;

    /// Returns whether servers run on this store while it is written, as they do on the replicated
    /// store.
    ///
    /// Its `nodes_config` is then never absent, and can only be replaced by what keeps the servers'
    /// place in it. Putting it ends the writing, since the servers stop when they see it.
    fn is_live_cluster(&self) -> bool {
        false
    }

    /// Returns the most bytes that all values together may have, where a server gets them in one message.
    fn snapshot_limit(&self) -> Option<usize> {
        None
    }

    /// Returns whether this store is known to honour conditions, so that there is nothing to probe.
    fn guarantees_conditional_writes(&self) -> bool {
        true
    }

    /// Returns whether a write that this store refused was certainly not carried out, also where something on its way
    /// has repeated it: the store keeps whose write it was.
    fn recognizes_own_writes(&self) -> bool {
        false
    }

    /// Tries on a scratch object, which is not one of Restate's keys, what this store does with
    /// conditions.
    async fn probe_conditional_writes(&self) -> Result<ConditionalWrites, StoreError> {
        Ok(ConditionalWrites::Honoured)
    }

    /// Returns where identity, region and endpoint came from, if the store has such.
    fn access_origins(&self) -> Option<&AccessOrigins> {
        None
    }

    /// Returns what an operator of this kind of store should know beside the next steps.
    fn operator_advice(&self) -> Option<&'static str> {
        None
    }
}

/// Builds an intact entry from the parts that most stores return.
pub(crate) fn intact_entry(version: u32, bytes: Bytes, tag: CasToken) -> Entry {
    Entry::Intact(Value { version: Version(version), bytes }, tag)
}
