//! The stores, behind two traits: a [`Source`] is read, a [`Target`] is also written. A source is
//! opened as a reader, so that writing to it does not compile.
//!
//! What a vendor does differently ends here: batches, limits and how much concurrency is good are
//! a backend's own knowledge and are declared through the traits.

mod aws;
pub mod backup;
pub mod cluster;
pub mod dynamo_db;
mod error;
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

pub use error::StoreError;

use crate::model::{Entry, Key, Snapshot, Tag, Value, Version};

/// How to read from a store without hurting it or waiting for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The most keys of one [`Source::read`].
    pub keys: usize,
    /// How many reads at once.
    pub concurrency: usize,
}

/// How to write to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
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
pub struct Requests {
    /// For one of them.
    pub timeout: Duration,
    /// The most at once, if that is to be less than what is good for the store.
    pub most_at_once: Option<NonZeroUsize>,
}

impl Requests {
    /// As many as are good, each within this time.
    pub fn within(timeout: Duration) -> Requests {
        Requests { timeout, most_at_once: None }
    }

    /// How many at once, where so many are good.
    pub fn at_once(&self, good: usize) -> usize {
        self.most_at_once.map_or(good, |most| good.min(most.get()))
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
    fn reading(&self) -> Reading;

    /// Whether the store can say which keys it has.
    fn lists(&self) -> bool {
        true
    }

    /// The keys of Restate's that are there, damaged ones too; `None` where the store can't list.
    async fn keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError>;

    /// The keys as they are now, in the order asked for; `None` for one that is not there. Reads
    /// are linearizable.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError>;

    /// How many things of the same shape lie there that are not Restate's; `None` where the store
    /// can't tell.
    async fn foreign(&self) -> Result<Option<u64>, StoreError>;
}

/// A store that is also written. No write is unconditional.
#[async_trait]
pub trait Target: Source {
    /// How writes are best made.
    fn writing(&self) -> Writing;

    /// Whether this store would take writes, found without changing anything.
    ///
    /// # Errors
    /// What a real write would have met: denied, full, unavailable.
    async fn probe_write(&self) -> Result<(), StoreError>;

    /// The keys of `wanted` that would not fit, or could not be read by a server once they are
    /// there, foreign content considered. Changes nothing.
    async fn misfits(&self, wanted: &Snapshot) -> Result<Vec<Misfit>, StoreError>;

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
    fn is_running(&self) -> bool {
        false
    }

    /// Whether it is known that this store honours conditions, so that there is nothing to probe.
    fn semantics_are_known(&self) -> bool {
        true
    }

    /// Tries on a scratch object, which is not one of Restate's keys, what this store does with
    /// conditions.
    async fn probe_semantics(&self) -> Result<Semantics, StoreError> {
        Ok(Semantics::Honoured)
    }

    /// What an operator of this kind of store should know beside the next steps.
    fn advice(&self) -> Option<&'static str> {
        None
    }
}

/// What a store does with conditional writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// It keeps to them.
    Honoured,
    /// It does not; in words what it did.
    Violated(String),
}

/// One conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which key.
    pub key: Key,
    /// What is to become of it.
    pub effect: Effect,
}

/// What a change does, and what it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Requires that the key is not there.
    Create(Value),
    /// Requires that it still is what the tag was read with.
    Overwrite(Value, Tag),
    /// Requires that it still is what the tag was read with.
    Delete(Tag),
}

impl Change {
    /// The value that is to be there afterwards.
    pub fn value(&self) -> Option<&Value> {
        match &self.effect {
            Effect::Create(value) | Effect::Overwrite(value, _) => Some(value),
            Effect::Delete(_) => None,
        }
    }

    /// Whether what is required holds for what was found.
    pub(crate) fn holds(&self, found: Option<&Entry>) -> bool {
        match &self.effect {
            Effect::Create(_) => found.is_none(),
            Effect::Overwrite(_, tag) | Effect::Delete(tag) => found.map(Entry::tag) == Some(tag),
        }
    }

    /// Whether what was found is as the change wants it.
    pub(crate) fn is_done(&self, found: Option<&Entry>) -> bool {
        match self.value() {
            Some(value) => found.and_then(Entry::value) == Some(value),
            None => found.is_none(),
        }
    }

    /// An upper bound of what the change adds to a request: names, value, what it requires, and
    /// their framing.
    pub fn size(&self) -> usize {
        const NAMES_AND_FRAMING: usize = 256;
        let name = match &self.key {
            Key::Unknown(name) => 6 * name.len(),
            _ => 0,
        };
        let required = match &self.effect {
            Effect::Create(_) => 0,
            Effect::Overwrite(_, tag) | Effect::Delete(tag) => tag.size(),
        };
        let value = self.value().map_or(0, |value| value.bytes.len());
        NAMES_AND_FRAMING + name + required + value
    }
}

/// A key that the target could not hold or serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Which key.
    pub key: Key,
    /// What is too large, with size and limit, to be read after the key's name.
    pub reason: String,
    /// What can be done about it.
    pub hint: String,
}

/// A value as most stores hand it over.
pub(crate) fn whole(version: u32, bytes: Bytes, tag: Tag) -> Entry {
    Entry::Whole(Value { version: Version(version), bytes }, tag)
}
