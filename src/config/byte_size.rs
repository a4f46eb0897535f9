//! Numbers of bytes as the server reads them: `1000`, `32 MiB`, `1.5kb`.

/// The units of one letter, by their power of 1000 or 1024.
const PREFIXES: [char; 6] = ['k', 'm', 'g', 't', 'p', 'e'];

/// Reads a number of bytes of at least 1. A number with a point needs a unit; a number that is too
/// large for its unit is the largest there is.
pub(super) fn parse_byte_size(text: &str) -> Option<u64> {
    if let Ok(bytes) = text.parse::<u64>() {
        return (bytes > 0 && !text.starts_with('+')).then_some(bytes);
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    // A float parses a point alone neither, but nothing else that is no number: see `end`.
    let number: f64 = number.parse().ok()?;
    let bytes = number * factor(unit.trim_start())?;
    // A cast from a float saturates, as the server's does.
    (bytes >= 1.0).then_some(bytes as u64)
}

/// Returns the number of bytes of a unit, in any case of letters: `b`, `k`, `kb`, `ki`, `kib`.
fn factor(unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    if unit == "b" {
        return Some(1.0);
    }
    let mut letters = unit.chars();
    let prefix = letters.next()?;
    let power = (1..).zip(PREFIXES).find(|(_, letter)| *letter == prefix)?.0;
    let base: f64 = match letters.as_str() {
        "" | "b" => 1000.0,
        "i" | "ib" => 1024.0,
        _ => return None,
    };
    Some(base.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_server_reads_them() {
        for (text, bytes) in [
            ("5", 5),
            ("1 KB", 1000),
            ("1kib", 1024),
            ("1.5KiB", 1536),
            (".5k", 500),
            ("1.B", 1),
            ("32 MiB", 33_554_432),
            ("100EiB", u64::MAX),
        ] {
            assert_eq!(parse_byte_size(text), Some(bytes), "{text}");
        }
        for text in ["", "0", "1x", "1.5", "0.9 B", "+1", "-1KB", "1e3", ".KB", "1 KB ", "1 bytes"]
        {
            assert_eq!(parse_byte_size(text), None, "{text}");
        }
    }
}
