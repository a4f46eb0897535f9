//! Reads of many keys, of keys that a listing does not show, and of stores that contradict themselves.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use prost::bytes::Bytes;
use serde_json::json;

use super::*;
use crate::backends::ReadLimits;
use crate::backends::memory::Memory;
use crate::codec::Encoding;
use crate::events::NoopSink;
use crate::model::{Value, Version};

fn value(text: &str) -> Value {
    Value { version: Version(1), bytes: Bytes::from(text.to_owned()) }
}

fn epoch(partition: u16) -> Key {
    Key::PartitionEpoch(partition)
}

#[tokio::test]
async fn all_keys_of_many_batches_are_read() {
    let values = (0..95).map(|n| (epoch(n), value(&n.to_string())));
    let snapshot = read(&Memory::with_values(values), Stage::ReadSource, &NoopSink).await.unwrap();
    assert_eq!(snapshot.len(), 95);
    assert_eq!(snapshot.get(&epoch(94)).and_then(Entry::value).unwrap().bytes, "94");
}

/// What a store answers to a listing.
#[derive(Clone, Copy, PartialEq)]
enum Listing {
    /// The keys that are Restate's by their names: other software uses the store as well.
    OfKnownNames,
    /// No permission.
    Denied,
    /// That there is no such thing.
    Impossible,
    /// One key more than it has.
    WithAnotherKey,
}

/// A store in memory that lists its keys in this way, and counts the keys that it was asked for.
struct Listed {
    held: Memory,
    listing: Listing,
    asked: AtomicUsize,
}

impl Listed {
    fn new(listing: Listing, held: &[(Key, Value)]) -> Listed {
        let held = Memory::with_values(held.iter().cloned());
        Listed { held, listing, asked: AtomicUsize::new(0) }
    }

    /// Reads all keys, where these are at hand, and returns which there are, and for how many it was asked.
    async fn read_all(&self, at_hand: &Snapshot) -> (Vec<Key>, usize) {
        self.asked.store(0, Ordering::Relaxed);
        let read = read_beside(self, at_hand, Stage::ReadSource, &NoopSink).await.unwrap();
        (read.into_keys().collect(), self.asked.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Source for Listed {
    fn kind(&self) -> &'static str {
        "listed"
    }

    fn name(&self) -> &str {
        "listed"
    }

    fn read_limits(&self) -> ReadLimits {
        self.held.read_limits()
    }

    fn can_list(&self) -> bool {
        self.listing != Listing::Impossible
    }

    fn recognizes(&self, key: &Key) -> bool {
        key.is_known()
    }

    fn describe_missing_keys(&self) -> Option<String> {
        Some("of its own".to_owned())
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        if matches!(self.listing, Listing::Denied | Listing::Impossible) {
            return Ok(None);
        }
        let mut listed: BTreeSet<Key> = self.held.values().into_keys().collect();
        listed.retain(Key::is_known);
        listed.extend((self.listing == Listing::WithAnotherKey).then_some(Key::Schema));
        Ok(Some(listed))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.asked.fetch_add(keys.len(), Ordering::Relaxed);
        self.held.read(keys).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(1))
    }
}

/// Returns a partition table with these partitions.
fn table(partitions: &[u16]) -> (Key, Value) {
    let partitions: Vec<_> = partitions.iter().map(|id| json!([id, {"log_id": id}])).collect();
    let document = json!({"version": 1, "partitions": partitions});
    let (key, version) = (Key::PartitionTable, Version(1));
    let bytes = codec::encode(&key, Encoding::Flexbuffers, &document, version).unwrap();
    (key, Value { version, bytes })
}

async fn snapshot_of(held: &[(Key, Value)]) -> Snapshot {
    let store = Memory::with_values(held.iter().cloned());
    read(&store, Stage::ReadSource, &NoopSink).await.unwrap()
}

#[tokio::test]
async fn keys_that_no_listing_shows_are_asked_for_by_name() {
    let unknown = Key::parse("of_a_newer_server");
    let held = [(epoch(0), value("0")), (unknown.clone(), value("u"))];
    let (store, wanted) = (Listed::new(Listing::OfKnownNames, &held), snapshot_of(&held).await);
    let mut content = read_content(&store, Stage::ReadTarget, &NoopSink).await.unwrap();
    assert!(content.is_listed);
    assert_eq!(content.snapshot.keys().collect::<Vec<_>>(), [&epoch(0)]);
    assert_eq!(content.find_unlisted_keys(&store, &wanted), BTreeSet::from([unknown.clone()]));
    content.ask_for(&store, &wanted, Stage::ReadTarget, &NoopSink).await.unwrap();
    assert_eq!(content.snapshot.keys().collect::<Vec<_>>(), [&epoch(0), &unknown]);
    // Where nothing was listed, none of them is known to be absent; what was read is not asked for again.
    let mut content = StoreContent { is_listed: false, ..content };
    assert_eq!(content.find_unlisted_keys(&store, &wanted), wanted.keys().cloned().collect());
    store.asked.store(0, Ordering::Relaxed);
    content.ask_for(&store, &wanted, Stage::ReadTarget, &NoopSink).await.unwrap();
    assert_eq!(store.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn store_that_lists_nothing_is_asked_for_the_partitions_of_its_table() {
    let held =
        [table(&[0, 3]), (epoch(0), value("0")), (epoch(3), value("3")), (epoch(9), value("9"))];
    let at_hand = snapshot_of(&held).await;
    let (table, unnamed) = (Key::PartitionTable, epoch(9));
    for listing in [Listing::Denied, Listing::Impossible] {
        let store = Listed::new(listing, &held);
        let (read, asked) = store.read_all(&Snapshot::new()).await;
        assert_eq!(read, [table.clone(), epoch(0), epoch(3)]);
        assert_eq!(asked, Key::FIXED.len() + 2, "no key is asked for twice");
        let (read, asked) = store.read_all(&at_hand).await;
        assert_eq!(read, [table.clone(), epoch(0), epoch(3), unnamed.clone()]);
        assert_eq!(asked, Key::FIXED.len() + 3);
    }
}

#[tokio::test]
async fn every_epoch_is_asked_for_where_no_table_names_them() {
    let damaged = (Key::PartitionTable, value("x"));
    let every = Key::FIXED.len() + usize::from(u16::MAX) + 1;
    for held in [vec![(Key::RuleBook, value("r"))], vec![damaged]] {
        let held: Vec<_> = held.into_iter().chain([(epoch(u16::MAX), value("e"))]).collect();
        let (read, asked) =
            Listed::new(Listing::Impossible, &held).read_all(&Snapshot::new()).await;
        assert_eq!((read.len(), asked), (2, every));
    }
    // An empty store is asked for no more than its fixed keys.
    let empty = Listed::new(Listing::Impossible, &[]);
    assert_eq!(empty.read_all(&Snapshot::new()).await, (Vec::new(), Key::FIXED.len()));
}

/// The totals that were announced.
#[derive(Default)]
struct Totals(Mutex<Vec<usize>>);

impl EventSink for Totals {
    fn emit(&self, event: Event<'_>) {
        if let Event::Total(_, total) = event {
            self.0.lock().unwrap().push(total);
        }
    }
}

#[tokio::test]
async fn total_of_keys_is_announced_once_it_is_known() {
    let held = [table(&[0, 3, 5]), (Key::RuleBook, value("r")), (epoch(0), value("0"))];
    let at_hand = snapshot_of(&held[..2]).await;
    for (listing, expected) in [(Listing::Denied, 5), (Listing::OfKnownNames, 3)] {
        let totals = Totals::default();
        let store = Listed::new(listing, &held);
        read_beside(&store, &at_hand, Stage::ReadSource, &totals).await.unwrap();
        assert_eq!(*totals.0.lock().unwrap(), [2, expected]);
    }
}

#[tokio::test]
async fn store_that_lists_what_it_does_not_have_is_unusable() {
    let store = Listed::new(Listing::WithAnotherKey, &[(epoch(0), value("0"))]);
    let read = read(&store, Stage::ReadSource, &NoopSink).await;
    assert!(matches!(read, Err(StoreError::Unusable { .. })), "{read:?}");
}

#[tokio::test]
async fn why_keys_may_be_missing_is_told() {
    let known = snapshot_of(&[table(&[0])]).await;
    let unknown = snapshot_of(&[(Key::RuleBook, value("r"))]).await;
    let describe = |listing, snapshot: &Snapshot, foreign| {
        let told = describe_missing_keys(&Listed::new(listing, &[]), snapshot, foreign).unwrap();
        match told.split(' ').next().unwrap() {
            "there" => "no table",
            "the" => "listing denied",
            "of" => "of its own",
            _ => "unexpected",
        }
    };
    for (listing, snapshot, foreign, expected) in [
        (Listing::Impossible, &unknown, Some(0), "no table"),
        (Listing::Denied, &unknown, None, "no table"),
        (Listing::OfKnownNames, &unknown, Some(0), "of its own"),
        (Listing::Denied, &known, None, "listing denied"),
        (Listing::Impossible, &known, None, "of its own"),
        (Listing::OfKnownNames, &known, Some(0), "of its own"),
    ] {
        assert_eq!(describe(listing, snapshot, foreign), expected);
    }
}

#[tokio::test]
async fn only_an_equal_value_shares_the_bytes_at_hand() {
    let at_hand = snapshot_of(&[(epoch(0), value("same")), (epoch(1), value("old!"))]).await;
    let store = Memory::with_values([(epoch(0), value("same")), (epoch(1), value("new!"))]);
    let read = read_beside(&store, &at_hand, Stage::ReadSource, &NoopSink).await.unwrap();
    let bytes = |snapshot: &Snapshot, key: Key| {
        snapshot.get(&key).and_then(Entry::value).map(|value| value.bytes.clone()).unwrap()
    };
    assert_eq!(bytes(&read, epoch(0)).as_ptr(), bytes(&at_hand, epoch(0)).as_ptr());
    assert_eq!(bytes(&read, epoch(1)), "new!");
}

#[tokio::test]
async fn values_of_more_than_the_limit_in_all_are_refused() {
    // One piece of memory in all values.
    let piece = Bytes::from(vec![0; 16 << 20]);
    let whole = u16::try_from(MOST_BYTES / (16 << 20)).unwrap();
    let store = Memory::with_values(
        (0..whole).map(|id| (epoch(id), Value { version: Version(1), bytes: piece.clone() })),
    );
    assert!(read(&store, Stage::ReadSource, &NoopSink).await.is_ok());
    store.set(Key::RuleBook, value("x"));
    assert!(read(&store, Stage::ReadSource, &NoopSink).await.is_err());
}
