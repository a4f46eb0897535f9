//! Backup files that a tool has converted on their way: they are still recognized as backups, and the
//! conversion is named, but they are not read. A file that was changed once may have been changed more.

/// The beginning of every backup file.
pub(super) const BEGINNING: &[u8] = b"{\"restatectl_backup\":";

/// The mark that some editors and shells put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The step that helps.
const COPY_AGAIN: &str = "copy the original again, in binary mode";

/// Returns whether these bytes, which may be no more than the beginning of a file, are meant to be a
/// backup, also one that was cut off early.
pub fn is_backup(bytes: &[u8]) -> bool {
    let text = without_mark(bytes);
    let is_cut = !text.is_empty() && BEGINNING.starts_with(text);
    text.starts_with(BEGINNING) || is_cut || is_utf_16(bytes)
}

/// Describes what a tool has done to a file that `is_intact` refuses; `None` for any other damage.
pub(super) fn describe_conversion(
    bytes: &[u8],
    is_intact: impl Fn(&[u8]) -> bool,
) -> Option<String> {
    if is_utf_16(bytes) {
        return Some(format!(
            "it was converted to UTF-16, as some shells and editors do; {COPY_AGAIN}"
        ));
    }
    let text = without_mark(bytes);
    let has_mark = text.len() < bytes.len();
    // No backup has a carriage return: JSON escapes it.
    let has_crlf = text.contains(&b'\r');
    let change = match (has_mark, has_crlf) {
        (false, false) => return None,
        (false, true) => "its line ends were changed to CRLF",
        (true, false) => "a byte order mark was put in front of it",
        (true, true) => {
            "a byte order mark was put in front of it, and its line ends were changed to CRLF"
        }
    };
    let original = replace_crlf(text);
    is_intact(&original).then(|| format!("{change}, as some copying tools do; {COPY_AGAIN}"))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Returns whether the beginning is that of a backup in UTF-16, in either order of bytes.
fn is_utf_16(bytes: &[u8]) -> bool {
    let begins = |bytes: &[u8], to_bytes: fn(u16) -> [u8; 2]| {
        let units = bytes.chunks_exact(2).take(BEGINNING.len());
        let expected = BEGINNING.iter().map(|byte| to_bytes(u16::from(*byte)));
        bytes.len() >= 2 * BEGINNING.len() && units.eq(expected)
    };
    let little = bytes.strip_prefix(b"\xff\xfe").unwrap_or(bytes);
    let big = bytes.strip_prefix(b"\xfe\xff").unwrap_or(bytes);
    begins(little, u16::to_le_bytes) || begins(big, u16::to_be_bytes)
}

fn replace_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            replaced.push(byte);
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "{\"restatectl_backup\":1}\n{\"key\":\"\u{e9}\"}\n";

    fn describe(bytes: &[u8]) -> Option<String> {
        assert!(is_backup(bytes));
        describe_conversion(bytes, |original| original == FILE.as_bytes())
    }

    fn utf_16(mark: bool, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(FILE.encode_utf16()).flat_map(to_bytes).collect()
    }

    #[test]
    fn each_conversion_is_recognized_and_named() {
        let crlf = FILE.replace('\n', "\r\n");
        let with_mark = |text: &str| [BYTE_ORDER_MARK, text.as_bytes()].concat();
        for (bytes, words) in [
            (crlf.clone().into_bytes(), "its line ends were changed to CRLF, as"),
            (with_mark(FILE), "a byte order mark was put in front of it, as"),
            (with_mark(&crlf), "in front of it, and its line ends were changed to CRLF"),
            (utf_16(true, u16::to_le_bytes), "converted to UTF-16"),
            (utf_16(false, u16::to_le_bytes), "converted to UTF-16"),
            (utf_16(true, u16::to_be_bytes), "converted to UTF-16"),
        ] {
            let described = describe(&bytes).unwrap();
            assert!(described.contains(words), "{described}");
        }
    }

    #[test]
    fn other_damage_is_not_called_a_conversion() {
        for bytes in [
            FILE.as_bytes().to_vec(),
            FILE.replace('\n', "\r\n").replace("key", "kez").into_bytes(),
            FILE.replace("1}\n", "1}\r").into_bytes(),
        ] {
            assert_eq!(describe(&bytes), None);
        }
        assert!(!is_backup(b"[metadata-client]") && !is_backup(b"\xff\xfe{\0\"\0"));
    }
}
