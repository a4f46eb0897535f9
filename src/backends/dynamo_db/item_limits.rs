//! Values that are too large for an item, whose size is known from its content.

use super::item::{DATA, PK, VERSION};
use crate::model::{Key, LimitViolation, Snapshot, Value};
use crate::wording::format_bytes;

/// The most bytes of an item, names and values of all attributes included.
const ITEM_LIMIT: usize = 400 * 1024;

/// The most bytes of a partition key.
const NAME_LIMIT: usize = 2048;

/// Returns the values that do not fit an item.
pub(super) fn find_violations(prefix: &str, wanted: &Snapshot) -> Vec<LimitViolation> {
    let values = wanted.iter().filter_map(|(key, entry)| Some((key, entry.value()?)));
    values.filter_map(|(key, value)| find_violation(prefix, key, value)).collect()
}

fn find_violation(prefix: &str, key: &Key, value: &Value) -> Option<LimitViolation> {
    let name = format!("{prefix}{key}");
    if name.len() > NAME_LIMIT {
        return Some(LimitViolation {
            key: key.clone(),
            reason: format!(
                "would have a partition key of {} bytes; DynamoDB accepts {NAME_LIMIT}",
                name.len()
            ),
            hint: "choose a shorter key-prefix".to_owned(),
        });
    }
    let size = item_size(&name, value);
    (size > ITEM_LIMIT).then(|| LimitViolation {
        key: key.clone(),
        reason: format!(
            "would be an item of {}; DynamoDB accepts {}, attribute names and key included",
            format_bytes(size as u64),
            format_bytes(ITEM_LIMIT as u64)
        ),
        hint: "no setting of DynamoDB lifts this limit; move to an object store, or to an etcd \
               with a raised --max-request-bytes"
            .to_owned(),
    })
}

/// Returns the size as DynamoDB counts it: names and texts in bytes, bytes as they are, a number
/// one byte for two digits and one more.
fn item_size(name: &str, value: &Value) -> usize {
    let digits = value.version.to_string().len();
    let number = digits.div_ceil(2) + 1;
    PK.len() + name.len() + VERSION.len() + number + DATA.len() + value.bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CasToken, Entry, Version};

    fn wanted(version: u32, bytes: usize) -> Snapshot {
        let value = Value { version: Version(version), bytes: vec![2; bytes].into() };
        [(Key::Schema, Entry::Intact(value, CasToken::Version(Version(version))))].into()
    }

    #[test]
    fn the_limit_is_met_to_the_byte() {
        // pk, version and data: 13 bytes; p/schema_registry: 17; a version of 3 digits: 3.
        let most = 400 * 1024 - 13 - 17 - 3;
        assert_eq!(find_violations("p/", &wanted(123, most)), []);
        assert_eq!(find_violations("p/", &wanted(12345, most)).len(), 1);
        let over = find_violations("p/", &wanted(123, most + 1));
        insta::assert_snapshot!(over[0].reason, @"would be an item of 400.00 KiB; DynamoDB accepts 400.00 KiB, attribute names and key included");
    }

    #[test]
    fn a_key_of_any_length_is_measured() {
        assert_eq!(find_violations(&"p".repeat(2048 - 15), &wanted(1, 9)), []);
        assert_eq!(find_violations(&"p".repeat(2048 - 14), &wanted(1, 9)).len(), 1);
    }
}
