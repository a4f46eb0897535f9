//! Every way in which two stores are told apart, with stores that answer what a test says.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use prost::bytes::Bytes;

use super::*;
use crate::backends::ReadLimits;
use crate::model::{Value, Version};

/// A store that answers who it is, one answer after the other, and knows of a mark.
struct Answers {
    identities: Mutex<VecDeque<Option<StoreIdentity>>>,
    /// The mark that it can leave; `Err` for a store that refuses.
    leaves: Result<Option<i64>, ()>,
    /// The mark that is in it; `Err` for a store that refuses to look.
    holds: Result<Option<i64>, ()>,
    removed: Mutex<Vec<i64>>,
}

impl Answers {
    fn new(identities: &[Option<StoreIdentity>]) -> Answers {
        let identities = Mutex::new(identities.iter().cloned().collect());
        Answers { identities, leaves: Ok(None), holds: Ok(None), removed: Mutex::default() }
    }
}

fn refuse<T>() -> Result<T, StoreError> {
    Err(StoreError::Other { store: "answers".to_owned(), reason: "refused".to_owned() })
}

#[async_trait]
impl Source for Answers {
    fn kind(&self) -> &'static str {
        "answers"
    }

    fn name(&self) -> &str {
        "answers"
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits { keys: 1, concurrency: 1 }
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        refuse()
    }

    async fn read(&self, _: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        refuse()
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        refuse()
    }

    async fn identify(&self) -> Result<Option<StoreIdentity>, StoreError> {
        self.identities.lock().unwrap().pop_front().map_or_else(refuse, Ok)
    }

    async fn leave_mark(&self) -> Result<Option<i64>, StoreError> {
        self.leaves.map_or_else(|()| refuse(), Ok)
    }

    async fn has_mark(&self, mark: i64) -> Result<bool, StoreError> {
        self.holds.map_or_else(|()| refuse(), |held| Ok(held == Some(mark)))
    }

    async fn remove_mark(&self, mark: i64) {
        self.removed.lock().unwrap().push(mark);
    }
}

fn etcd(cluster_id: u64, revision: i64) -> Option<StoreIdentity> {
    Some(StoreIdentity::Etcd { cluster_id, revision })
}

fn bucket(prefix: &str) -> Option<StoreIdentity> {
    let (endpoint, bucket) = ("here".to_owned(), "b".to_owned());
    Some(StoreIdentity::ObjectStore { endpoint, bucket, prefix: prefix.to_owned() })
}

/// Returns what a store holds whose only key was written at this revision.
fn written_at(revision: i64) -> Snapshot {
    let value = Value { version: Version(1), bytes: Bytes::from("x") };
    let tag = CasToken::Revisions { value: revision, version: revision };
    Snapshot::from([(Key::RuleBook, Entry::Intact(value, tag))])
}

/// Compares the two; the one key of each was written at these revisions.
async fn compare(source: &Answers, target: &Answers, written: (i64, i64)) -> &'static str {
    let (held, other) = (written_at(written.0), written_at(written.1));
    let source = ReadStore { store: source, snapshot: &held };
    match are_one_store(source, ReadStore { store: target, snapshot: &other }).await {
        Ok(true) => "one",
        Ok(false) => "two",
        Err(UnaskedSide::Source(_)) => "source failed",
        Err(UnaskedSide::Target(_)) => "target failed",
    }
}

#[tokio::test]
async fn identities_decide_where_they_can() {
    for (source, target, expected) in [
        (vec![bucket("p")], vec![bucket("p")], "one"),
        (vec![bucket("p")], vec![bucket("q")], "two"),
        (vec![etcd(1, 5)], vec![etcd(2, 5)], "two"),
        (vec![None], vec![], "two"),
        (vec![bucket("p")], vec![None], "two"),
        (vec![], vec![bucket("p")], "source failed"),
        (vec![bucket("p")], vec![], "target failed"),
        (vec![etcd(1, 5)], vec![etcd(1, 5)], "source failed"),
        (vec![etcd(1, 5), None], vec![etcd(1, 5)], "two"),
    ] {
        let (source, target) = (Answers::new(&source), Answers::new(&target));
        assert_eq!(compare(&source, &target, (3, 3)).await, expected);
    }
}

#[tokio::test]
async fn etcd_whose_revision_is_not_between_the_two_of_the_other_is_another() {
    for (before, target, after, expected) in
        [(5, 5, 5, "one"), (5, 6, 7, "one"), (5, 4, 7, "two"), (5, 8, 7, "two")]
    {
        let source = Answers::new(&[etcd(1, before), etcd(1, after)]);
        let target = Answers::new(&[etcd(1, target)]);
        assert_eq!(compare(&source, &target, (3, 3)).await, expected, "{before} {after}");
    }
}

#[tokio::test]
async fn mark_decides_before_the_state_of_the_keys_does() {
    let (equal, unequal) = ((3, 3), (3, 4));
    for (leaves, holds, written, expected) in [
        (Ok(Some(7)), Ok(Some(7)), unequal, "one"),
        (Ok(Some(7)), Ok(Some(8)), equal, "two"),
        (Ok(Some(7)), Ok(None), equal, "two"),
        (Ok(Some(7)), Err(()), equal, "one"),
        (Ok(Some(7)), Err(()), unequal, "two"),
        (Ok(None), Ok(Some(7)), equal, "one"),
        (Ok(None), Ok(Some(7)), unequal, "two"),
        (Err(()), Ok(Some(7)), equal, "one"),
        (Err(()), Ok(Some(7)), unequal, "two"),
    ] {
        let source = Answers { holds, ..Answers::new(&[etcd(1, 5), etcd(1, 5)]) };
        let target = Answers { leaves, ..Answers::new(&[etcd(1, 5)]) };
        let found = compare(&source, &target, written).await;
        assert_eq!(found, expected, "{leaves:?} {holds:?} {written:?}");
        let left: Vec<i64> = leaves.ok().flatten().into_iter().collect();
        assert_eq!(*target.removed.lock().unwrap(), left, "a mark is removed");
    }
}
