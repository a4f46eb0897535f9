//! Keys by name, thousands of epochs in a row as their first and last.

use crate::model::Key;
use crate::model::epoch_ranges::in_ranges;

/// The names of keys in their order: `rule_book, pp_epoch_0 … pp_epoch_2047 (2048 keys)`.
pub(super) fn names<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let ranges = in_ranges(keys, |key| key, |_, _| true);
    let told: Vec<_> = ranges.iter().map(|range| name(range)).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn name(range: &[&Key]) -> String {
    match range {
        [first, .., last] => format!("{first} … {last} ({} keys)", range.len()),
        one => one.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_epochs_in_a_row_are_a_range() {
        let epochs = |numbers: &[u16]| numbers.iter().copied().map(Key::PartitionEpoch).collect();
        let mut keys: Vec<Key> = epochs(&[0, 1, 2, 3, 5, 7, 8, 9, 10, 11]);
        keys.insert(0, Key::RuleBook);
        assert_eq!(
            names(&keys),
            "rule_book, pp_epoch_0 … pp_epoch_3 (4 keys), pp_epoch_5, pp_epoch_7 … pp_epoch_11 (5 keys)"
        );
        assert_eq!(names(&epochs(&[1, 2, 3]) as &Vec<Key>), "pp_epoch_1, pp_epoch_2, pp_epoch_3");
        assert_eq!(names(&[]), "none");
    }
}
