//! The fields of `type = "object-store"`, and the bucket and prefix of its path.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::aws::{self, ProfileAndKey};
use super::fields::{FieldError, Fields};
use super::retry::retry_policy;
use super::store::ObjectStoreConfig;
use super::timeouts::read_timeouts;

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
        allow_http: fields.boolean("aws-allow-http")?.unwrap_or(false),
        retry: retry_policy(fields, "object-store-retry-policy")?,
        timeouts: read_timeouts(fields)?,
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
    let trimmed = url.path().strip_prefix('/').unwrap_or(url.path());
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if trimmed.is_empty() && url.path().len() <= 1 {
        return Ok((bucket.to_owned(), String::new()));
    }
    let segments: Vec<_> = trimmed.split('/').collect();
    if segments.contains(&"") {
        return Err("path has an empty segment: two slashes in a row".to_owned());
    }
    let escaped: Vec<_> =
        segments.iter().map(|segment| utf8_percent_encode(segment, ESCAPED).to_string()).collect();
    Ok((bucket.to_owned(), escaped.join("/")))
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
        ] {
            assert_eq!(parse_location(path), Ok((bucket.to_owned(), prefix.to_owned())), "{path}");
        }
        for path in
            ["", "b", "s3:///a", "gs://b/a", "file:///a", "s3://b/a//b", "s3://b//a", "s3://b//"]
        {
            assert!(parse_location(path).is_err(), "{path}");
        }
    }
}
