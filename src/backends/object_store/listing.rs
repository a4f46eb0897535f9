//! Lists the objects below the prefix: Restate's, and foreign ones.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::body;
use super::store::{ObjectStore, entry_from_object};
use crate::model::unless_denied;
use crate::model::{Entry, Key, StoreError};

/// Restate's keys, tombstones of them too. An unknown name counts if its object decodes as
/// Restate's. `None` where listing is not permitted.
pub(super) async fn list_keys(store: &ObjectStore) -> Result<Option<BTreeSet<Key>>, StoreError> {
    // Restate itself never lists.
    let Some(names) = unless_denied(list_names(store, Some("/")).await)? else { return Ok(None) };
    let (mut known, unknown): (BTreeSet<Key>, BTreeSet<Key>) =
        names.iter().map(|name| Key::parse(name)).partition(Key::is_known);
    known.extend(select_restate_objects(store, unknown).await?);
    Ok(Some(known))
}

/// Counts the foreign objects below the prefix; `None` where listing is not permitted.
pub(super) async fn count_foreign_objects(store: &ObjectStore) -> Result<Option<u64>, StoreError> {
    let Some(names) = unless_denied(list_names(store, None).await)? else { return Ok(None) };
    let unknown: BTreeSet<Key> =
        names.iter().map(|name| Key::parse(name)).filter(|key| !key.is_known()).collect();
    let direct = unknown.iter().filter(|key| !key.to_string().contains('/')).cloned().collect();
    let ours = select_restate_objects(store, direct).await?;
    Ok(Some((unknown.len() - ours.len()) as u64))
}

/// Returns the unknown names whose objects decode as Restate's.
///
/// A large foreign object is not read: its first byte and its Content-Encoding are enough.
async fn select_restate_objects(
    store: &ObjectStore,
    unknown: BTreeSet<Key>,
) -> Result<BTreeSet<Key>, StoreError> {
    let looks = unknown.into_iter().map(|key| async move {
        let name = store.object_name(&key);
        let Some(first) = store.client.get(&name, true).await? else { return Ok(None) };
        if !body::may_be_ours(first.body.first().copied(), first.encoding.as_deref()) {
            return Ok(None);
        }
        let object = store.client.get(&name, false).await?;
        let is_ours = matches!(object.and_then(entry_from_object), Some(Entry::Intact(..)));
        Ok(is_ours.then_some(key))
    });
    let found = stream::iter(looks).buffer_unordered(store.client.retries.pace.max_concurrency());
    found.try_filter_map(|key| async move { Ok(key) }).try_collect().await
}

/// Lists all names below the prefix, without it, page by page.
async fn list_names(
    store: &ObjectStore,
    delimiter: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let (page, next) = store.client.list(&store.prefix, delimiter, token.as_deref()).await?;
        let below = page.iter().filter_map(|(name, _)| name.strip_prefix(&store.prefix));
        names.extend(below.filter(|name| !name.is_empty()).map(ToOwned::to_owned));
        match next {
            Some(next) if token.as_ref() != Some(&next) => token = Some(next),
            _ => return Ok(names),
        }
    }
}
