//! Lists the keys of an etcd: Restate's, and foreign ones of the same shape.

use std::collections::BTreeSet;

use etcd_client::GetOptions;
use futures_util::future::try_join_all;

use super::client::EtcdClient;
use super::layout::version_name;
use crate::model::{Key, StoreError};

/// Names in one answer of a scan.
const PAGE: i64 = 10_000;

const VERSION_SUFFIX: &str = "::version";

/// Returns the prefixes of all Restate names, none of which is a prefix of another.
pub(super) fn restate_prefixes() -> Vec<String> {
    let fixed = Key::FIXED.iter().map(Key::to_string);
    fixed.chain([Key::EPOCH_PREFIX.to_owned()]).collect()
}

/// Restate's keys, also those of which only one half is there.
pub(super) async fn list_restate_keys(client: &EtcdClient) -> Result<BTreeSet<Key>, StoreError> {
    let prefixes = restate_prefixes();
    let scans =
        prefixes.iter().map(|prefix| list_names(client, prefix.as_bytes(), end_of_prefix(prefix)));
    let names = try_join_all(scans).await?;
    let keys = names
        .iter()
        .flatten()
        .map(|name| Key::parse(name.strip_suffix(VERSION_SUFFIX).unwrap_or(name)));
    Ok(keys.filter(Key::is_known).collect())
}

/// Counts the foreign pairs of a name and its version.
pub(super) async fn count_foreign_pairs(client: &EtcdClient) -> Result<u64, StoreError> {
    let all: BTreeSet<_> = list_names(client, b"\0", b"\0".to_vec()).await?.into_iter().collect();
    let pairs = all.iter().filter(|name| {
        !name.ends_with(VERSION_SUFFIX)
            && !Key::parse(name).is_known()
            && all.contains(&version_name(name))
    });
    Ok(pairs.count() as u64)
}

/// Returns the first name after all that begin with `prefix`, which ends in an ASCII character.
pub(super) fn end_of_prefix(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// Lists all names in a range, page by page.
///
/// Names that are not UTF-8 are left out: none of Restate's are among them.
pub(super) async fn list_names(
    client: &EtcdClient,
    from: &[u8],
    end: Vec<u8>,
) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut start = from.to_vec();
    let options = GetOptions::new().with_range(end).with_keys_only().with_limit(PAGE);
    loop {
        let page = client.get(&start, &options).await?;
        names.extend(page.iter().filter_map(|pair| pair.key_str().ok()).map(ToOwned::to_owned));
        match page.last() {
            Some(last) if page.len() as i64 == PAGE => start = [last.key(), b"\0"].concat(),
            _ => return Ok(names),
        }
    }
}
