//! Whether a store that changed still is what it was, with later changes only. Pure: no I/O, not async.

use crate::codec;
use crate::model::{Entry, Key, KeyStatus, Snapshot};
use crate::pipeline::verify::compare_values;
use crate::wording::join_first;

/// Describes what `before` holds and would lose to `now`; `None` if `now` can be a later state of the same store.
///
/// Servers remove no key, and raise the version of what they change. Everything else is a store that was emptied,
/// restored or replaced.
pub fn describe_loss(before: &Snapshot, now: &Snapshot) -> Option<String> {
    let (saved, found) = (codec::cluster_of(before), codec::cluster_of(now));
    if saved != found {
        let (saved, found) = (describe_cluster(saved), describe_cluster(found));
        return Some(format!("it holds {saved}, and the source now {found}"));
    }
    let lost: Vec<_> = before.iter().filter(|(key, entry)| !is_followed(key, entry, now)).collect();
    (!lost.is_empty()).then(|| {
        let keys = join_first(lost.into_iter().map(|(key, _)| key.to_string()));
        format!("it holds values that are neither in the source nor replaced by newer ones: {keys}")
    })
}

/// Returns whether the same value is there now, or a newer one.
fn is_followed(key: &Key, before: &Entry, now: &Snapshot) -> bool {
    let pair = before.value().zip(now.get(key).and_then(Entry::value));
    let status = pair.map(|(before, now)| compare_values(key, before, now));
    matches!(status, Some(KeyStatus::Same | KeyStatus::Newer))
}

fn describe_cluster(cluster: Option<(String, Option<u64>)>) -> String {
    match cluster {
        Some((name, Some(fingerprint))) => {
            format!("cluster {name} with fingerprint {fingerprint}")
        }
        Some((name, None)) => format!("cluster {name} without a fingerprint"),
        None => "a cluster without a name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CasToken, Value, Version};

    fn entry(version: u32, document: &str) -> Entry {
        let value = Value { version: Version(version), bytes: document.to_owned().into() };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    fn store(name: &str, fingerprint: u64, rules: Option<Entry>) -> Snapshot {
        let nodes = format!(
            "\x05{{\"version\":1,\"cluster_name\":\"{name}\",\"cluster_fingerprint\":{fingerprint},\"nodes\":[]}}"
        );
        let nodes = (Key::NodesConfig, entry(1, &nodes));
        [nodes].into_iter().chain(rules.map(|rules| (Key::RuleBook, rules))).collect()
    }

    #[test]
    fn only_later_states_of_the_same_cluster_lose_nothing() {
        let damaged = Entry::Damaged {
            reason: "cut".into(),
            raw: Vec::new(),
            tag: CasToken::Version(Version(5)),
        };
        let before = store("demo", 7, Some(entry(4, "a")));
        for (now, loss) in [
            (store("demo", 7, Some(entry(4, "a"))), None),
            (store("demo", 7, Some(entry(5, "b"))), None),
            (store("demo", 7, Some(entry(4, "b"))), Some("newer ones: rule_book")),
            (store("demo", 7, Some(entry(3, "a"))), Some("newer ones: rule_book")),
            (store("demo", 7, Some(damaged)), Some("newer ones: rule_book")),
            (store("demo", 7, None), Some("newer ones: rule_book")),
            (store("demo", 8, Some(entry(4, "a"))), Some("now cluster demo with fingerprint 8")),
            (store("other", 7, Some(entry(4, "a"))), Some("now cluster other with fingerprint 7")),
            (Snapshot::new(), Some("now a cluster without a name")),
        ] {
            let found = describe_loss(&before, &now);
            let is_same = found.as_deref().zip(loss).map(|(found, loss)| found.ends_with(loss));
            assert_eq!(
                (found.is_some(), is_same),
                (loss.is_some(), loss.map(|_| true)),
                "{found:?}"
            );
        }
        // What is added is no loss.
        assert_eq!(describe_loss(&store("demo", 7, None), &before), None);
    }

    #[test]
    fn many_lost_keys_are_not_all_listed() {
        let before: Snapshot =
            (0..u16::MAX).map(|id| (Key::PartitionEpoch(id), entry(1, "a"))).collect();
        let loss = describe_loss(&before, &Snapshot::new()).unwrap();
        assert!(loss.len() < 500 && loss.ends_with("and 65515 more"), "{loss}");
    }
}
