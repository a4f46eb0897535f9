//! Lists names page by page, however many there are, and holds the store to what a listing has to be: names in
//! the range that was asked for, each after the one before it, and an end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use etcd_client::{GetOptions, GetResponse};

use super::client::EtcdClient;
use crate::model::StoreError;

/// The names that are asked for at once.
const PAGE: i64 = 10_000;

/// The most answers of one scan: enough for 10 million names.
const MAX_PAGES: usize = 1_000;

/// The longest time of one scan, and of looking at what it found.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(300);

/// The characters of a name that a message shows.
const SHOWN: usize = 80;

/// The end of a range that has none.
const NO_END: &[u8] = b"\0";

/// All names from one on, and before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameRange {
    start: Vec<u8>,
    end: Vec<u8>,
}

impl NameRange {
    /// Returns the range of all names.
    pub(super) fn all() -> Self {
        NameRange { start: NO_END.to_vec(), end: NO_END.to_vec() }
    }

    /// Returns the range of the names that begin with `prefix`, which ends in an ASCII character.
    pub(super) fn with_prefix(prefix: &str) -> Self {
        NameRange { start: prefix.as_bytes().to_vec(), end: end_of_prefix(prefix) }
    }

    fn contains(&self, name: &[u8]) -> bool {
        *name >= *self.start && (self.end == NO_END || *name < *self.end)
    }

    /// Returns what is left of the range behind a page; `None` behind the last one.
    ///
    /// # Errors
    /// What is wrong with the page, in words.
    fn after_page(&self, names: &[&[u8]], has_more: bool) -> Result<Option<NameRange>, String> {
        for (before, name) in [None].into_iter().chain(names.iter().map(Some)).zip(names) {
            if !self.contains(name) {
                let (from, found) = (show_name(&self.start), show_name(name));
                return Err(format!(
                    "its listing from {from} on has {found}, which was not asked for"
                ));
            }
            if let Some(before) = before.filter(|before| name <= *before) {
                let (before, found) = (show_name(before), show_name(name));
                return Err(format!("its listing has {found} after {before}, and does not ascend"));
            }
        }
        match (names.last(), has_more) {
            (_, false) => Ok(None),
            (Some(last), true) => {
                Ok(Some(NameRange { start: [last, NO_END].concat(), end: self.end.clone() }))
            }
            (None, true) => {
                let from = show_name(&self.start);
                Err(format!("its listing from {from} on is empty, and is said to have more names"))
            }
        }
    }
}

/// Returns the first name after all that begin with `prefix`, which ends in an ASCII character.
pub(super) fn end_of_prefix(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// Calls `visit` with each name in the range, in order, until it breaks; keeps none of them.
///
/// Names that are not UTF-8 are left out: none of Restate's are among them.
///
/// # Errors
/// [`StoreError::Unusable`] for a listing that does not advance, or does not end.
pub(super) async fn scan_names(
    client: &EtcdClient,
    range: NameRange,
    mut visit: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let started = Instant::now();
    let (mut rest, mut limit) = (range, PAGE);
    for _ in 0..MAX_PAGES {
        if started.elapsed() > TIME_LIMIT {
            let limit = TIME_LIMIT.as_secs();
            return Err(client.odd_answer(format!("its listing did not end within {limit} s")));
        }
        let page = match read_page(client, &rest, limit).await {
            // Long names: one answer has room for fewer.
            Err(StoreError::TooLarge { .. }) if limit > 1 => {
                limit /= 10;
                continue;
            }
            page => page?,
        };
        let names: Vec<&[u8]> = page.kvs().iter().map(etcd_client::KeyValue::key).collect();
        let next =
            rest.after_page(&names, page.more()).map_err(|fault| client.odd_answer(fault))?;
        for name in names.iter().filter_map(|name| str::from_utf8(name).ok()) {
            if visit(name).is_break() {
                return Ok(());
            }
        }
        match next {
            Some(next) => rest = next,
            None => return Ok(()),
        }
    }
    Err(client.odd_answer(format!("its listing did not end with {MAX_PAGES} answers")))
}

async fn read_page(
    client: &EtcdClient,
    range: &NameRange,
    limit: i64,
) -> Result<GetResponse, StoreError> {
    let options = GetOptions::new().with_range(range.end.clone()).with_keys_only();
    client.get("list from", &range.start, &options.with_limit(limit)).await
}

/// Returns a name as a message shows it: it comes from the store, and may hold anything.
fn show_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let shown: String = text.escape_debug().take(SHOWN).collect();
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(names: &[&str], has_more: bool) -> Result<Option<NameRange>, String> {
        let names: Vec<_> = names.iter().map(|name| name.as_bytes()).collect();
        NameRange::with_prefix("b").after_page(&names, has_more)
    }

    #[test]
    fn page_advances_or_is_an_error() {
        let rest = NameRange { start: b"bb\0".to_vec(), end: b"c".to_vec() };
        assert_eq!(after(&["b", "bb"], true), Ok(Some(rest.clone())));
        assert_eq!(after(&["b", "bb"], false), Ok(None));
        assert_eq!(after(&[], false), Ok(None));
        for (names, words) in [
            (&["b", "b"][..], "does not ascend"),
            (&["bb", "ba"], "does not ascend"),
            (&["a"], "not asked for"),
            (&["b", "c"], "not asked for"),
            (&[], "is empty"),
        ] {
            assert!(after(names, true).unwrap_err().contains(words), "{names:?}");
        }
        // The same page again.
        assert!(rest.after_page(&[b"b", b"bb"], true).unwrap_err().contains("not asked for"));
        let all = NameRange::all().after_page(&[b"\0", b"\xff"], true).unwrap().unwrap();
        assert_eq!(all, NameRange { start: b"\xff\0".to_vec(), end: b"\0".to_vec() });
    }

    #[test]
    fn name_in_a_message_is_short_and_has_no_control_characters() {
        assert_eq!(show_name(b"a\x1b[2J"), "`a\\u{1b}[2J`");
        assert!(show_name(&[b'x'; 500]).len() < 100);
    }
}
