//! Which keys a store has, and reading them all, as many at once as the store says is good.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::backends::{Source, StoreError};
use crate::codec;
use crate::model::{Entry, Key, Snapshot};
use crate::watch::{Event, Stage, Watch};

/// Everything that is there.
///
/// # Errors
/// The first failed read.
pub async fn read(
    store: &dyn Source,
    stage: Stage,
    watch: &dyn Watch,
) -> Result<Snapshot, StoreError> {
    watch.on(Event::Started(stage, store.name()));
    let snapshot = match store.keys().await? {
        Some(keys) => {
            watch.on(Event::Total(stage, keys.len()));
            read_keys(store, keys, stage, watch).await?
        }
        None => read_by_known_names(store, stage, watch).await?,
    };
    watch.on(Event::Finished(stage));
    Ok(snapshot)
}

/// A store that can't list has the five fixed keys and an epoch for each partition. Any of them may
/// be absent: a partition that never had a leader has no epoch.
async fn read_by_known_names(
    store: &dyn Source,
    stage: Stage,
    watch: &dyn Watch,
) -> Result<Snapshot, StoreError> {
    let mut snapshot = read_keys(store, Key::FIXED.into(), stage, watch).await?;
    let epochs = epochs(&snapshot);
    watch.on(Event::Total(stage, snapshot.len() + epochs.len()));
    snapshot.extend(read_keys(store, epochs, stage, watch).await?);
    Ok(snapshot)
}

/// None where the partition table is absent or damaged, which the checks refuse by name.
fn epochs(snapshot: &Snapshot) -> BTreeSet<Key> {
    let table = snapshot.get(&Key::PartitionTable).and_then(Entry::value);
    table
        .and_then(|value| codec::decode(&Key::PartitionTable, &value.bytes).ok())
        .and_then(|decoded| codec::partition_ids(&decoded).ok())
        .unwrap_or_default()
        .into_iter()
        .map(Key::PartitionEpoch)
        .collect()
}

async fn read_keys(
    store: &dyn Source,
    keys: BTreeSet<Key>,
    stage: Stage,
    watch: &dyn Watch,
) -> Result<Snapshot, StoreError> {
    let reading = store.reading();
    let keys: Vec<Key> = keys.into_iter().collect();
    let batches = keys.chunks(reading.keys.max(1)).map(<[Key]>::to_vec).collect::<Vec<_>>();
    let read = stream::iter(batches)
        .map(|batch| async move {
            let entries = store.read(&batch).await?;
            Ok::<_, StoreError>(batch.into_iter().zip(entries))
        })
        // In any order: one answer that is late must not hold up the others.
        .buffer_unordered(reading.concurrency.max(1));
    read.try_fold(Snapshot::new(), |mut snapshot, batch| async move {
        for (key, entry) in batch {
            let Some(entry) = entry else { continue };
            watch.on(Event::Key(stage, entry.value().map_or(0, |value| value.bytes.len() as u64)));
            snapshot.insert(key, entry);
        }
        Ok(snapshot)
    })
    .await
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::backends::memory::Memory;
    use crate::model::{Value, Version};
    use crate::watch::Unwatched;

    #[tokio::test]
    async fn all_keys_of_many_batches_are_read() {
        let value = |n: u16| Value { version: Version(1), bytes: Bytes::from(n.to_string()) };
        let store = Memory::of((0..95).map(|n| (Key::PartitionEpoch(n), value(n))));
        let snapshot = read(&store, Stage::ReadSource, &Unwatched).await.unwrap();
        assert_eq!(snapshot.len(), 95);
        let entry = snapshot.get(&Key::PartitionEpoch(94)).and_then(Entry::value).unwrap();
        assert_eq!(entry.bytes, "94");
    }
}
