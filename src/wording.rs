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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plural_agrees_with_the_count() {
        let counted = [0, 1, 2].map(|count| plural(count, "key"));
        assert_eq!(counted, ["0 keys", "1 key", "2 keys"]);
    }
}
