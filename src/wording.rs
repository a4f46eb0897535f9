//! Parts of messages that many modules need: counts that agree with their noun, sizes, long lists, and times.

use std::time::{Duration, SystemTime};

use indicatif::HumanBytes;

/// Returns the count with its noun: "1 key", "9 keys".
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns a size in binary units, such as "1.50 MiB".
pub fn format_bytes(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// The last second of the year 9999.
const LATEST_TIME: Duration = Duration::from_secs(253_402_300_799);

/// Returns the time, or the nearest one in the years 1970 to 9999: of any other, as a file or a clock may have it, no
/// text can be made (`humantime` panics).
pub fn limit_time(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since.min(LATEST_TIME)
}

/// The most names that a message lists.
const MOST_NAMES: usize = 20;

/// Returns the names with commas between them, as many as fit a message: "a, b, and 7 more".
pub fn join_first(names: impl IntoIterator<Item = String>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<_> = names.by_ref().take(MOST_NAMES).collect();
    match names.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(", ")
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
    fn every_time_has_a_text() {
        let shown = |time| humantime::format_rfc3339_seconds(limit_time(time)).to_string();
        let second = Duration::from_secs(1);
        let latest = SystemTime::UNIX_EPOCH + LATEST_TIME;
        assert_eq!(shown(latest), "9999-12-31T23:59:59Z");
        assert_eq!(shown(latest + second), "9999-12-31T23:59:59Z");
        assert_eq!(shown(SystemTime::UNIX_EPOCH - second), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn names_beyond_the_first_are_counted() {
        let names = |count: usize| join_first((1..=count).map(|n| n.to_string()));
        assert_eq!((names(0).as_str(), names(2).as_str()), ("", "1, 2"));
        assert!(names(20).ends_with("19, 20") && names(21).ends_with("20, and 1 more"));
    }

    #[test]
    fn numbers_are_listed_as_ranges() {
        assert_eq!(format_ranges(&[0, 1, 2, 3, 7, 9, 10]), "0 to 3, 7, 9, 10");
        assert_eq!(format_ranges(&[u16::MAX]), "65535");
        let odd: Vec<_> = (0..10).map(|n| 2 * n + 1).collect();
        assert_eq!(format_ranges(&odd), "1, 3, 5, 7, 9, 11, 13, 15, …");
    }
}
