//! The data that every step of an edit needs.

use super::args::EditArgs;
use super::state::EditState;
use crate::backends::Target;
use crate::commands::Context;
use crate::commands::open_store::OpenTarget;
use crate::events::Event;
use crate::model::{Entry, Key, Snapshot};
use crate::outcome::Failure;
use crate::pipeline::soundness::referenced_keys;

/// One run of `patch` or `put`, with the store open and read.
pub(super) struct EditJob<'a> {
    pub(super) args: &'a EditArgs,
    pub(super) context: &'a Context<'a>,
    pub(super) state: &'a EditState,
    pub(super) store: OpenTarget,
    /// The key to edit.
    pub(super) key: Key,
    /// The entries of the key, of those that it refers to, and of `nodes_config`, which names the cluster and
    /// its nodes.
    pub(super) stored: Snapshot,
}

impl EditJob<'_> {
    /// Returns the store as a target of writes.
    pub(super) fn target(&self) -> &dyn Target {
        self.store.target()
    }

    /// Returns the stored entry of the key.
    pub(super) fn stored_entry(&self) -> Option<&Entry> {
        self.stored.get(&self.key)
    }

    /// Reports something that deserves attention and stops nothing.
    pub(super) fn warn(&self, text: &str) {
        self.context.events.emit(Event::Warning(text));
    }
}

/// Reads the value, and beside it `nodes_config` and the values that it refers to.
pub(super) async fn read_stored(store: &OpenTarget, key: &Key) -> Result<Snapshot, Failure> {
    let mut keys = vec![key.clone(), Key::NodesConfig];
    keys.extend(referenced_keys(key).iter().cloned());
    keys.sort();
    keys.dedup();
    let entries = store.target().read(&keys).await.map_err(|error| store.failure(&error))?;
    Ok(keys.into_iter().zip(entries).filter_map(|(key, entry)| Some((key, entry?))).collect())
}
