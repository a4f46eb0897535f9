//! Finds the keys of a store and reads them all, with the store's own concurrency.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::try_join;

use crate::backends::Source;
use crate::codec;
use crate::events::{Event, EventSink, Stage};
use crate::model::{Entry, Key, Snapshot, StoreError};
use crate::wording::format_bytes;

/// The most bytes of all values together, many times what a cluster has: only a server that is none, or was taken
/// over, answers with more.
const MOST_BYTES: u64 = 1 << 30;

/// Reads every key of a store.
///
/// # Errors
/// The first failed read.
pub async fn read(
    store: &dyn Source,
    stage: Stage,
    events: &dyn EventSink,
) -> Result<Snapshot, StoreError> {
    read_beside(store, &Snapshot::new(), stage, events).await
}

/// Reads every key of a store, where a snapshot is at hand that most values will be equal to: those
/// share its bytes, so that memory does not grow with every read.
///
/// # Errors
/// The first failed read.
pub async fn read_beside(
    store: &dyn Source,
    at_hand: &Snapshot,
    stage: Stage,
    events: &dyn EventSink,
) -> Result<Snapshot, StoreError> {
    let reading = KeyReading { store, at_hand, stage, events };
    reading.all_keys().await.map(|read| read.snapshot)
}

/// The keys of a store, read together.
#[derive(Debug)]
pub struct StoreContent {
    /// What was read.
    pub snapshot: Snapshot,
    /// `true` if the store listed its keys, `false` if it was asked for known names.
    pub is_listed: bool,
}

impl StoreContent {
    /// Returns which of these keys the store may have although they were not read.
    pub fn find_unlisted_keys(&self, store: &dyn Source, keys: &Snapshot) -> BTreeSet<Key> {
        let may_be_there = |key: &&Key| !self.is_listed || !store.recognizes(key);
        keys.keys().filter(may_be_there).cloned().collect()
    }

    /// Asks the store by name for those of these keys that it may have although they were not read.
    ///
    /// # Errors
    /// The first failed read.
    pub async fn ask_for(
        &mut self,
        store: &dyn Source,
        keys: &Snapshot,
        stage: Stage,
        events: &dyn EventSink,
    ) -> Result<(), StoreError> {
        let mut unlisted = self.find_unlisted_keys(store, keys);
        unlisted.retain(|key| !self.snapshot.contains_key(key));
        if !unlisted.is_empty() {
            let reading = KeyReading { store, at_hand: keys, stage, events };
            self.snapshot.extend(reading.keys(unlisted).await?);
        }
        Ok(())
    }
}

/// Reads every key of a store, and says whether it listed them.
///
/// # Errors
/// The first failed read.
pub async fn read_content(
    store: &dyn Source,
    stage: Stage,
    events: &dyn EventSink,
) -> Result<StoreContent, StoreError> {
    KeyReading { store, at_hand: &Snapshot::new(), stage, events }.all_keys().await
}

/// Reads a store that can't list by the five fixed keys and an epoch for each partition.
///
/// Any of them may be absent: a partition that never had a leader has no epoch. Where the partitions are
/// not known, every epoch name there is is asked for. What was asked for before is not asked for again.
async fn read_by_known_names(
    reading: &KeyReading<'_>,
    mut asked: BTreeSet<Key>,
    mut snapshot: Snapshot,
) -> Result<Snapshot, StoreError> {
    // What is at hand is asked for together with the table that names it: a round trip less.
    let first: BTreeSet<Key> = Key::FIXED.iter().chain(reading.at_hand.keys()).cloned().collect();
    snapshot.extend(reading.keys(first.difference(&asked).cloned().collect()).await?);
    asked.extend(first);
    let partitions = match find_partitions(&snapshot) {
        Ok(partitions) => partitions,
        Err(reason) => {
            tracing::debug!("{}: asking for every epoch: {reason}", reading.store.name());
            (0..=u16::MAX).collect()
        }
    };
    let mut others: BTreeSet<_> = partitions.into_iter().map(Key::PartitionEpoch).collect();
    others.retain(|key| !asked.contains(key));
    reading.events.emit(Event::Total(reading.stage, snapshot.len() + others.len()));
    snapshot.extend(reading.keys(others).await?);
    Ok(snapshot)
}

/// Returns the ids of the partitions; none for a store that has none of the fixed keys.
///
/// # Errors
/// The reason why they can't be known, in words.
fn find_partitions(snapshot: &Snapshot) -> Result<Vec<u16>, String> {
    match snapshot.get(&Key::PartitionTable) {
        None if snapshot.is_empty() => Ok(Vec::new()),
        None => Err("there is no partition_table".to_owned()),
        Some(Entry::Damaged { reason, .. }) => Err(format!("partition_table {reason}")),
        Some(Entry::Intact(value, _)) => codec::partition_ids_in(&value.bytes)
            .map_err(|reason| format!("partition_table {reason}")),
    }
}

/// Describes why a store may have more keys than were read; `None` if all are known.
///
/// `foreign` is the number of other keys, where the store can count them.
pub fn describe_missing_keys<S: Source + ?Sized>(
    store: &S,
    snapshot: &Snapshot,
    foreign: Option<u64>,
) -> Option<String> {
    let by_names = !store.can_list() || foreign.is_none();
    match find_partitions(snapshot) {
        Err(reason) if by_names => Some(format!(
            "{reason}, so it is not known which partitions there are; every epoch name was asked for, and \
             the store may have other keys"
        )),
        _ if store.can_list() && foreign.is_none() => Some(LISTING_DENIED.to_owned()),
        _ => store.describe_missing_keys(),
    }
}

const LISTING_DENIED: &str = "the store does not permit listing: only keys with known names were read, and it \
                              may have others";

/// A read of keys that are known by name.
struct KeyReading<'a> {
    store: &'a dyn Source,
    at_hand: &'a Snapshot,
    stage: Stage,
    events: &'a dyn EventSink,
}

impl KeyReading<'_> {
    /// Reads all keys of the store. What is at hand is asked for by name, whether it is listed or not: a listing
    /// alone is no proof that a key is gone.
    async fn all_keys(&self) -> Result<StoreContent, StoreError> {
        self.events.emit(Event::Started(self.stage, self.store.name()));
        if !self.at_hand.is_empty() {
            self.events.emit(Event::Total(self.stage, self.at_hand.len()));
        }
        let (snapshot, is_listed) = match self.store.can_list() {
            true => self.list_and_read().await?,
            false => {
                self.store.list_keys().await?;
                (read_by_known_names(self, BTreeSet::new(), Snapshot::new()).await?, false)
            }
        };
        self.events.emit(Event::Finished(self.stage));
        // A map that has grown key by key is half empty; one that is made as a whole is not.
        Ok(StoreContent { snapshot: snapshot.into_iter().collect(), is_listed })
    }

    /// Lists the keys while those at hand are read, and then reads the others; returns also whether the store permits
    /// listing.
    async fn list_and_read(&self) -> Result<(Snapshot, bool), StoreError> {
        let asked: BTreeSet<Key> = self.at_hand.keys().cloned().collect();
        let (listed, mut snapshot) = try_join!(self.store.list_keys(), self.keys(asked.clone()))?;
        let Some(listed) = listed else {
            return Ok((read_by_known_names(self, asked, snapshot).await?, false));
        };
        let others: BTreeSet<Key> = listed.difference(&asked).cloned().collect();
        self.events.emit(Event::Total(self.stage, asked.len() + others.len()));
        snapshot.extend(self.keys(others).await?);
        Ok((self.read_listed_again(snapshot, listed).await?, true))
    }

    /// Reads those keys again that were listed and not found, if they are still listed: another writer may have
    /// deleted them in between.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for a store that lists what it does not have.
    async fn read_listed_again(
        &self,
        mut snapshot: Snapshot,
        listed: BTreeSet<Key>,
    ) -> Result<Snapshot, StoreError> {
        let is_absent = |snapshot: &Snapshot, key: &Key| !snapshot.contains_key(key);
        let absent: BTreeSet<Key> =
            listed.into_iter().filter(|key| is_absent(&snapshot, key)).collect();
        if absent.is_empty() {
            return Ok(snapshot);
        }
        let listed_again = self.store.list_keys().await?.unwrap_or_default();
        let still_listed: BTreeSet<Key> = absent.intersection(&listed_again).cloned().collect();
        snapshot.extend(self.keys(still_listed.clone()).await?);
        match still_listed.iter().find(|key| is_absent(&snapshot, key)) {
            None => Ok(snapshot),
            Some(key) => Err(StoreError::Unusable {
                store: self.store.name().to_owned(),
                reason: format!("it lists {key}, and answers that it does not have it"),
            }),
        }
    }

    async fn keys(&self, keys: BTreeSet<Key>) -> Result<Snapshot, StoreError> {
        let how = self.store.read_limits();
        let keys: Vec<Key> = keys.into_iter().collect();
        let batches = keys.chunks(how.keys.max(1)).map(<[Key]>::to_vec).collect::<Vec<_>>();
        let read = stream::iter(batches)
            .map(|batch| async move {
                let entries = self.store.read(&batch).await?;
                Ok::<_, StoreError>(batch.into_iter().zip(entries))
            })
            // In any order: one answer that is late must not hold up the others.
            .buffer_unordered(how.concurrency.max(1));
        let nothing = (Snapshot::new(), 0);
        let read = read.try_fold(nothing, |(mut snapshot, mut total), batch| async move {
            let found = batch.filter_map(|(key, entry)| Some((key, entry?)));
            for (key, entry) in found {
                let bytes = entry.value().map_or(0, |value| value.bytes.len() as u64);
                total += entry.size();
                self.events.emit(Event::Key(self.stage, bytes));
                let entry = share_bytes(entry, self.at_hand.get(&key));
                snapshot.insert(key, entry);
            }
            match total > MOST_BYTES {
                true => Err(self.too_many_bytes()),
                false => Ok((snapshot, total)),
            }
        });
        read.await.map(|(snapshot, _)| snapshot)
    }

    fn too_many_bytes(&self) -> StoreError {
        let (store, most) = (self.store.name().to_owned(), format_bytes(MOST_BYTES));
        StoreError::Other { store, reason: format!("values of more than {most} in all") }
    }
}

/// Returns the entry with the bytes of the one at hand, if they are equal.
fn share_bytes(entry: Entry, at_hand: Option<&Entry>) -> Entry {
    match (entry, at_hand.and_then(Entry::value)) {
        (Entry::Intact(value, tag), Some(known)) if value == *known => {
            Entry::Intact(known.clone(), tag)
        }
        (entry, _) => entry,
    }
}

#[cfg(test)]
mod tests;
