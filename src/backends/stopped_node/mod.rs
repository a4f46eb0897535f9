//! The replicated store of stopped nodes, read from their folders without any server.
//!
//! It is for a cluster that has lost the majority of its metadata servers, and for a migration with all nodes
//! stopped. Each folder holds a RocksDB database ([`crate::rocks_db`]); its keys and values are those of a member of
//! the replicated store (`replica`, `messages`). Of several members, the one with the longest log has the state
//! (`comparison`), rebuilt from its snapshot and its log to the end: a single server never stores how far the log is
//! committed, and those of a cluster lag behind. Nothing is ever written into a folder.

mod cluster_marker;
mod comparison;
mod folders;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod lock;
mod messages;
mod protobuf;
mod reading;
mod replica;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use super::request::Request;
use super::{ReadLimits, Source};
use crate::blocking::run_detached;
use crate::model::{DataLoss, Entry, Key, StoppedMembers, StoreError};
use crate::shell::quote_word;
use folders::{StoreFolder, find_folders};
use reading::{StoredState, read_folders};

/// Stopped nodes of one cluster, as a store.
#[derive(Debug)]
pub struct StoppedNodes {
    name: String,
    folders: Vec<StoreFolder>,
    state: Mutex<Arc<StoredState>>,
    /// `true` until the keys are listed for the first time, for which what was read at the beginning is good.
    is_fresh: AtomicBool,
}

/// The folders that an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedFolders(Vec<StoreFolder>);

impl StoppedFolders {
    /// Finds the folders that an argument means; `None` if it means no folder. Blocks for as long as the file system
    /// does.
    ///
    /// # Errors
    /// Why a folder that it means holds no store, or can't be looked into.
    pub fn find(argument: &OsStr) -> Result<Option<StoppedFolders>, String> {
        find_folders(argument).map(|found| found.map(StoppedFolders))
    }

    /// Returns whether both are the same folders, however they are named and ordered.
    pub fn are_same(&self, other: &StoppedFolders) -> bool {
        let resolve = |folders: &StoppedFolders| -> BTreeSet<PathBuf> {
            let paths = folders.0.iter().map(|folder| &folder.path);
            paths.map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect()
        };
        resolve(self) == resolve(other)
    }

    /// Returns the name of the store that the folders are, for messages.
    pub fn name(&self) -> String {
        match self.0.as_slice() {
            [folder] => folder.describe(),
            folders => {
                let paths: Vec<_> = folders.iter().map(|folder| quote_word(&folder.path)).collect();
                format!("stopped nodes at {}", paths.join(", "))
            }
        }
    }
}

impl StoppedNodes {
    /// Reads the folders. Blocks for as long as the file system does.
    ///
    /// # Errors
    /// [`StoreError::InUse`] for a folder that a server holds open; [`StoreError::Damaged`] for content that is not
    /// understood; [`StoreError::NotAMember`]; [`StoreError::Usage`] for folders that do not belong together.
    pub fn open(folders: StoppedFolders) -> Result<StoppedNodes, StoreError> {
        let name = folders.name();
        let StoppedFolders(folders) = folders;
        let state = Mutex::new(Arc::new(read_folders(&folders)?));
        Ok(StoppedNodes { name, folders, state, is_fresh: AtomicBool::new(true) })
    }

    fn state(&self) -> Arc<StoredState> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Source for StoppedNodes {
    fn kind(&self) -> &'static str {
        "stopped-node"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: usize::MAX, concurrency: 1 }
    }

    fn describe_missing_keys(&self) -> Option<String> {
        self.data_loss().map(|loss| loss.to_string())
    }

    fn data_loss(&self) -> Option<DataLoss> {
        self.state().members.loss.clone()
    }

    fn stopped_members(&self) -> Option<StoppedMembers> {
        Some(self.state().members.clone())
    }

    /// Reads the folders again, but for the first time: the keys are those that are there now.
    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        if self.is_fresh.swap(false, Ordering::Relaxed) {
            return Ok(Some(self.state().entries.keys().cloned().collect()));
        }
        let (began, folders) = (Instant::now(), self.folders.clone());
        let read = run_detached(move || read_folders(&folders)).await.unwrap_or_else(|error| {
            Err(StoreError::Other { store: self.name.clone(), reason: error.to_string() })
        });
        let failed = read.as_ref().err().map(ToString::to_string);
        Request::without_key("read the folders").finish(&self.name, began, failed.as_deref());
        let state = Arc::new(read?);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        Ok(Some(state.entries.keys().cloned().collect()))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let state = self.state();
        Ok(keys.iter().map(|key| state.entries.get(key).cloned()).collect())
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(0))
    }
}
