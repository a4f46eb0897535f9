//! Foreign names that begin as Restate's do: the servers read them together with their own.

use std::ops::ControlFlow;
use std::time::Instant;

use etcd_client::{Txn, TxnOp};
use futures_util::future::try_join_all;

use super::super::request::Request;
use super::abilities::Abilities;
use super::client::EtcdClient;
use super::layout::{ANSWER_LIMIT, FRAMING_PER_PAIR};
use super::listing::{key_of_name, restate_prefixes};
use super::scan::{NameRange, TIME_LIMIT, scan_names};
use super::txn::{missing_results, take_reads};
use crate::model::{Key, StoreError};

/// The most names per prefix whose values are looked at. Those of one key are together more than the servers
/// read, and it does not matter by how much.
const MAX_NAMES: usize = 100_000;

/// The most bytes of these names.
const MAX_NAME_BYTES: usize = 16 << 20;

/// Foreign values that are looked at in one request, each of which may be large.
const BATCH: usize = 16;

/// Returns the foreign names that begin as Restate's do, with the bytes of their values.
///
/// # Errors
/// [`StoreError::Other`] for so many of them that begin as epochs do that they are not looked at, or not in the time of
/// a scan.
pub(super) async fn read_foreign_sizes(
    client: &EtcdClient,
    abilities: &Abilities,
) -> Result<Vec<(String, u64)>, StoreError> {
    let reads = restate_prefixes().into_iter().map(|prefix| async move {
        let is_key = Key::parse(&prefix).is_known();
        let (names, is_complete) = list_foreign_names(client, &prefix).await?;
        if !is_complete && !is_key {
            let reason =
                format!("it has more than {MAX_NAMES} foreign names that begin with {prefix}");
            return Err(StoreError::Other { store: client.name().to_owned(), reason });
        }
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let batch = BATCH.min(abilities.find_keys_per_txn(client).await?).max(1);
        // More than the servers read of one key is enough.
        read_sizes_up_to(client, &names, batch, if is_key { ANSWER_LIMIT } else { u64::MAX }).await
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Reads the sizes of the names' values, until they are together more than `enough`.
async fn read_sizes_up_to(
    client: &EtcdClient,
    names: &[String],
    mut count: usize,
    enough: u64,
) -> Result<Vec<(String, u64)>, StoreError> {
    let mut sizes: Vec<(String, u64)> = Vec::with_capacity(names.len());
    let (mut total, mut rest, started) = (0, names, Instant::now());
    while !rest.is_empty() && total <= enough {
        if started.elapsed() > TIME_LIMIT {
            let limit = TIME_LIMIT.as_secs();
            let reason =
                format!("the sizes of its foreign values could not be read within {limit} s");
            return Err(StoreError::Other { store: client.name().to_owned(), reason });
        }
        let (batch, later) = rest.split_at(count.min(rest.len()));
        let found = match read_sizes(client, batch).await {
            Err(StoreError::TooLarge { .. }) if batch.len() > 1 => {
                count = batch.len() / 2;
                continue;
            }
            // It is more than this program reads, and so more than the servers read.
            Err(StoreError::TooLarge { .. }) => {
                batch.iter().map(|name| (name.clone(), ANSWER_LIMIT)).collect()
            }
            found => found?,
        };
        let pair_size =
            |(name, bytes): &(String, u64)| name.len() as u64 + bytes + FRAMING_PER_PAIR;
        total += found.iter().map(pair_size).sum::<u64>();
        sizes.extend(found);
        rest = later;
    }
    Ok(sizes)
}

/// Lists the foreign names below the prefix, and whether that is all of them.
async fn list_foreign_names(
    client: &EtcdClient,
    prefix: &str,
) -> Result<(Vec<String>, bool), StoreError> {
    let (mut names, mut bytes) = (Vec::new(), 0);
    let add = |name: &str| {
        if !key_of_name(name).is_known() {
            bytes += name.len();
            names.push(name.to_owned());
        }
        match names.len() > MAX_NAMES || bytes > MAX_NAME_BYTES {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    scan_names(client, NameRange::with_prefix(prefix), add).await?;
    let is_complete = names.len() <= MAX_NAMES && bytes <= MAX_NAME_BYTES;
    Ok((names, is_complete))
}

async fn read_sizes(
    client: &EtcdClient,
    names: &[String],
) -> Result<Vec<(String, u64)>, StoreError> {
    let gets: Vec<_> = names.iter().map(|name| TxnOp::get(name.as_str(), None)).collect();
    let what = Request::without_key("read sizes");
    let answer = client.run_txn(&what, &Txn::new().and_then(gets)).await?;
    let reads = take_reads(answer).filter(|reads| reads.len() == names.len());
    let reads = reads.ok_or_else(|| missing_results(client))?;
    let sizes = names
        .iter()
        .zip(&reads)
        .filter_map(|(name, read)| Some((name.clone(), read.kvs().first()?.value().len() as u64)));
    Ok(sizes.collect())
}
