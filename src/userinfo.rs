//! User names and passwords in addresses, hidden in the texts of libraries, which quote whole addresses.

/// What stands in place of a user name and password.
const HIDDEN: &str = "<redacted>";

/// Returns the text without what could be the user name and password of an address: all between `//`, or the
/// beginning of a word, and the `@` before a host.
///
/// An address that a library can't read may have any character in it, such as a blank in the password: rather too
/// much is hidden than too little.
pub fn hide_userinfo(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        match find_userinfo(before) {
            Some(start) => {
                shown.push_str(before.get(..start).unwrap_or_default());
                shown.push_str(HIDDEN);
                rest = skip_to_host(after);
            }
            None => {
                shown.push_str(before);
                rest = after;
            }
        }
        shown.push('@');
    }
    shown + rest
}

/// Returns the text behind the last `@` of the address: a password may have some, too.
fn skip_to_host(after: &str) -> &str {
    let is_end = |c: char| c.is_whitespace() || "/\"'`?#".contains(c);
    let authority = after.get(..after.find(is_end).unwrap_or(after.len())).unwrap_or_default();
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    after.get(host..).unwrap_or_default()
}

/// Returns the position where a user name begins that ends with the text.
fn find_userinfo(before: &str) -> Option<usize> {
    if let Some(slashes) = before.rfind("//") {
        let candidate = before.get(slashes + 2..)?;
        let first_word = candidate.split(char::is_whitespace).next()?;
        if first_word.len() == candidate.len() || first_word.contains(':') {
            return Some(slashes + 2);
        }
    }
    let is_start = |c: char| c.is_whitespace() || "\"'`(,=<[{".contains(c);
    let start = before.rfind(is_start).map_or(0, |at| at + 1);
    before.get(start..)?.contains(':').then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_and_passwords_of_addresses_are_hidden() {
        for (text, shown) in [
            ("at http://user:S3KRET@h:1/x.", "at http://<redacted>@h:1/x."),
            ("'http://user:S3KRET@[bad' is no URI", "'http://<redacted>@[bad' is no URI"),
            ("'user:S3KRET@[bad' is no URI", "'<redacted>@[bad' is no URI"),
            ("for (\"http\", user:S3KRET@127.0.0.1:4)", "for (\"http\", <redacted>@127.0.0.1:4)"),
            ("http://user:S3 K/RET@h failed", "http://<redacted>@h failed"),
            ("http://user:S3K@RET@h/x@y", "http://<redacted>@h/x@y"),
            ("https://TOKEN@h", "https://<redacted>@h"),
            ("ask ops@example.com", "ask ops@example.com"),
            ("no address", "no address"),
        ] {
            assert_eq!(hide_userinfo(text), shown);
        }
    }
}
