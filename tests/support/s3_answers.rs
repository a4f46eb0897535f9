//! Answers of S3 as a proxy sends them: pages of listings, and real answers with other headers.

use std::fmt::Write as _;

/// A page of a listing.
#[derive(Default)]
pub struct Page<'a> {
    /// Names with sizes.
    pub names: Vec<(String, u64)>,
    pub is_truncated: bool,
    pub next: Option<&'a str>,
    /// The count that the page has of its names, if it is not right.
    pub count: Option<usize>,
}

impl Page<'_> {
    /// Returns the whole response.
    pub fn respond(&self) -> Vec<u8> {
        let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>".to_owned();
        let count = self.count.unwrap_or(self.names.len());
        write!(xml, "<KeyCount>{count}</KeyCount><IsTruncated>{}</IsTruncated>", self.is_truncated)
            .unwrap();
        for (name, size) in &self.names {
            write!(xml, "<Contents><Key>{name}</Key><Size>{size}</Size></Contents>").unwrap();
        }
        if let Some(next) = self.next {
            write!(xml, "<NextContinuationToken>{next}</NextContinuationToken>").unwrap();
        }
        xml.push_str("</ListBucketResult>");
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{xml}",
            xml.len()
        )
        .into_bytes()
    }
}

/// Returns the continuation token of a request, as it stands in its head.
pub fn token_of(head: &str) -> Option<String> {
    let (_, rest) = head.lines().next()?.split_once("continuation-token=")?;
    Some(rest.split(['&', ' ']).next()?.to_owned())
}

/// Returns the request or the response without this header, or with another value of it.
pub fn replace_header(message: &[u8], name: &str, value: Option<&str>) -> Vec<u8> {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&message[..end]).unwrap();
    let is_other = |line: &&str| !line.to_ascii_lowercase().starts_with(&format!("{name}:"));
    let mut lines: Vec<_> = head.split("\r\n").filter(is_other).map(ToOwned::to_owned).collect();
    lines.extend(value.map(|value| format!("{name}: {value}")));
    [lines.join("\r\n").as_bytes(), &message[end..]].concat()
}
