//! The encoding of the texts that an operator passes: UTF-8. Editors and shells of Windows write UTF-16, or a byte
//! order mark in front of UTF-8.

/// What UTF-8 may begin with, and no format allows for.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Decodes the bytes of a text, without its byte order mark.
///
/// # Errors
/// The encoding if it is another one that can be told, else the line that is not valid; to be read after the name
/// of the text.
pub(super) fn decode_text(bytes: Vec<u8>) -> Result<String, String> {
    if let Some(encoding) = find_wide_encoding(&bytes) {
        return Err(format!("is encoded in {encoding}: save it as UTF-8"));
    }
    String::from_utf8(strip_mark(bytes)).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = error.as_bytes().get(offset).copied().unwrap_or_default();
        format!("is not UTF-8 text: line {line} has the byte 0x{byte:02X}; if it is text, save it as UTF-8")
    })
}

/// Removes the byte order mark of UTF-8.
fn strip_mark(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    bytes
}

/// Returns the name of the encoding if a character of ASCII takes more than one byte in it.
///
/// Without a byte order mark it is known by the zero in each of the first characters, which are ASCII in TOML and
/// JSON, and never zero in UTF-8.
fn find_wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("UTF-16"),
        [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..] => Some("UTF-16"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn utf16_is_named_with_and_without_a_mark() {
        for text in ["[metadata-client]", "\u{FEFF}{\"a\": 1}", "# é"] {
            for bytes in [wide(text, u16::to_le_bytes), wide(text, u16::to_be_bytes)] {
                let refusal = decode_text(bytes).unwrap_err();
                assert_eq!(refusal, "is encoded in UTF-16: save it as UTF-8", "{text}");
            }
        }
        assert!(decode_text(b"\xFF\xFE\0\0[\0\0\0".to_vec()).unwrap_err().contains("UTF-32"));
    }

    #[test]
    fn mark_of_utf8_is_removed_and_other_bytes_are_named_with_their_line() {
        assert_eq!(decode_text(b"\xEF\xBB\xBFa".to_vec()).unwrap(), "a");
        assert_eq!(decode_text("é".as_bytes().to_vec()).unwrap(), "é");
        assert_eq!(decode_text(b"a\0".to_vec()).unwrap(), "a\0");
        assert_eq!(
            decode_text(b"a = 1\n# caf\xE9\n".to_vec()).unwrap_err(),
            "is not UTF-8 text: line 2 has the byte 0xE9; if it is text, save it as UTF-8"
        );
    }
}
