//! The order and the batches of the writes, and what the journal is told of those that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use prost::bytes::Bytes;

use super::*;
use crate::backends::memory::Memory;
use crate::backends::{ReadLimits, Source};
use crate::events::NoopSink;
use crate::model::{CasToken, Entry, LimitViolation, Snapshot, Version};

fn create(key: Key) -> Change {
    let value = Value { version: Version(1), bytes: Bytes::from_static(b"x") };
    Change { key, effect: Effect::Create(value) }
}

fn writing(atomic: bool) -> WriteLimits {
    WriteLimits { keys: 3, bytes: 1_000, concurrency: 2, atomic }
}

/// Groups in braces, batches in brackets.
fn group_names(groups: &[Vec<Vec<Change>>]) -> String {
    let batch = |batch: &Vec<Change>| {
        let keys: Vec<_> = batch.iter().map(|change| change.key.to_string()).collect();
        format!("[{}]", keys.join(" "))
    };
    let group = |group: &Vec<Vec<Change>>| group.iter().map(batch).collect::<String>();
    groups.iter().map(|batches| format!("{{{}}}", group(batches))).collect()
}

#[test]
fn changes_that_fit_one_transaction_are_one_batch() {
    let changes = vec![create(Key::NodesConfig), create(Key::Logs), create(Key::RuleBook)];
    let groups = group_changes(changes, writing(true), false);
    assert_eq!(group_names(&groups), "{[bifrost_config rule_book nodes_config]}");
}

#[test]
fn otherwise_nodes_config_goes_alone_and_last() {
    let changes = || vec![create(Key::NodesConfig), create(Key::Logs), create(Key::RuleBook)];
    let last = group_names(&group_changes(changes(), writing(false), false));
    assert_eq!(last, "{[bifrost_config rule_book]}{[nodes_config]}");
    let mut many = changes();
    many.extend((0..4).map(|n| create(Key::PartitionEpoch(n))));
    assert_eq!(
        group_names(&group_changes(many, writing(true), false)),
        "{[bifrost_config rule_book pp_epoch_0][pp_epoch_1 pp_epoch_2 pp_epoch_3]}{[nodes_config]}"
    );
}

#[test]
fn a_nodes_config_to_be_replaced_is_deleted_first_and_created_last() {
    let mut replaced = create(Key::NodesConfig);
    if let Effect::Create(value) = replaced.effect {
        replaced.effect = Effect::Overwrite(value, CasToken::Version(Version(7)));
    }
    let changes = vec![replaced, create(Key::Logs)];
    let in_place = group_changes(changes.clone(), writing(true), true);
    assert_eq!(group_names(&in_place), "{[bifrost_config]}{[nodes_config]}");
    assert!(matches!(in_place[1][0][0].effect, Effect::Overwrite(..)));
    let groups = group_changes(changes, writing(false), false);
    assert_eq!(group_names(&groups), "{[nodes_config]}{[bifrost_config]}{[nodes_config]}");
    assert_eq!(groups[0][0][0].effect, Effect::Delete(CasToken::Version(Version(7))));
    assert!(matches!(groups[2][0][0].effect, Effect::Create(_)));
}

#[test]
fn a_batch_keeps_to_the_bytes() {
    let changes: Vec<_> = (0..5).map(|n| create(Key::PartitionEpoch(n))).collect();
    let size = changes[0].size();
    let limits = WriteLimits { keys: 64, bytes: 2 * size, concurrency: 1, atomic: true };
    let counts: Vec<_> = cut_batches(changes, limits).iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 2, 1]);
}

#[test]
fn one_transaction_takes_as_much_as_the_limits_and_no_more() {
    let changes: Vec<_> = (0..3).map(|n| create(Key::PartitionEpoch(n))).collect();
    let bytes = 3 * changes[0].size();
    let fits = |keys, bytes| {
        is_one_batch(&changes, WriteLimits { keys, bytes, concurrency: 1, atomic: true })
    };
    assert!(fits(3, bytes));
    assert!(!fits(2, bytes));
    assert!(!fits(3, bytes - 1));
    // A single one has no other way.
    let tight = WriteLimits { keys: 1, bytes: 1, concurrency: 1, atomic: true };
    assert!(is_one_batch(&changes[..1], tight));
}

#[test]
fn batches_have_as_many_keys_as_the_limit_and_no_more() {
    let changes: Vec<_> = (0..7).map(|n| create(Key::PartitionEpoch(n))).collect();
    let counts: Vec<_> = cut_batches(changes, writing(true)).iter().map(Vec::len).collect();
    assert_eq!(counts, [3, 3, 1]);
}

/// A store in memory that takes batches of a few keys only, and answers one key's write with an error.
struct Limited {
    memory: Memory,
    limits: WriteLimits,
    /// More in one batch are too many for its capacity.
    most: usize,
    unanswered: Option<Key>,
    batches: Mutex<Vec<Vec<Change>>>,
}

impl Limited {
    fn new(most: usize) -> Limited {
        let (memory, batches) = (Memory::default(), Mutex::default());
        let limits = WriteLimits { keys: 4, bytes: 1 << 20, concurrency: 1, atomic: false };
        Limited { memory, limits, most, unanswered: None, batches }
    }

    /// Carries out the creation of these keys, and returns what was sent, with the journal.
    async fn create_all(&self, keys: &[Key]) -> (Result<(), FailedWrite>, String, Recording) {
        let changes = keys.iter().cloned().map(create).collect();
        let journal = Recording::default();
        let ended = carry_out(changes, self, &journal, &NoopSink).await;
        let sent = group_names(&[self.batches.lock().unwrap().clone()]);
        (ended, sent, journal)
    }
}

#[async_trait]
impl Source for Limited {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn name(&self) -> &str {
        "memory"
    }

    fn read_limits(&self) -> ReadLimits {
        self.memory.read_limits()
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        self.memory.list_keys().await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.memory.read(keys).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(0))
    }
}

#[async_trait]
impl Target for Limited {
    fn write_limits(&self) -> WriteLimits {
        self.limits
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find_limit_violations(&self, _: &Snapshot) -> Result<Vec<LimitViolation>, StoreError> {
        Ok(Vec::new())
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        self.batches.lock().unwrap().push(changes.to_vec());
        let (store, reason) = ("memory".to_owned(), "as the test wants it".to_owned());
        if changes.len() > self.most {
            return Err(FailedWrite::not_written(StoreError::Throttled { store, reason }));
        }
        if changes.iter().any(|change| Some(&change.key) == self.unanswered.as_ref()) {
            let error = StoreError::Unavailable { store, reason };
            return Err(FailedWrite { error, may_have_written: true });
        }
        self.memory.write(changes).await
    }
}

/// What became of each key, by the last that the journal was told.
#[derive(Default)]
struct Recording {
    states: Mutex<BTreeMap<Key, &'static str>>,
}

impl Recording {
    fn set(&self, changes: &[Change], state: &'static str) {
        let keys = changes.iter().map(|change| (change.key.clone(), state));
        self.states.lock().unwrap().extend(keys);
    }

    /// Returns the keys in this state.
    fn keys(&self, state: &str) -> Vec<Key> {
        let states = self.states.lock().unwrap();
        let found = states.iter().filter(|(_, found)| **found == state);
        found.map(|(key, _)| key.clone()).collect()
    }
}

impl Journal for Recording {
    fn begin_writes(&self, changes: &[Change]) {
        self.set(changes, "begun");
    }

    fn add_written(&self, changes: &[Change]) {
        self.set(changes, "written");
    }

    fn add_not_written(&self, changes: &[Change]) {
        self.set(changes, "not written");
    }
}

fn epochs(ids: std::ops::Range<u16>) -> Vec<Key> {
    ids.map(Key::PartitionEpoch).collect()
}

#[tokio::test]
async fn plan_is_carried_out_and_the_journal_has_each_key() {
    let target = Limited::new(4);
    let keys = [vec![Key::NodesConfig], epochs(0..3)].concat();
    let (ended, sent, journal) = target.create_all(&keys).await;
    assert!(ended.is_ok());
    assert_eq!(sent, "{[pp_epoch_0 pp_epoch_1 pp_epoch_2][nodes_config]}");
    assert!(target.memory.values().keys().eq(&keys));
    assert_eq!(journal.keys("written"), keys);
}

#[tokio::test]
async fn batches_that_exceed_the_capacity_are_halved_until_they_fit() {
    let target = Limited::new(1);
    let (ended, sent, journal) = target.create_all(&epochs(0..5)).await;
    assert!(ended.is_ok());
    let whole = "[pp_epoch_0 pp_epoch_1 pp_epoch_2 pp_epoch_3][pp_epoch_0 pp_epoch_1]";
    let single = "[pp_epoch_0][pp_epoch_1][pp_epoch_2][pp_epoch_3][pp_epoch_4]";
    assert_eq!(sent, format!("{{{whole}{single}}}"));
    assert_eq!(journal.keys("written"), epochs(0..5));
}

#[tokio::test]
async fn capacity_that_is_too_small_for_a_single_key_ends_the_run() {
    let target = Limited::new(0);
    let (ended, sent, journal) = target.create_all(&epochs(0..2)).await;
    assert!(matches!(ended.unwrap_err().error, StoreError::Throttled { .. }));
    assert_eq!(sent, "{[pp_epoch_0 pp_epoch_1][pp_epoch_0]}");
    assert_eq!(journal.keys("not written"), epochs(0..2));
}

#[tokio::test]
async fn failure_ends_the_run_though_another_batch_could_be_halved() {
    let limits = WriteLimits { keys: 2, concurrency: 2, ..Limited::new(1).limits };
    let target = Limited { limits, unanswered: Some(Key::PartitionEpoch(2)), ..Limited::new(1) };
    let (ended, sent, journal) = target.create_all(&epochs(0..3)).await;
    assert!(ended.unwrap_err().may_have_written);
    assert_eq!(sent, "{[pp_epoch_0 pp_epoch_1][pp_epoch_2]}");
    assert_eq!(journal.keys("begun"), epochs(2..3));
}

#[tokio::test]
async fn write_that_was_not_answered_stays_begun_and_is_the_last() {
    let limits = WriteLimits { keys: 1, ..Limited::new(1).limits };
    let target = Limited { limits, unanswered: Some(Key::PartitionEpoch(1)), ..Limited::new(1) };
    let (ended, sent, journal) = target.create_all(&epochs(0..3)).await;
    assert!(ended.unwrap_err().may_have_written);
    assert_eq!(sent, "{[pp_epoch_0][pp_epoch_1]}");
    assert_eq!(journal.keys("begun"), epochs(1..2));
    assert_eq!(journal.keys("written"), epochs(0..1));
}

#[tokio::test]
async fn one_edit_is_one_write() {
    let target = Limited::new(1);
    write_one(create(Key::Logs), &target).await.unwrap();
    assert!(target.memory.values().contains_key(&Key::Logs));
}
