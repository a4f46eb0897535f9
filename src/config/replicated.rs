//! The fields of the replicated store, whose type may be left out.

use tonic::transport::Uri;

use super::fields::{FieldError, Fields, WithOffset};
use super::general::read_general;
use super::section::without_userinfo;

/// The fields of this type, beside those of every type.
pub(super) const FIELDS: [&str; 2] = ["address", "addresses"];

/// The port of a node's fabric services, where an address has neither scheme nor port.
const PORT: u16 = 5122;

/// Reads the addresses of nodes, each as `http://host:port`, `https://host:port` or `unix:path`.
pub(super) fn read_replicated(fields: &Fields<'_>) -> Result<Vec<String>, FieldError> {
    read_general(fields)?;
    let one = fields.text("address")?;
    let several = fields.texts("addresses")?.map(|(several, _)| several).unwrap_or_default();
    let written = match one {
        Some((_, at)) if !several.is_empty() => {
            return Err((at, "give address or addresses, not both".to_owned()));
        }
        Some(one) => vec![one],
        None => several,
    };
    written.iter().map(parse_address).collect()
}

/// Reads an address as the server does: it connects to the host and port, whatever is around them.
fn parse_address((written, at): &WithOffset<String>) -> Result<String, FieldError> {
    let text = written.trim();
    if text.starts_with("unix:") {
        return Ok(text.to_owned());
    }
    // Anything in front of an @ is a password, and is not to be shown.
    let shown = without_userinfo(text);
    let wrong = || {
        let form = "write http://host:port, https://host:port or unix:/path";
        (*at, format!("{shown:?} is not a valid address; {form}"))
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty() && *host != "*").ok_or_else(wrong)?;
    let (scheme, default) = match uri.scheme_str() {
        None => ("http", PORT),
        Some("http") => ("http", 80),
        Some("https") => ("https", 443),
        Some(_) => return Err(wrong()),
    };
    Ok(format!("{scheme}://{host}:{}", uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_places_that_the_server_connects_to() {
        let parse = |text: &str| parse_address(&(text.to_owned(), 0));
        for (written, place) in [
            ("http://a:1/", "http://a:1"),
            ("http://a", "http://a:80"),
            ("https://a", "https://a:443"),
            ("a", "http://a:5122"),
            ("a:1", "http://a:1"),
            (" HTTP://[::1]:1/path?q ", "http://[::1]:1"),
            ("http://u:s3cr3t@a:1", "http://a:1"),
            ("unix:/a", "unix:/a"),
        ] {
            assert_eq!(parse(written), Ok(place.to_owned()), "{written}");
        }
        for text in ["", "::1", "a b", "ftp://a:1", "*", "/a", "http://", "UNIX:/a"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
