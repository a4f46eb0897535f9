//! A store in memory: the trait's contract in its plainest form, for tests of the pipeline stages and as
//! the first candidate of the conformance suite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{ReadLimits, Source, Target, WriteLimits};
use crate::model::{
    CasToken, Change, Effect, Entry, FailedWrite, Key, LimitViolation, Snapshot, StoreError, Value,
};

/// Values by key, each with the revision of its last write.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<MemoryState>,
}

#[derive(Debug, Default)]
struct MemoryState {
    revision: i64,
    values: BTreeMap<Key, (Value, i64)>,
}

impl Memory {
    /// Creates a store that holds these values.
    pub fn with_values(values: impl IntoIterator<Item = (Key, Value)>) -> Self {
        let memory = Memory::default();
        for (key, value) in values {
            memory.set(key, value);
        }
        memory
    }

    /// Puts a value whatever is there, as another writer might.
    pub fn set(&self, key: Key, value: Value) {
        let mut state = self.state();
        state.revision += 1;
        let revision = state.revision;
        state.values.insert(key, (value, revision));
    }

    /// Removes a value, as another writer might.
    pub fn remove(&self, key: &Key) {
        self.state().values.remove(key);
    }

    /// Returns everything that the store holds.
    pub fn values(&self) -> BTreeMap<Key, Value> {
        self.state().values.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tag(revision: i64) -> CasToken {
    CasToken::Revisions { value: revision, version: revision }
}

impl MemoryState {
    fn holds(&self, change: &Change) -> bool {
        let found = self.values.get(&change.key).map(|(_, revision)| tag(*revision));
        match &change.effect {
            Effect::Create(_) => found.is_none(),
            Effect::Overwrite(_, required) | Effect::Delete(required) => {
                found.as_ref() == Some(required)
            }
        }
    }
}

#[async_trait]
impl Source for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn name(&self) -> &str {
        "memory"
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: 10, concurrency: 2 }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        Ok(Some(self.state().values.keys().cloned().collect()))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let state = self.state();
        Ok(keys
            .iter()
            .map(|key| {
                let (value, revision) = state.values.get(key)?;
                Some(Entry::Intact(value.clone(), tag(*revision)))
            })
            .collect())
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(0))
    }
}

#[async_trait]
impl Target for Memory {
    fn write_limits(&self) -> WriteLimits {
        WriteLimits { keys: 10, bytes: 1 << 20, concurrency: 2, atomic: true }
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find_limit_violations(&self, _: &Snapshot) -> Result<Vec<LimitViolation>, StoreError> {
        Ok(Vec::new())
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        let mut state = self.state();
        let keys: Vec<_> = changes
            .iter()
            .filter(|change| !state.holds(change))
            .map(|change| change.key.clone())
            .collect();
        if !keys.is_empty() {
            let error = StoreError::Conflict { store: "memory".to_owned(), keys };
            return Err(FailedWrite::not_written(error));
        }
        for change in changes {
            state.revision += 1;
            let revision = state.revision;
            match change.value() {
                Some(value) => {
                    state.values.insert(change.key.clone(), (value.clone(), revision));
                }
                None => {
                    state.values.remove(&change.key);
                }
            }
        }
        Ok(())
    }
}
