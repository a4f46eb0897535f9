//! Texts that the servers parse, with the parser of the library that they use where it is public.

use http::uri::Uri;
use http::{HeaderName, HeaderValue};

/// The greatest number of nodes of a log's nodeset.
pub(super) const MOST_NODES: u64 = 128;

/// A form of text.
#[derive(Debug)]
pub(super) struct TextForm {
    /// To be read after "instead of".
    pub(super) description: &'static str,
    pub(super) is_valid: fn(&str) -> bool,
}

pub(super) const ANY_TEXT: TextForm = TextForm { description: "a text", is_valid: |_| true };

/// The address of a node.
pub(super) const ADDRESS: TextForm = TextForm {
    description: "an address such as \"http://10.0.0.1:5122/\"",
    is_valid: |text| text.trim().starts_with("unix:") || is_uri(text.trim()),
};

pub(super) const URI: TextForm =
    TextForm { description: "an address such as \"http://10.0.0.1:9080/\"", is_valid: is_uri };

/// The region and the zone of a node.
pub(super) const LOCATION: TextForm =
    TextForm { description: "a location such as \"region.zone\"", is_valid: is_location };

/// How many nodes, zones and regions hold a copy.
pub(super) const REPLICATION: TextForm =
    TextForm { description: "a replication such as \"{node: 2}\"", is_valid: is_replication };

pub(super) const SCOPE: TextForm = TextForm {
    description: "one of \"node\", \"zone\", \"region\"",
    is_valid: |text| rank_of(text).is_some(),
};

/// The id and the generation of a node.
pub(super) const NODE_NAME: TextForm =
    TextForm { description: "a node such as \"N1:2\"", is_valid: is_node };

pub(super) const LAMBDA_ARN: TextForm = TextForm {
    description: "the ARN of a version of a Lambda function",
    is_valid: |text| match text.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "lambda", region, account, "function", name, version] => {
            [partition, region, account, name, version].iter().all(|part| !part.is_empty())
        }
        _ => false,
    },
};

/// The pattern of a limiter rule.
pub(super) const PATTERN: TextForm = TextForm {
    description: "a pattern such as \"scope1/*\": up to 3 names of at most 36 letters, digits, `.`, `_` and `-`, or `*`",
    is_valid: is_pattern,
};

/// A version character and 22 of base 62.
pub(super) const DEPLOYMENT_ID: TextForm = TextForm {
    description: "an id such as \"dp_159t2WMYWKPl2uryduCNBS1\"",
    is_valid: |text| {
        let id = text.strip_prefix("dp_1").unwrap_or_default();
        id.len() == 22 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    },
};

pub(super) const HTTP_VERSION: TextForm = TextForm {
    description: "a version such as \"HTTP/2.0\"",
    is_valid: |text| ["HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"].contains(&text),
};

pub(super) const DURATION: TextForm =
    TextForm { description: "a duration such as \"1m 30s\"", is_valid: is_duration };

pub(super) const HEADER_NAME: TextForm = TextForm {
    description: "the name of a header",
    is_valid: |text| HeaderName::from_bytes(text.as_bytes()).is_ok(),
};

pub(super) const HEADER_VALUE: TextForm = TextForm {
    description: "the value of a header",
    is_valid: |text| HeaderValue::from_str(text).is_ok(),
};

fn is_uri(text: &str) -> bool {
    text.parse::<Uri>().is_ok()
}

/// Returns whether the text has a region, or a region and a zone.
fn is_location(text: &str) -> bool {
    let has_delimiter = |text: &str| text.contains([' ', ':']);
    match text.trim().split('.').collect::<Vec<_>>().as_slice() {
        [region] => !has_delimiter(region),
        ["", zone] => zone.is_empty(),
        [region, zone] => !has_delimiter(region) && !has_delimiter(zone),
        _ => false,
    }
}

/// Returns whether the text is a count, or counts of nodes, zones and regions in braces, none less than
/// that of a wider scope.
fn is_replication(text: &str) -> bool {
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let Some(inner) = inner else { return parse_count(text).is_some() };
    let parts = inner.split(',').map(|part| {
        let (scope, count) = part.split_once(':')?;
        Some((rank_of(&scope.trim().to_ascii_lowercase())?, parse_count(count)?))
    });
    let Some(mut counts) = parts.collect::<Option<Vec<_>>>() else { return false };
    counts.sort_by_key(|(rank, _)| *rank);
    counts.windows(2).all(|pair| match pair {
        [(narrow, more), (wide, fewer)] => narrow == wide || more >= fewer,
        _ => true,
    })
}

fn parse_count(text: &str) -> Option<u8> {
    text.trim().parse::<u8>().ok().filter(|count| *count > 0)
}

fn rank_of(scope: &str) -> Option<usize> {
    ["node", "zone", "region"].iter().position(|known| *known == scope)
}

fn is_node(text: &str) -> bool {
    let plain = text.strip_prefix('N').unwrap_or(text);
    plain
        .split_once(':')
        .is_some_and(|(id, generation)| [id, generation].iter().all(|n| n.parse::<u32>().is_ok()))
}

/// Returns whether the text is a duration of days and smaller units, which have a length of their own.
fn is_duration(text: &str) -> bool {
    let span = text.parse::<jiff::Span>();
    span.is_ok_and(|span| span.get_years() == 0 && span.get_months() == 0 && !span.is_negative())
}

fn is_pattern(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    let is_name = |name: &str| (1..=36).contains(&name.len()) && name.chars().all(is_plain);
    let names = text.strip_suffix('/').unwrap_or(text).split('/').collect::<Vec<_>>();
    names.len() <= 3 && names.iter().all(|name| *name == "*" || is_name(name))
}
