//! Reads, probes and conditional writes as transactions. At its quota, etcd 3.4 raises an alarm for any of them.

use etcd_client::proto::PbTxnOpResponse;
use etcd_client::{Compare, CompareOp, GetResponse, KeyValue, Txn, TxnOp, TxnResponse};
use prost::bytes::Bytes;

use super::super::intact_entry;
use super::super::request::Request;
use super::client::EtcdClient;
use super::layout::{KEYS_PER_TXN, version_name};
use crate::model::{CasToken, Change, Effect, Entry, FailedWrite, Key, StoreError, unmet_keys};

/// Reads the keys as they are at one revision.
pub(super) async fn read_batch(
    client: &EtcdClient,
    keys: &[Key],
) -> Result<Vec<Option<Entry>>, StoreError> {
    let txn = Txn::new().and_then(read_ops(keys));
    let answer = client.run_txn(&Request::about_keys("read", keys), &txn).await?;
    entries_from_answer(keys, answer).ok_or_else(|| missing_results(client))
}

/// Probes how many keys a transaction may have, by transactions that only compare.
pub(super) async fn probe_keys_per_txn(client: &EtcdClient) -> Result<usize, StoreError> {
    let what = Request::without_key("probe the operations of a transaction");
    let mut keys = KEYS_PER_TXN;
    loop {
        let compares = vec![never_met(FIRST_NAME); 2 * keys];
        match client.run_txn(&what, &Txn::new().when(compares)).await {
            Ok(_) => return Ok(keys),
            Err(StoreError::TooLarge { .. }) if keys > 1 => keys /= 2,
            Err(error) => return Err(error),
        }
    }
}

/// The name that probes are about: a key that every Restate store has.
const FIRST_NAME: &str = "nodes_config";

/// Returns the error of an answer that lacks what was asked for, which must not be taken for absent keys.
pub(super) fn missing_results(client: &EtcdClient) -> StoreError {
    client.odd_answer("its answer to a transaction lacks results".to_owned())
}

/// Runs a transaction that would delete the key under a condition that never applies: etcd needs a quorum for
/// it. It does not put: a put would be counted against the quota, and might raise an alarm.
pub(super) async fn probe_write(client: &EtcdClient, key: &Key) -> Result<(), StoreError> {
    let name = key.to_string();
    let deletes = [TxnOp::delete(name.clone(), None), TxnOp::delete(version_name(&name), None)];
    let txn = Txn::new().when([never_met(&name)]).and_then(deletes);
    client.run_txn(&Request::about_key("probe a write of", key), &txn).await.map(|_| ())
}

/// Runs a transaction as large as one that puts these bytes.
///
/// They are only compared, and its effect would be to delete: etcd adds up what the puts of a
/// transaction bring before it checks its conditions, and where that exceeds the quota it accepts
/// no more writes from anybody until its alarm is disarmed.
pub(super) async fn probe_size(
    client: &EtcdClient,
    key: &Key,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let name = key.to_string();
    let compared = Compare::value(name.clone(), CompareOp::Equal, bytes);
    let deletes = [TxnOp::delete(name.clone(), None), TxnOp::delete(version_name(&name), None)];
    let txn = Txn::new().when([never_met(&name), compared]).and_then(deletes);
    client.run_txn(&Request::about_key("probe the size of", key), &txn).await.map(|_| ())
}

/// Returns a condition that never applies: a version counts the changes of a key, and is never
/// negative.
fn never_met(name: &str) -> Compare {
    Compare::version(name, CompareOp::Less, 0)
}

/// Carries out all changes, or none of them.
pub(super) async fn write_changes(
    client: &EtcdClient,
    changes: &[Change],
) -> Result<(), FailedWrite> {
    let keys: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
    let txn = Txn::new()
        .when(changes.iter().flat_map(change_conditions).collect::<Vec<_>>())
        .and_then(changes.iter().flat_map(change_ops).collect::<Vec<_>>())
        .or_else(read_ops(&keys));
    let (answer, in_doubt) = client.run_write(&Request::about_keys("write", &keys), &txn).await?;
    if answer.succeeded() {
        return Ok(());
    }
    let found = entries_from_answer(&keys, answer)
        .ok_or_else(|| FailedWrite { error: missing_results(client), may_have_written: true })?;
    // An attempt whose answer was lost may have been carried out, so that the next one met what it
    // had itself written.
    if in_doubt && changes.iter().zip(&found).all(|(change, found)| change.is_done(found.as_ref()))
    {
        return Ok(());
    }
    let keys = unmet_keys(changes, &found);
    let error = StoreError::Conflict { store: client.name().to_owned(), keys };
    Err(FailedWrite { error, may_have_written: in_doubt })
}

fn change_conditions(change: &Change) -> [Compare; 2] {
    let name = change.key.to_string();
    let version = version_name(&name);
    let (of_value, of_version) = match &change.effect {
        // Restate itself asks only for the version key. A value without one is damage, and may be
        // somebody's: it is not overwritten unseen.
        Effect::Create(_) => (0, 0),
        Effect::Overwrite(_, tag) | Effect::Delete(tag) => required_revisions(tag),
    };
    [
        Compare::mod_revision(name, CompareOp::Equal, of_value),
        Compare::mod_revision(version, CompareOp::Equal, of_version),
    ]
}

/// Returns the revisions to compare; a token of another store matches nothing, since revisions
/// begin at 1.
fn required_revisions(tag: &CasToken) -> (i64, i64) {
    match tag {
        CasToken::Revisions { value, version } => (*value, *version),
        CasToken::Version(_) | CasToken::ETag(_) | CasToken::Item(_) => (-1, -1),
    }
}

fn change_ops(change: &Change) -> [TxnOp; 2] {
    let name = change.key.to_string();
    match change.value() {
        Some(value) => put_ops(&name, &value.bytes, value.version.0),
        None => {
            let version = version_name(&name);
            [TxnOp::delete(name, None), TxnOp::delete(version, None)]
        }
    }
}

fn put_ops(name: &str, bytes: &[u8], version: u32) -> [TxnOp; 2] {
    [TxnOp::put(name, bytes, None), TxnOp::put(version_name(name), version.to_le_bytes(), None)]
}

fn read_ops(keys: &[Key]) -> Vec<TxnOp> {
    let names = keys.iter().map(Key::to_string);
    names.flat_map(|name| [TxnOp::get(version_name(&name), None), TxnOp::get(name, None)]).collect()
}

/// Reads the answers of [`read_ops`]; `None` unless there is one for each, about the name that was asked for.
fn entries_from_answer(keys: &[Key], answer: TxnResponse) -> Option<Vec<Option<Entry>>> {
    let mut answers = take_reads(answer)?.into_iter();
    let entries = keys.iter().map(|key| {
        let name = key.to_string();
        let version = pair_from_read(answers.next()?, &version_name(&name))?;
        let value = pair_from_read(answers.next()?, &name)?;
        Some(entry_from_pair(key, version, value))
    });
    let entries = entries.collect::<Option<Vec<_>>>()?;
    answers.next().is_none().then_some(entries)
}

/// Takes the results of a transaction that only reads; `None` if one of them is empty, or of another operation.
pub(super) fn take_reads(answer: TxnResponse) -> Option<Vec<GetResponse>> {
    let results = answer.0.responses.into_iter();
    let reads = results.map(|result| match result.response? {
        PbTxnOpResponse::ResponseRange(read) => Some(GetResponse(read)),
        _ => None,
    });
    reads.collect()
}

/// Returns the pair of that name, or that it is absent; `None` for any other.
fn pair_from_read(mut read: GetResponse, name: &str) -> Option<Option<KeyValue>> {
    let pair = read.take_kvs().into_iter().next();
    pair.as_ref().is_none_or(|pair| pair.key() == name.as_bytes()).then_some(pair)
}

pub(super) fn entry_from_pair(
    key: &Key,
    version: Option<KeyValue>,
    value: Option<KeyValue>,
) -> Option<Entry> {
    let revision = |pair: &Option<KeyValue>| pair.as_ref().map_or(0, KeyValue::mod_revision);
    let tag = CasToken::Revisions { value: revision(&value), version: revision(&version) };
    let part = |name: &str, pair: &Option<KeyValue>| {
        Some((name.to_owned(), Bytes::copy_from_slice(pair.as_ref()?.value())))
    };
    let raw = || [part("value", &value), part("version", &version)].into_iter().flatten().collect();
    let version_name = version_name(&key.to_string());
    let damaged = |reason| Some(Entry::Damaged { reason, raw: raw(), tag: tag.clone() });
    match (&version, &value) {
        (None, None) => None,
        (None, Some(_)) => damaged(format!("has bytes but no {version_name} beside them")),
        (Some(_), None) => damaged(format!("has a {version_name} but no bytes")),
        (Some(number), Some(bytes)) => match <[u8; 4]>::try_from(number.value()) {
            Ok(number) => {
                let bytes = Bytes::copy_from_slice(bytes.value());
                Some(intact_entry(u32::from_le_bytes(number), bytes, tag))
            }
            Err(_) => {
                let found = number.value().len();
                damaged(format!("has a {version_name} of {found} bytes instead of 4"))
            }
        },
    }
}
