//! Reads of keys: by transactions, unless etcd is at its quota. etcd 3.4 compares its size with the quota at each
//! transaction, and raises an alarm that ends all writes even if the transaction only reads (seen with 3.4.23); a
//! range is never compared.

use etcd_client::{GetOptions, GetResponse, KeyValue};

use super::abilities::Abilities;
use super::client::EtcdClient;
use super::layout::version_name;
use super::txn::{entry_from_pair, read_batch};
use crate::model::{Entry, Key, StoreError};

/// The attempts to read both halves of a key at one revision.
const MAX_ATTEMPTS: usize = 10;

/// Reads the keys, as many in one transaction as this etcd accepts, and as fit one answer.
pub(super) async fn read_keys(
    client: &EtcdClient,
    abilities: &Abilities,
    keys: &[Key],
) -> Result<Vec<Option<Entry>>, StoreError> {
    if keys.len() <= 1 || abilities.is_at_quota(client).await {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            entries.push(read_by_ranges(client, key).await?);
        }
        return Ok(entries);
    }
    let mut count = abilities.find_keys_per_txn(client).await?;
    let (mut entries, mut rest) = (Vec::with_capacity(keys.len()), keys);
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(count.min(rest.len()));
        match read_batch(client, batch).await {
            Ok(found) => {
                entries.extend(found);
                rest = later;
            }
            Err(StoreError::TooLarge { .. }) if batch.len() > 1 => count = batch.len() / 2,
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

/// Reads one key by a range for each of its halves, again until no change came between them.
async fn read_by_ranges(client: &EtcdClient, key: &Key) -> Result<Option<Entry>, StoreError> {
    let name = key.to_string();
    for _ in 0..MAX_ATTEMPTS {
        let version = read_pair(client, &version_name(&name)).await?;
        let value = read_pair(client, &name).await?;
        if version.revision == value.revision {
            return Ok(entry_from_pair(key, version.pair, value.pair));
        }
    }
    // Others write all the time.
    Ok(read_batch(client, std::slice::from_ref(key)).await?.into_iter().flatten().next())
}

/// A pair, and the revision of the store at which it was read.
struct ReadPair {
    pair: Option<KeyValue>,
    revision: Option<i64>,
}

async fn read_pair(client: &EtcdClient, name: &str) -> Result<ReadPair, StoreError> {
    let mut answer: GetResponse = client.get("read", name.as_bytes(), &GetOptions::new()).await?;
    let revision = answer.header().map(etcd_client::ResponseHeader::revision);
    let pair = answer.take_kvs().into_iter().next();
    if pair.as_ref().is_some_and(|pair| pair.key() != name.as_bytes()) {
        return Err(client.odd_answer(format!("its answer to {name} is about another name")));
    }
    Ok(ReadPair { pair, revision })
}
