//! The fields of `type = "object-store"`, and the bucket and prefix of its path.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::aws::{self, ProfileAndKey};
use super::fields::{FieldError, Fields};
use super::general::{read_general, read_message_size_limit};
use super::retry::{Missing, read_retry_policy};
use super::store::ObjectStoreConfig;

/// The characters that object paths escape in a segment: Restate's own library for object stores
/// does so, after the URL has been escaped once.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b'/')
    .add(b'\\')
    .add(b'{')
    .add(b'^')
    .add(b'}')
    .add(b'%')
    .add(b'`')
    .add(b']')
    .add(b'"')
    .add(b'>')
    .add(b'[')
    .add(b'~')
    .add(b'<')
    .add(b'#')
    .add(b'|')
    .add(b'*')
    .add(b'?');

/// The fields of this type, beside those of every type.
pub(super) const FIELDS: [&str; 9] = [
    "path",
    "aws-profile",
    "aws-region",
    "aws-access-key-id",
    "aws-secret-access-key",
    "aws-session-token",
    "aws-endpoint-url",
    "aws-allow-http",
    "object-store-retry-policy",
];

pub(super) fn read_object_store(
    fields: &Fields<'_>,
    type_at: usize,
) -> Result<ObjectStoreConfig, FieldError> {
    let timeouts = read_general(fields)?;
    let (path, path_at) = fields.text("path")?.ok_or_else(|| {
        let needs = "type \"object-store\" needs path, such as \"s3://bucket/prefix\"";
        (type_at, fields.describe_missing("path", needs))
    })?;
    let (bucket, prefix) = parse_location(&path).map_err(|reason| (path_at, reason))?;
    Ok(ObjectStoreConfig {
        bucket,
        prefix,
        access: aws::read_access(fields, ProfileAndKey::IsTheProfile)?,
        region: aws::read_region(fields)?,
        endpoint: aws::read_endpoint(fields)?,
        allow_http: fields.boolean("aws-allow-http")?,
        retry: read_retry_policy(fields, "object-store-retry-policy", Missing::IsAFault)?,
        message_size_limit: read_message_size_limit(fields)?,
        timeouts,
    })
}

/// Returns warnings about what servers take, and regret.
pub(super) fn list_warnings(config: &ObjectStoreConfig, file: &str) -> Option<String> {
    config.retry.panics_servers().then(|| {
        format!(
            "{file}: with this object-store-retry-policy, servers panic at the first request that fails; \
             leave it out, or use type \"exponential\" with a factor above 1 and a max-interval \
             not below initial-interval"
        )
    })
}

/// Returns bucket and prefix of an `s3://` URL.
///
/// The prefix is the path of the parsed URL, each of its segments escaped once more; it has no
/// slash at either end, and may be empty.
fn parse_location(path: &str) -> Result<(String, String), String> {
    const FORM: &str = "path must be a URL such as \"s3://bucket/prefix\"";
    let url = url::Url::parse(path).map_err(|_| FORM.to_owned())?;
    if url.scheme() != "s3" {
        return Err(
            "path must begin with s3://; Restate keeps metadata in no other object store".into()
        );
    }
    let bucket = url.host_str().filter(|bucket| !bucket.is_empty()).ok_or(FORM)?;
    check_decoded_path(url.path())?;
    let trimmed = trim_slashes(url.path());
    if trimmed.is_empty() {
        return Ok((bucket.to_owned(), String::new()));
    }
    let escaped: Vec<_> = trimmed
        .split('/')
        .map(|segment| utf8_percent_encode(segment, ESCAPED).to_string())
        .collect();
    Ok((bucket.to_owned(), escaped.join("/")))
}

/// Returns the path without one slash at either end.
fn trim_slashes(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

/// Checks what the server checks at its start: the path of the URL with its escapes resolved.
fn check_decoded_path(path: &str) -> Result<(), String> {
    let decoded = percent_decode_str(path).decode_utf8();
    let decoded = decoded.map_err(|_| "path has an escape that is not UTF-8, such as %FF")?;
    let trimmed = trim_slashes(&decoded);
    if trimmed.is_empty() && decoded.len() <= 1 {
        return Ok(());
    }
    for segment in trimmed.split('/') {
        if segment.is_empty() {
            return Err("path has an empty segment: two slashes in a row".to_owned());
        }
        if [".", ".."].contains(&segment) || segment.contains(|c: char| c.is_ascii_control()) {
            return Err(format!("path has the segment {segment:?}, which Restate refuses"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_location;

    #[test]
    fn prefixes_are_escaped_twice() {
        for (path, bucket, prefix) in [
            ("s3://b", "b", ""),
            ("s3://b/", "b", ""),
            ("s3://b/a", "b", "a"),
            ("s3://b/a/b/", "b", "a/b"),
            ("s3://b/my prefix", "b", "my%2520prefix"),
            ("s3://b/é+~#z", "b", "%25C3%25A9+%7E"),
            ("s3://b/a/./b/../c", "b", "a/c"),
            ("s3://b/a?query", "b", "a"),
            ("s3://b/a%2fb", "b", "a%252fb"),
            ("s3://b/a%2F", "b", "a%252F"),
        ] {
            assert_eq!(parse_location(path), Ok((bucket.to_owned(), prefix.to_owned())), "{path}");
        }
        for path in [
            "",
            "b",
            "s3:///a",
            "gs://b/a",
            "file:///a",
            "s3://b/a//b",
            "s3://b//a",
            "s3://b//",
            "s3://b/%FF",
            "s3://b/%00",
            "s3://b/a%2F%2Fb",
            "s3://b/%2F",
            "s3://b/%2e%2e%2fx",
            "s3://b/a%0Ab",
        ] {
            assert!(parse_location(path).is_err(), "{path}");
        }
    }
}
