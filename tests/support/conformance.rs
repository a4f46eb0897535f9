//! The guarantees of every store, as one suite over its `Target`.

use std::collections::BTreeSet;

use prost::bytes::Bytes;
use restatectl::backends::Target;
use restatectl::model::{CasToken, Entry, Key, Value, Version};
use restatectl::model::{Change, Effect, FailedWrite, StoreError};

/// Returns a value with this version and these bytes.
pub fn value(version: u32, bytes: &[u8]) -> Value {
    Value { version: Version(version), bytes: Bytes::copy_from_slice(bytes) }
}

/// Returns a change that creates the key.
pub fn create(key: &Key, value: Value) -> Change {
    Change { key: key.clone(), effect: Effect::Create(value) }
}

async fn read(store: &dyn Target, key: &Key) -> Option<(Value, CasToken)> {
    let mut entries = store.read(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(entries.len(), 1);
    match entries.pop().unwrap()? {
        Entry::Intact(value, tag) => Some((value, tag)),
        damaged => panic!("{damaged:?}"),
    }
}

/// Asserts that the changes meet a conflict, and that what it says of the writes is true.
async fn assert_conflict(store: &dyn Target, changes: &[Change], expected: &[&Key]) {
    match store.write(changes).await {
        Err(FailedWrite { error: StoreError::Conflict { keys, .. }, may_have_written }) => {
            assert_eq!(keys.iter().collect::<Vec<_>>(), expected);
            let is_whole = changes.len() <= store.write_limits().keys;
            // A node of a cluster may have repeated a write.
            let is_doubted = store.is_live_cluster() && is_there(store, changes).await;
            assert_eq!(may_have_written, !is_whole || is_doubted, "{changes:?}");
        }
        other => panic!("no conflict but {other:?}"),
    }
}

/// Returns whether the store holds what the only change was to write.
async fn is_there(store: &dyn Target, changes: &[Change]) -> bool {
    match changes {
        [Change { key, effect: Effect::Create(value) | Effect::Overwrite(value, _) }] => {
            read(store, key).await.is_some_and(|(found, _)| found == *value)
        }
        [Change { key, effect: Effect::Delete(_) }] => read(store, key).await.is_none(),
        _ => false,
    }
}

/// Runs the suite over a store that is empty at the start.
pub async fn assert_conforms(store: &dyn Target) {
    assert_eq!(store.list_keys().await.unwrap(), Some(BTreeSet::new()));
    assert_conforms_to_keys(store, [Key::NodesConfig, Key::RuleBook, Key::PartitionEpoch(7)]).await;
}

/// Runs the suite over these keys, which are absent at the start.
pub async fn assert_conforms_to_keys(store: &dyn Target, [a, b, c]: [Key; 3]) {
    let lists = store.list_keys().await.unwrap().is_some();
    assert_eq!(store.read(&[]).await.unwrap().len(), 0);
    assert!(read(store, &a).await.is_none());
    store.probe_write().await.unwrap();
    assert!(read(store, &a).await.is_none(), "a probe has written");

    // Bytes and versions arrive unchanged, in the order asked for.
    let every_byte: Vec<u8> = (0..=255).collect();
    store
        .write(&[create(&a, value(1, &every_byte)), create(&c, value(u32::MAX, b""))])
        .await
        .unwrap();
    let found = store.read(&[c.clone(), b.clone(), a.clone()]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().value(), Some(&value(u32::MAX, b"")));
    assert!(found[1].is_none());
    assert_eq!(found[2].as_ref().unwrap().value(), Some(&value(1, &every_byte)));
    if lists {
        assert_eq!(store.list_keys().await.unwrap(), Some(BTreeSet::from([a.clone(), c.clone()])));
    }

    // A create requires absence; where one of a batch does not hold, none is done.
    let batch = [create(&b, value(1, b"b")), create(&a, value(2, b"x"))];
    assert_conflict(store, &batch, &[&a]).await;
    if store.write_limits().atomic && store.write_limits().keys > 1 {
        assert!(read(store, &b).await.is_none());
    }
    // Also where it is identical: who created it is not known.
    assert_conflict(store, &[create(&a, value(1, &every_byte))], &[&a]).await;

    // An overwrite requires what was read.
    let (_, tag) = read(store, &a).await.unwrap();
    let overwrite = |tag: &CasToken, value| Change {
        key: a.clone(),
        effect: Effect::Overwrite(value, tag.clone()),
    };
    store.write(&[overwrite(&tag, value(2, b"second"))]).await.unwrap();
    assert_eq!(read(store, &a).await.unwrap().0, value(2, b"second"));
    assert_conflict(store, &[overwrite(&tag, value(3, b"third"))], &[&a]).await;
    assert_eq!(read(store, &a).await.unwrap().0, value(2, b"second"));

    // So does a delete; and a key that is gone can be created again, but not overwritten.
    let delete = |tag: &CasToken| Change { key: a.clone(), effect: Effect::Delete(tag.clone()) };
    assert_conflict(store, &[delete(&tag)], &[&a]).await;
    let (_, tag) = read(store, &a).await.unwrap();
    store.write(&[delete(&tag)]).await.unwrap();
    assert!(read(store, &a).await.is_none());
    assert_conflict(store, &[overwrite(&tag, value(3, b"third"))], &[&a]).await;
    store.write(&[create(&a, value(9, b"again"))]).await.unwrap();
    assert_eq!(read(store, &a).await.unwrap().0, value(9, b"again"));

    // As many as a batch takes.
    let many: Vec<_> = (100..).take(store.write_limits().keys).map(Key::PartitionEpoch).collect();
    let creates: Vec<_> = many.iter().map(|key| create(key, value(1, b"many"))).collect();
    store.write(&creates).await.unwrap();
    let read_back = store.read(&many[..store.read_limits().keys.min(many.len())]).await.unwrap();
    assert!(
        read_back.iter().all(|entry| entry.as_ref().unwrap().value() == Some(&value(1, b"many")))
    );
}
