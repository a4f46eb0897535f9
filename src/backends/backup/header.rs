//! The first line of a backup file: what it is a backup of, and what it was made for.

use serde::{Deserialize, Serialize};

use super::planned_values::PlannedValues;

/// The version of the form.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub(super) restatectl_backup: u32,
    /// The cluster's name, if `nodes_config` was there and said it.
    pub cluster: Option<String>,
    /// The number that tells it from others of the same name.
    pub fingerprint: Option<u64>,
    /// The time of its creation, in UTC.
    pub created: String,
    /// The store that was saved, without secrets.
    pub store: String,
    /// The number of keys it holds.
    pub keys: usize,
    /// `false` if the store may have had keys that the file does not hold.
    #[serde(default = "complete_by_default")]
    pub complete: bool,
    /// What `migrate --force` was about to write in place of the entries, if it made the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwritten_with: Option<PlannedValues>,
}

/// Files of the first version do not say it, and hold all keys that were read.
fn complete_by_default() -> bool {
    true
}

impl Header {
    /// Creates the header of a file with so many keys.
    pub fn new(origin: &BackupOrigin<'_>, created: String, keys: usize) -> Self {
        let (cluster, fingerprint) = match &origin.cluster {
            Some((name, fingerprint)) => (Some(name.clone()), *fingerprint),
            None => (None, None),
        };
        Header {
            restatectl_backup: FORMAT,
            cluster,
            fingerprint,
            created,
            store: origin.store.to_owned(),
            keys,
            complete: origin.complete,
            overwritten_with: origin.overwritten_with.clone(),
        }
    }
}

/// What a backup is made of, beside its entries.
#[derive(Clone, Debug)]
pub struct BackupOrigin<'a> {
    /// The store, without secrets.
    pub store: &'a str,
    /// The name and fingerprint of its cluster, if `nodes_config` says them.
    pub cluster: Option<(String, Option<u64>)>,
    /// `false` if the store may have more keys than are saved.
    pub complete: bool,
    /// What is about to be written in place of the entries.
    pub overwritten_with: Option<PlannedValues>,
}
