//! The limits of an etcd, as far as they can be probed before anything is written.

use super::abilities::Abilities;
use super::client::EtcdClient;
use super::layout::{
    ANSWER_LIMIT, DEFAULT_REQUEST_LIMIT, FRAMING_PER_PAIR, is_version_name, version_name,
};
use super::scan::end_of_prefix;
use super::{foreign, listing, txn};
use crate::model::{Entry, Key, LimitViolation, Snapshot, StoreError, Value};
use crate::wording::{format_bytes, plural};

/// The bytes that a key adds to a request beside its value, as
/// [`Change::size`](crate::model::Change::size) counts.
const FRAMING_PER_KEY: usize = 256;

/// Finds the values that need a larger request than this etcd accepts, by asking it: its limit can
/// be changed (`--max-request-bytes`) and can't be read.
pub(super) async fn find_oversized_values(
    client: &EtcdClient,
    wanted: &Snapshot,
) -> Result<Vec<LimitViolation>, StoreError> {
    let mut values: Vec<(&Key, &Value)> =
        wanted.iter().filter_map(|(key, entry)| Some((key, entry.value()?))).collect();
    values.sort_by_key(|(_, value)| value.bytes.len());
    // The first that does not fit, by halves.
    let (mut fits, mut ends) = (0, values.len());
    // Mostly all fit, and one request says so.
    let mut probed = values.len().saturating_sub(1);
    while fits < ends {
        let Some((key, value)) = values.get(probed) else { break };
        let framed = [&value.bytes[..], &[0; FRAMING_PER_KEY]].concat();
        match txn::probe_size(client, key, &framed).await {
            Ok(()) => fits = probed + 1,
            Err(StoreError::TooLarge { .. }) => ends = probed,
            Err(other) => return Err(other),
        }
        probed = usize::midpoint(fits, ends);
    }
    Ok(values.iter().skip(fits).map(|(key, value)| size_violation(key, value)).collect())
}

/// Finds the most bytes of one batch: as many as are needed, up to `limit`, or as this etcd
/// accepts.
pub(super) async fn find_batch_size(
    client: &EtcdClient,
    wanted: &Snapshot,
    limit: usize,
) -> Result<usize, StoreError> {
    let sizes =
        wanted.values().filter_map(Entry::value).map(|value| value.bytes.len() + FRAMING_PER_KEY);
    let all: usize = sizes.sum();
    let mut bytes = all.min(limit);
    while bytes > FRAMING_PER_KEY {
        match txn::probe_size(client, &Key::NodesConfig, &vec![0; bytes]).await {
            Ok(()) => break,
            Err(StoreError::TooLarge { .. }) => bytes /= 2,
            Err(other) => return Err(other),
        }
    }
    Ok(if bytes == all { limit } else { bytes })
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
/// the key's, foreign names included.
pub(super) async fn find_unreadable_keys(
    client: &EtcdClient,
    abilities: &Abilities,
    wanted: &Snapshot,
) -> Result<Vec<LimitViolation>, StoreError> {
    let mut foreign = foreign::read_foreign_sizes(client, abilities).await?;
    foreign.retain(|(name, _)| !wanted.contains_key(&listing::key_of_name(name)));
    let own = wanted.iter().filter_map(|(key, entry)| {
        let bytes = entry.value()?.bytes.len() as u64;
        let name = key.to_string();
        Some([(version_name(&name), 4), (name, bytes)])
    });
    let mut sizes: Vec<(String, u64)> = own.flatten().chain(foreign.iter().cloned()).collect();
    sizes.sort();
    let mut totals = vec![0];
    for (name, bytes) in &sizes {
        let before = totals.last().copied().unwrap_or_default();
        totals.push(before + bytes + name.len() as u64 + FRAMING_PER_PAIR);
    }
    let total_before = |end: &[u8]| {
        let index = sizes.partition_point(|(name, _)| name.as_bytes() < end);
        totals.get(index).copied().unwrap_or_default()
    };
    Ok(wanted
        .keys()
        .filter_map(|key| {
            let name = key.to_string();
            let answer = total_before(&end_of_prefix(&name)) - total_before(name.as_bytes());
            (answer > ANSWER_LIMIT).then(|| unreadable_violation(key, answer, &foreign))
        })
        .collect())
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
