//! The limits of an etcd, as far as they can be probed before anything is written.

use tokio::try_join;

use super::client::EtcdClient;
use super::layout::{
    ANSWER_LIMIT, DEFAULT_REQUEST_LIMIT, FRAMING_PER_PAIR, KEYS_PER_TXN, is_version_name,
    version_name,
};
use super::scan::end_of_prefix;
use super::{listing, txn};
use crate::model::{Key, LimitViolation, Snapshot, StoreError, Value};
use crate::wording::{format_bytes, plural};

/// The bytes that a key adds to a request beside its value.
const FRAMING_PER_KEY: usize = 256;

/// What the limit of a request means for the values to come.
pub(super) struct SizeLimits {
    /// The values that need a larger request than this etcd accepts.
    pub(super) oversized: Vec<LimitViolation>,
    /// The most bytes of one batch.
    pub(super) batch_bytes: usize,
}

/// Finds what fits a request, with batches of up to `limit`, by asking this etcd: its limit can be changed
/// (`--max-request-bytes`) and can't be read.
pub(super) async fn find_size_limits(
    client: &EtcdClient,
    wanted: &Snapshot,
    limit: usize,
) -> Result<SizeLimits, StoreError> {
    let mut values: Vec<(&Key, &Value)> =
        wanted.iter().filter_map(|(key, entry)| Some((key, entry.value()?))).collect();
    values.sort_by_key(|(_, value)| value.bytes.len());
    let sizes = values.iter().rev().map(|(_, value)| framed_size(value));
    let largest = sizes.clone().next().unwrap_or_default();
    let most_of_a_batch = sizes.take(KEYS_PER_TXN).sum::<usize>().min(limit);
    // Mostly all fits, and one request says so.
    if accepts(client, &Key::NodesConfig, vec![0; most_of_a_batch.max(largest)]).await? {
        return Ok(SizeLimits { oversized: Vec::new(), batch_bytes: limit });
    }
    let (oversized, batch_bytes) = try_join!(
        find_oversized_values(client, &values),
        find_batch_size(client, most_of_a_batch)
    )?;
    let batch_bytes = if batch_bytes == most_of_a_batch { limit } else { batch_bytes };
    Ok(SizeLimits { oversized, batch_bytes })
}

/// Returns the bytes that the value adds to a request, as [`Change::size`](crate::model::Change::size) counts.
fn framed_size(value: &Value) -> usize {
    value.bytes.len() + FRAMING_PER_KEY
}

/// Returns whether this etcd accepts a request with these bytes.
async fn accepts(client: &EtcdClient, key: &Key, bytes: Vec<u8>) -> Result<bool, StoreError> {
    match txn::probe_size(client, key, &bytes).await {
        Ok(()) => Ok(true),
        Err(StoreError::TooLarge { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Finds those of the values, in the order of their sizes, that do not fit: the first of them by halves.
async fn find_oversized_values(
    client: &EtcdClient,
    values: &[(&Key, &Value)],
) -> Result<Vec<LimitViolation>, StoreError> {
    let (mut fits, mut ends) = (0, values.len());
    // The largest is the likeliest.
    let mut probed = values.len().saturating_sub(1);
    while fits < ends {
        let Some((key, value)) = values.get(probed) else { break };
        match accepts(client, key, vec![0; framed_size(value)]).await? {
            true => fits = probed + 1,
            false => ends = probed,
        }
        probed = usize::midpoint(fits, ends);
    }
    Ok(values.iter().skip(fits).map(|(key, value)| size_violation(key, value)).collect())
}

/// Finds the most bytes of a batch that this etcd accepts, up to `bytes`, by halves.
async fn find_batch_size(client: &EtcdClient, mut bytes: usize) -> Result<usize, StoreError> {
    while bytes > FRAMING_PER_KEY && !accepts(client, &Key::NodesConfig, vec![0; bytes]).await? {
        bytes /= 2;
    }
    Ok(bytes)
}

/// Finds the keys of unknown names whose bytes would lie where the version of another key does.
pub(super) fn find_ambiguous_names(wanted: &Snapshot) -> Vec<LimitViolation> {
    let names = wanted.keys().map(Key::to_string).filter(|name| is_version_name(name));
    let violations = names.map(|name| LimitViolation {
        key: Key::parse(&name),
        reason: "has a name that ends as those under which versions are kept in etcd".to_owned(),
        hint: format!("rename or remove {name} in the source, or move to a store of another type"),
    });
    violations.collect()
}

fn size_violation(key: &Key, value: &Value) -> LimitViolation {
    LimitViolation {
        key: key.clone(),
        reason: format!(
            "holds {}, more than this etcd accepts in a request (by default {})",
            format_bytes(value.bytes.len() as u64),
            format_bytes(DEFAULT_REQUEST_LIMIT as u64)
        ),
        hint: "raise etcd's --max-request-bytes on every member, or move to a store without that \
               limit, such as an object store"
            .to_owned(),
    }
}

/// Finds the keys that a server could not read back: it asks for everything whose name begins with
/// the key's, foreign names included, whose values have these sizes.
pub(super) fn find_unreadable_keys(
    foreign_sizes: &[(String, u64)],
    wanted: &Snapshot,
) -> Vec<LimitViolation> {
    let is_foreign = |(name, _): &&(String, u64)| !wanted.contains_key(&listing::key_of_name(name));
    let foreign: Vec<_> = foreign_sizes.iter().filter(is_foreign).cloned().collect();
    let own = wanted.iter().filter_map(|(key, entry)| {
        let bytes = entry.value()?.bytes.len() as u64;
        let name = key.to_string();
        Some([(version_name(&name), 4), (name, bytes)])
    });
    let mut sizes: Vec<(String, u64)> = own.flatten().chain(foreign.iter().cloned()).collect();
    let pair_size = |(name, bytes): &(String, u64)| bytes + name.len() as u64 + FRAMING_PER_PAIR;
    if sizes.iter().map(pair_size).sum::<u64>() <= ANSWER_LIMIT {
        return Vec::new();
    }
    sizes.sort();
    let mut totals = vec![0];
    for pair in &sizes {
        let before = totals.last().copied().unwrap_or_default();
        totals.push(before + pair_size(pair));
    }
    let total_before = |end: &[u8]| {
        let index = sizes.partition_point(|(name, _)| name.as_bytes() < end);
        totals.get(index).copied().unwrap_or_default()
    };
    let violations = wanted.keys().filter_map(|key| {
        let name = key.to_string();
        let answer = total_before(&end_of_prefix(&name)) - total_before(name.as_bytes());
        (answer > ANSWER_LIMIT).then(|| unreadable_violation(key, answer, &foreign))
    });
    violations.collect()
}

fn unreadable_violation(key: &Key, answer: u64, foreign: &[(String, u64)]) -> LimitViolation {
    let name = key.to_string();
    let others: Vec<_> = foreign
        .iter()
        .filter(|(other, _)| other.starts_with(&name))
        .map(|(other, _)| other)
        .collect();
    let hint = match others.first() {
        Some(first) => format!(
            "move away {} in this etcd that begin with {name}, the first of them {first}, or use \
             another etcd",
            plural(others.len(), "foreign key")
        ),
        None => "no flag of etcd lifts this limit; move to an object store".to_owned(),
    };
    let reason = format!(
        "would be read by the servers together with all keys that begin with its name, {} in one \
         answer; they accept {}",
        format_bytes(answer),
        format_bytes(ANSWER_LIMIT)
    );
    LimitViolation { key: key.clone(), reason, hint }
}
