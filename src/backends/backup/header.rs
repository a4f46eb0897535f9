//! The first line of a backup file: what it is a backup of, and what it was made for.

use serde::{Deserialize, Serialize};

use super::planned_values::PlannedValues;
use crate::model::DataLoss;

/// The version of the form.
const FORMAT: u32 = 1;

/// The version of the form of a file that is made from less than a majority of the members. Programs that do not know
/// of that refuse it.
const FORMAT_WITH_LOSS: u32 = 2;

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
    /// What may be missing, if it is made from less than a majority of the members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_loss: Option<DataLoss>,
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
            restatectl_backup: format_of(origin.data_loss.as_ref()),
            cluster,
            fingerprint,
            created,
            store: origin.store.to_owned(),
            keys,
            complete: origin.complete,
            data_loss: origin.data_loss.clone(),
            overwritten_with: origin.overwritten_with.clone(),
        }
    }

    /// Checks that the file is of a form that this program reads.
    ///
    /// # Errors
    /// The form.
    pub(super) fn check_format(&self) -> Result<(), String> {
        let format = self.restatectl_backup;
        match format == format_of(self.data_loss.as_ref()) {
            true => Ok(()),
            false => Err(format!("it is of format {format}; this program reads {FORMAT}")),
        }
    }
}

fn format_of(loss: Option<&DataLoss>) -> u32 {
    if loss.is_some() { FORMAT_WITH_LOSS } else { FORMAT }
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
    /// What may be missing, where the store is made from less than a majority of the members.
    pub data_loss: Option<DataLoss>,
    /// What is about to be written in place of the entries.
    pub overwritten_with: Option<PlannedValues>,
}
