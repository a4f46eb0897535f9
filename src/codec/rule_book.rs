//! The limiter rules: a bilrost message as JSON, and back. Unknown tags are skipped, so
//! that a rule book of a newer server can still be looked at; it can't be edited.

use std::collections::BTreeMap;

use bilrost::{Message, OwnedMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleBook {
    #[bilrost(1)]
    version: u32,
    #[bilrost(2)]
    rules: BTreeMap<String, Rule>,
}

/// Field names are those of the server's own admin API.
#[derive(Debug, Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[bilrost(1)]
    version: u32,
    #[bilrost(3)]
    limits: RuleLimits,
    #[bilrost(4)]
    #[serde(default)]
    description: Option<String>,
    #[bilrost(5)]
    #[serde(default)]
    disabled: bool,
    #[bilrost(6)]
    last_modified_millis_since_epoch: u64,
}

#[derive(Debug, Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLimits {
    #[bilrost(1)]
    #[serde(default)]
    concurrency: Option<u32>,
}

pub(super) fn to_json(message: &[u8]) -> Result<Json, String> {
    let book = RuleBook::decode(message).map_err(|error| error.to_string())?;
    serde_json::to_value(book).map_err(|error| error.to_string())
}

/// Encodes a document in the form of [`to_json`].
///
/// A field that the message does not have is an error, since it would be lost.
pub(super) fn from_json(document: &Json) -> Result<Vec<u8>, String> {
    let book = RuleBook::deserialize(document).map_err(|error| error.to_string())?;
    for (pattern, rule) in &book.rules {
        if rule.limits.concurrency == Some(0) {
            return Err(format!(
                "rules.{pattern}.limits.concurrency is 0: use at least 1, or null for no limit"
            ));
        }
    }
    Ok(book.encode_to_vec())
}

/// Adds what the document may leave out.
pub(super) fn complete_document(document: &Json) -> Result<Json, String> {
    let book = RuleBook::deserialize(document).map_err(|error| error.to_string())?;
    serde_json::to_value(book).map_err(|error| error.to_string())
}

/// Checks that the document of this message holds all of it.
///
/// # Errors
/// In words, where the message has tags that are not known here.
pub(super) fn is_whole_in_json(message: &[u8]) -> Result<(), String> {
    let book = RuleBook::decode(message).map_err(|error| error.to_string())?;
    // Whatever is skipped has a length; the order of the rules has none.
    if book.encoded_len() == message.len() {
        return Ok(());
    }
    Err("holds fields that this program does not know, which an edit would lose".to_owned())
}

#[cfg(test)]
pub(super) fn sample(version: u32, rules: &[(&str, u32)]) -> Vec<u8> {
    let rules = rules
        .iter()
        .map(|(pattern, concurrency)| {
            let rule = Rule {
                version: 1,
                limits: RuleLimits { concurrency: Some(*concurrency) },
                description: None,
                disabled: false,
                last_modified_millis_since_epoch: 1_795_516_144_045,
            };
            ((*pattern).to_owned(), rule)
        })
        .collect();
    RuleBook { version, rules }.encode_to_vec()
}
