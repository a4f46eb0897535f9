//! A backup file as a source, and how one is made.

mod conversion;
mod file;
mod header;
mod planned_values;
mod save;

use std::collections::BTreeSet;
use std::time::Instant;

use async_trait::async_trait;

use super::request::Request;
use super::{ReadLimits, Source};
use crate::model::{DataLoss, Entry, Key, Snapshot, StoreError};
pub use conversion::is_backup;
pub use file::BackupError;
pub use header::{BackupOrigin, Header};
pub use planned_values::PlannedValues;
pub use save::{Destination, check_destination, save_backup};

/// The content of a backup file.
#[derive(Debug)]
pub struct Backup {
    name: String,
    header: Header,
    entries: Snapshot,
}

impl Backup {
    /// Reads the bytes of a file, whose name is for messages.
    ///
    /// # Errors
    /// [`BackupError`] for anything but exactly what was once saved.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Backup, BackupError> {
        let (began, name) = (Instant::now(), format!("backup {file}"));
        let (header, entries) = file::parse_backup(bytes, file)?;
        let keys: Vec<_> = entries.keys().collect();
        Request::about_keys("read", &keys).finish(&name, began, None);
        Ok(Backup { name, header, entries })
    }

    /// Returns the header: time, cluster, store.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the saved entries.
    pub fn entries(&self) -> &Snapshot {
        &self.entries
    }
}

#[async_trait]
impl Source for Backup {
    fn kind(&self) -> &'static str {
        "backup"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: usize::MAX, concurrency: 1 }
    }

    fn describe_missing_keys(&self) -> Option<String> {
        if let Some(loss) = &self.header.data_loss {
            return Some(format!("the backup was made from stopped nodes: {loss}"));
        }
        let reason = "the backup was made of a store that may have had more keys";
        (!self.header.complete).then(|| reason.to_owned())
    }

    fn data_loss(&self) -> Option<DataLoss> {
        self.header.data_loss.clone()
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        Ok(Some(self.entries.keys().cloned().collect()))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        Ok(keys.iter().map(|key| self.entries.get(key).cloned()).collect())
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(0))
    }
}
