//! The check of what values say together, and of what an operator once chose and may have forgotten.

use crate::codec;
use crate::model::{Entry, Key, Snapshot, Value};
use crate::outcome::{Check, Finding};
use crate::wording::plural;

const UNFREEZE_HINT: &str = "unfreeze them once the cluster is up, with the official `restatectl partitions leadership \
                             unfreeze`: after the restart they have no leader until then";

/// Warns of partitions whose leadership is frozen: none of them gets a leader after a restart.
pub fn check_consistency(snapshot: &Snapshot) -> Finding {
    let is_frozen = |(key, entry): &(&Key, &Entry)| {
        matches!(key, Key::PartitionEpoch(_))
            && entry.value().is_some_and(|one| is_frozen(key, one))
    };
    let frozen: Vec<_> =
        snapshot.iter().filter(is_frozen).map(|(key, _)| key.to_string()).collect();
    if frozen.is_empty() {
        return Finding::ok(Check::Consistency, "no partition has a frozen leadership");
    }
    let detail = format!("{} with a frozen leadership", plural(frozen.len(), "partition"));
    Finding::ok(Check::Consistency, detail).items(frozen).into_warning().hint(UNFREEZE_HINT)
}

/// Returns whether the epoch's leadership policy keeps every node from becoming leader.
fn is_frozen(key: &Key, value: &Value) -> bool {
    const FIELD: &[u8] = b"freeze";
    // Field names are stored as they are, so that most values need not be decoded.
    let may_be = value.bytes.windows(FIELD.len()).any(|window| window == FIELD);
    let is_set = |document: serde_json::Value| {
        document.pointer("/leadership_policy/freeze").is_some_and(|freeze| !freeze.is_null())
    };
    may_be && codec::decode(key, &value.bytes).is_ok_and(is_set)
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Version};
    use crate::outcome::CheckStatus;

    #[test]
    fn frozen_leadership_is_a_warning_that_names_its_partitions() {
        let epoch = |id, document: &str| {
            let bytes = Bytes::from(format!("\x05{document}"));
            let value = Value { version: Version(1), bytes };
            (Key::PartitionEpoch(id), Entry::Intact(value, CasToken::Version(Version(1))))
        };
        let free = epoch(0, r#"{"leadership_policy":{"pin":{"reason":"freeze"}}}"#);
        let snapshot = Snapshot::from([free.clone()]);
        assert_eq!(check_consistency(&snapshot).status, CheckStatus::Ok);
        let frozen = epoch(1, r#"{"leadership_policy":{"freeze":{"reason":"r"}}}"#);
        let finding = check_consistency(&Snapshot::from([free, frozen]));
        assert_eq!(finding.status, CheckStatus::Warning);
        assert_eq!(finding.text(), "1 partition with a frozen leadership: pp_epoch_1");
    }
}
