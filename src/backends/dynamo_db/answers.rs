//! Checks that an answer is one to the question. What was not asked for, or lacks what every DynamoDB sends, is
//! the store's error: it is never taken for an absent key, or for the end of a list.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::scan::ScanOutput;

use super::item::{self, Item, PK};

/// The most characters of a name in a message.
const SHOWN_CHARS: usize = 80;

/// One answer to a BatchGetItem: the items that exist, and the names that it leaves for later.
#[derive(Debug)]
pub(super) struct ReadItems {
    pub(super) items: Vec<Item>,
    pub(super) unprocessed: Vec<String>,
}

/// One page of a scan: its items, and the name at which the next page begins.
#[derive(Debug)]
pub(super) struct ScanPage {
    pub(super) items: Vec<Item>,
    pub(super) next: Option<String>,
}

/// The fault of an answer.
#[derive(Debug)]
pub(super) enum AnswerFault {
    /// No DynamoDB answers so; the text tells what it did.
    Wrong(String),
    /// The table has another key than Restate's.
    OtherKey(String),
}

/// Sorts an answer to a read of these names. Each is answered once at most, or left.
pub(super) fn sort_read(
    names: &[String],
    answer: BatchGetItemOutput,
) -> Result<ReadItems, AnswerFault> {
    let has_items = answer.responses.is_some();
    let mut open: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut take = |item: &Item, list: &str| {
        let name = item::name(item);
        match name.is_some_and(|name| open.remove(name)) {
            true => Ok(name.unwrap_or_default().to_owned()),
            false => Err(AnswerFault::Wrong(format!(
                "{list} of BatchGetItem name {}, which was not asked for or is there twice",
                quote(name.unwrap_or_default())
            ))),
        }
    };
    let responses = answer.responses.into_iter().flat_map(HashMap::into_values);
    let items: Vec<Item> = responses.flatten().collect();
    for item in &items {
        take(item, "Responses")?;
    }
    let left = answer.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
    let left = left.flat_map(|left| left.keys).map(|key| take(&key, "UnprocessedKeys"));
    let unprocessed: Vec<String> = left.collect::<Result<_, _>>()?;
    if !has_items && unprocessed.len() < names.len() {
        let reason = "BatchGetItem has no list of items, and leaves not all of the names";
        return Err(AnswerFault::Wrong(reason.to_owned()));
    }
    Ok(ReadItems { items, unprocessed })
}

/// Sorts one page of a scan.
pub(super) fn sort_page(answer: ScanOutput) -> Result<ScanPage, AnswerFault> {
    let Some(items) = answer.items else {
        return Err(AnswerFault::Wrong("Scan has no list of items".to_owned()));
    };
    // DynamoDB ends with no key; some servers end with an empty one.
    let next = match answer.last_evaluated_key.filter(|key| !key.is_empty()) {
        None => None,
        Some(key) => Some(item::name(&key).map(ToOwned::to_owned).ok_or_else(|| {
            let mut names: Vec<_> = key.into_keys().filter(|name| name != PK).collect();
            names.sort();
            AnswerFault::OtherKey(quote(&names.join(", ")))
        })?),
    };
    Ok(ScanPage { items, next })
}

/// Quotes a name from an answer, which may hold anything.
pub(super) fn quote(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN_CHARS).collect();
    let rest = if shown.len() < name.len() { "…" } else { "" };
    format!("{shown:?}{rest}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::KeysAndAttributes;

    use super::*;

    fn answer(items: &[&str], left: &[&str]) -> BatchGetItemOutput {
        let keys = left.iter().map(|name| item::key(name)).collect();
        let left = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
        BatchGetItemOutput::builder()
            .responses("t", items.iter().map(|name| item::key(name)).collect())
            .unprocessed_keys("t", left)
            .build()
    }

    #[test]
    fn only_names_that_were_asked_for_are_accepted_and_each_once() {
        let asked = ["a", "b", "c"].map(ToOwned::to_owned);
        let sorted = |items: &[&str], left: &[&str]| sort_read(&asked, answer(items, left));
        let page = sorted(&["b"], &["a"]).unwrap();
        assert_eq!((page.items.len(), page.unprocessed), (1, vec!["a".to_owned()]));
        for (items, left) in [
            (&["x"][..], &[][..]),
            (&["a", "a"], &[]),
            (&["a"], &["a"]),
            (&[], &["b", "b"]),
            (&[], &["x"]),
        ] {
            assert!(
                matches!(sorted(items, left), Err(AnswerFault::Wrong(_))),
                "{items:?} {left:?}"
            );
        }
        assert!(sort_read(&asked, BatchGetItemOutput::builder().build()).is_err());
    }

    #[test]
    fn page_without_items_or_with_another_key_is_no_end_of_a_scan() {
        let page = |key: Option<Item>| {
            let output = ScanOutput::builder().set_items(Some(Vec::new()));
            sort_page(output.set_last_evaluated_key(key).build())
        };
        assert!(sort_page(ScanOutput::builder().build()).is_err());
        assert_eq!(page(None).unwrap().next, None);
        assert_eq!(page(Some(Item::new())).unwrap().next, None);
        assert_eq!(page(Some(item::key("a"))).unwrap().next.as_deref(), Some("a"));
        let other = item::key("a").into_values().map(|value| ("id".to_owned(), value)).collect();
        assert!(matches!(page(Some(other)), Err(AnswerFault::OtherKey(name)) if name == "\"id\""));
    }

    #[test]
    fn names_in_messages_are_short_and_escaped() {
        assert_eq!(quote("a\u{1b}[2J"), "\"a\\u{1b}[2J\"");
        assert_eq!(quote(&"x".repeat(2048)).chars().count(), SHOWN_CHARS + 3);
    }
}
