//! Words of a command line, written so that a shell reads them back as the same bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::visible::steers_terminal;

/// Returns the words as one line that a shell splits into exactly these words.
pub fn join_words<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| quote_word(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Returns the word as a shell reads it back: as it is, in single quotes, or, where it has bytes that
/// are no text or that a terminal obeys, as `$'…'` with escapes, which bash, zsh and ksh understand.
pub fn quote_word(word: impl AsRef<OsStr>) -> String {
    let bytes = word.as_ref().as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => text.to_owned(),
        Ok(text) if !text.chars().any(steers_terminal) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{}'", escape_bytes(bytes)),
    }
}

fn is_plain(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    // Some shells replace a word that begins with = by the path of a command.
    !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain)
}

/// Escapes what is not printable text; what is stays readable.
fn escape_bytes(bytes: &[u8]) -> String {
    let mut escaped = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => escaped.extend(['\\', c]),
                c if steers_terminal(c) => escape_each(&mut escaped, c.to_string().as_bytes()),
                c => escaped.push(c),
            }
        }
        escape_each(&mut escaped, chunk.invalid());
    }
    escaped
}

/// Appends each byte as three octal digits, after which any digit may follow.
fn escape_each(escaped: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| escaped.push_str(&format!("\\{byte:03o}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let words = ["restatectl", "-s", "http://[::1]:1,http://b:2", "my file", "it's", "", "é"];
        assert_eq!(
            join_words(words),
            r"restatectl -s 'http://[::1]:1,http://b:2' 'my file' 'it'\''s' '' 'é'"
        );
    }

    #[test]
    fn bash_reads_every_quoted_word_back() {
        let folder = tempfile::TempDir::new().unwrap();
        // What a pattern could be replaced by.
        std::fs::write(folder.path().join("ab"), "").unwrap();
        let words: [&[u8]; 11] = [
            b"a[b]",
            b"a?",
            b"=ls",
            b"a\xffb",
            b"\xff7",
            b"tab\there",
            b"line\nend",
            b"\x1b[2J'\\",
            "\u{202e}txt.é".as_bytes(),
            b"\xe2\x82",
            b"$'x'",
        ];
        for word in words {
            let quoted = quote_word(OsStr::from_bytes(word));
            assert!(!quoted.contains(steers_terminal), "{quoted:?}");
            let script = format!("printf %s {quoted}");
            let shell = std::process::Command::new("bash")
                .args(["-c", &script])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert_eq!(shell.stdout, word, "{quoted}");
        }
    }
}
