//! TOML text in, a checked store configuration out. No I/O.
//!
//! The section is the server's own `[metadata-client]`, so that a file that works for the server
//! works here; see `docs/stored-formats.md`. Everything else in the file is skipped, since a
//! whole `restate.toml` may be given.

mod aws;
mod byte_size;
mod duration;
mod dynamo_db;
mod endpoint;
mod escaped_toml;
mod etcd;
mod fields;
mod general;
mod ipv6;
mod object_store;
mod replicated;
mod retry;
mod secret;
mod section;
mod similar;
mod store;
mod syntax;
mod unfilled;

use thiserror::Error;
use toml::Spanned;
use toml::de::DeTable;

pub(crate) use endpoint::{is_amazon, normalize_aws_endpoint, normalize_endpoint};
pub(crate) use etcd::has_port;
use fields::{FieldError, Fields};
pub(crate) use ipv6::describe_fault as ipv6_fault;
pub use retry::RetryPolicy;
pub use secret::{AwsAccess, EndpointUrl, Secret};
use section::SECTION;
pub use section::Section;
pub(crate) use section::without_userinfo;
use similar::{did_you_mean, find_similar};
pub use store::{DynamoDbConfig, EtcdConfig, ObjectStoreConfig, StoreConfig, Timeouts};
use unfilled::{describe_redacted, find_unfilled_values};

/// The names of the types.
const TYPES: [&str; 4] = ["replicated", "etcd", "object-store", "dynamo-db"];

/// Why the text is no configuration of a store. The message names the file and the place.
#[derive(Debug, Error)]
#[error("{file}{place}: {reason}")]
pub struct ConfigError {
    file: String,
    place: String,
    reason: String,
}

/// A configuration and what is to be said of it.
#[derive(Debug)]
pub struct StoreFile {
    /// The store, and how it is reached.
    pub store: StoreConfig,
    /// The section as it was written, without its secrets.
    pub section: Section,
    /// Warnings, such as fields that nothing reads.
    pub warnings: Vec<String>,
    /// The name of the file in messages.
    pub file: String,
    /// `true` if the section has a type.
    pub says_type: bool,
}

impl StoreFile {
    /// Returns how it comes to be of that type, for messages.
    pub fn says_replicated(&self) -> &'static str {
        match self.says_type {
            true => "is of type replicated",
            false => "has no type, which means replicated",
        }
    }
}

/// Reads the `[metadata-client]` section of `text`; `file` is how messages call it.
///
/// # Errors
/// [`ConfigError`] for text that is not TOML, has no such section, or describes no store, and for a secret that
/// this program has redacted.
pub fn parse(text: &str, file: &str) -> Result<StoreFile, ConfigError> {
    let fault = |offset: Option<usize>, reason: String| ConfigError {
        file: file.to_owned(),
        place: offset.map(|at| line_and_column(text, at)).unwrap_or_default(),
        reason,
    };
    let document = DeTable::parse(text)
        .map_err(|error| fault(error.span().map(|span| span.start), error.message().to_owned()))?;
    syntax::check_syntax(text).map_err(|(offset, reason)| fault(offset, reason))?;
    let (_, value) =
        document.get_ref().iter().find(|(name, _)| name.get_ref() == SECTION).ok_or_else(|| {
            fault(None, format!("has no [{SECTION}] section{}", similar_section(&document)))
        })?;
    let table = value.get_ref().as_table().ok_or_else(|| {
        fault(Some(value.span().start), format!("{SECTION} must be a section, written [{SECTION}]"))
    })?;
    let fields = Fields::new(table);
    let unfilled = find_unfilled_values(table);
    if let Some((offset, reason)) = describe_redacted(&unfilled) {
        return Err(fault(Some(offset), reason));
    }
    let store = read_store(&fields).map_err(|(offset, reason)| {
        let placeholder = unfilled.iter().find(|value| value.offset == offset);
        let cause = placeholder.map(|value| format!("; {}", value.describe()));
        fault(Some(offset), reason + &cause.unwrap_or_default())
    })?;
    let mut warnings = list_warnings(&fields, &store, file);
    let first = unfilled.iter().take(MOST_WARNINGS);
    let placeholders = first.map(|value| fault(Some(value.offset), value.describe()));
    warnings.extend(placeholders.map(|warning| warning.to_string()));
    warnings.extend(count_others(unfilled.len(), "placeholder", file));
    Ok(StoreFile {
        warnings,
        section: Section::without_secrets(table),
        file: file.to_owned(),
        says_type: fields.names().any(|name| name == "type"),
        store,
    })
}

/// The most warnings of one kind: a section that has more is none of Restate's.
const MOST_WARNINGS: usize = 20;

/// Names a section that is similar to the missing one.
fn similar_section(document: &Spanned<DeTable<'_>>) -> String {
    let names = document.get_ref().keys().map(|name| name.get_ref().as_ref());
    let mut alike = names.filter(|name| find_similar(name, [SECTION]).is_some());
    alike.next().map(|name| format!("; it has [{name}]")).unwrap_or_default()
}

fn read_store(fields: &Fields<'_>) -> Result<StoreConfig, FieldError> {
    let replicated = || replicated::read_replicated(fields).map(StoreConfig::Replicated);
    let Some((kind, at)) = fields.text("type")? else { return replicated() };
    match kind.as_str() {
        "replicated" | "embedded" => replicated(),
        "etcd" => etcd::read_etcd(fields, at).map(StoreConfig::Etcd),
        "object-store" => object_store::read_object_store(fields, at)
            .map(|config| StoreConfig::ObjectStore(Box::new(config))),
        "dynamo-db" => dynamo_db::read_dynamo_db(fields, at)
            .map(|config| StoreConfig::DynamoDb(Box::new(config))),
        other => {
            let known = format!("Restate knows {}", TYPES.join(", "));
            let meant = did_you_mean(other, TYPES);
            Err((at, format!("unknown type {other:?}; {known}{meant}")))
        }
    }
}

fn list_warnings(fields: &Fields<'_>, store: &StoreConfig, file: &str) -> Vec<String> {
    let mut warnings = unknown_fields(fields, store, file);
    if let StoreConfig::Etcd(etcd) = store {
        warnings.extend(etcd::list_warnings(etcd, file));
    }
    if let StoreConfig::ObjectStore(config) = store {
        warnings.extend(object_store::list_warnings(config, file));
    }
    warnings
}

fn unknown_fields(fields: &Fields<'_>, store: &StoreConfig, file: &str) -> Vec<String> {
    let (kind, own): (_, &[&str]) = match store {
        StoreConfig::Replicated(_) => ("replicated", &replicated::FIELDS),
        StoreConfig::Etcd(_) => ("etcd", &etcd::FIELDS),
        StoreConfig::ObjectStore(_) => ("object-store", &object_store::FIELDS),
        StoreConfig::DynamoDb(_) => ("dynamo-db", &dynamo_db::FIELDS),
    };
    let is_unknown = |name: &&str| !general::FIELDS.contains(name) && !own.contains(name);
    let unknown: Vec<_> = fields.names().filter(is_unknown).collect();
    let first = unknown.iter().take(MOST_WARNINGS).map(|name| {
        let known = general::FIELDS.iter().chain(own).copied();
        let meant = did_you_mean(name, known.filter(|known| !fields.has(known)));
        format!(
            "{file}: [{SECTION}] has the field {name}, which type {kind:?} does not know{meant}"
        )
    });
    first.chain(count_others(unknown.len(), "unknown field", file)).collect()
}

/// Returns a warning with the number of those that have none of their own.
fn count_others(count: usize, what: &str, file: &str) -> Option<String> {
    let others = count.checked_sub(MOST_WARNINGS).filter(|others| *others > 0)?;
    Some(format!("{file}: [{SECTION}] has {others} more of the kind: {what}"))
}

/// Returns the position as `, line 3, column 8`, counted in characters from 1.
fn line_and_column(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(", line {line}, column {column}")
}

#[cfg(test)]
mod tests;
