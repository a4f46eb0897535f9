//! Keys by name; consecutive partition epochs as a range from the first to the last.

use crate::model::Key;
use crate::model::epoch_ranges::in_ranges;
use crate::visible::escape_line;
use crate::wording::plural;

/// Returns the names of keys in their order: `rule_book, pp_epoch_0 … pp_epoch_2047 (2048 keys)`.
pub(super) fn list_key_names<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let ranges = in_ranges(keys, |key| key, |_, _| true);
    let names: Vec<_> = ranges.iter().map(|range| range_name(range)).collect();
    if names.is_empty() { "none".to_owned() } else { escape_line(&names.join(", ")).into_owned() }
}

fn range_name(range: &[&Key]) -> String {
    match range {
        [first, .., last] => format!("{first} … {last} ({})", plural(range.len(), "key")),
        keys => keys.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_consecutive_epochs_become_a_range() {
        let epochs = |numbers: &[u16]| numbers.iter().copied().map(Key::PartitionEpoch).collect();
        let mut keys: Vec<Key> = epochs(&[0, 1, 2, 3, 5, 7, 8, 9, 10, 11]);
        keys.insert(0, Key::RuleBook);
        assert_eq!(
            list_key_names(&keys),
            "rule_book, pp_epoch_0 … pp_epoch_3 (4 keys), pp_epoch_5, pp_epoch_7 … pp_epoch_11 (5 keys)"
        );
        let three: Vec<Key> = epochs(&[1, 2, 3]);
        assert_eq!(list_key_names(&three), "pp_epoch_1, pp_epoch_2, pp_epoch_3");
        assert_eq!(list_key_names(&[]), "none");
    }
}
