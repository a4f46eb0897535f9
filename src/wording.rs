//! Parts of messages that many modules need: counts that agree with their noun, and sizes.

use indicatif::HumanBytes;

/// Returns the count with its noun: "1 key", "9 keys".
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns a size in binary units, such as "1.50 MiB".
pub fn format_bytes(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// The most ranges of numbers that a message lists.
const MOST_RANGES: usize = 8;

/// Returns numbers in their order as ranges, such as "0 to 3, 7".
pub fn format_ranges(numbers: &[u16]) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = ranges.iter().take(MOST_RANGES).map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    let mut shown: Vec<_> = shown.collect();
    if ranges.len() > MOST_RANGES {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plural_agrees_with_the_count() {
        let counted = [0, 1, 2].map(|count| plural(count, "key"));
        assert_eq!(counted, ["0 keys", "1 key", "2 keys"]);
    }

    #[test]
    fn numbers_are_listed_as_ranges() {
        assert_eq!(format_ranges(&[0, 1, 2, 3, 7, 9, 10]), "0 to 3, 7, 9, 10");
        assert_eq!(format_ranges(&[u16::MAX]), "65535");
        let odd: Vec<_> = (0..10).map(|n| 2 * n + 1).collect();
        assert_eq!(format_ranges(&odd), "1, 3, 5, 7, 9, 11, 13, 15, …");
    }
}
