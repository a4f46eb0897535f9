//! The limiter rules: one bilrost message in, JSON out. Tags that are not known are passed over, so
//! that a rule book of a newer server can still be looked at.

use std::collections::BTreeMap;

use bilrost::{Message, OwnedMessage};
use serde::Serialize;
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq, Message, Serialize)]
struct RuleBook {
    #[bilrost(1)]
    version: u32,
    #[bilrost(2)]
    rules: BTreeMap<String, Rule>,
}

/// Field names are those of the server's own admin API.
#[derive(Debug, Clone, PartialEq, Message, Serialize)]
struct Rule {
    #[bilrost(1)]
    version: u32,
    #[bilrost(3)]
    limits: Limits,
    #[bilrost(4)]
    description: Option<String>,
    #[bilrost(5)]
    disabled: bool,
    #[bilrost(6)]
    last_modified_millis_since_epoch: u64,
}

#[derive(Debug, Clone, PartialEq, Message, Serialize)]
struct Limits {
    #[bilrost(1)]
    concurrency: Option<u32>,
}

pub(super) fn to_json(message: &[u8]) -> Result<Json, String> {
    let book = RuleBook::decode(message).map_err(|error| error.to_string())?;
    serde_json::to_value(book).map_err(|error| error.to_string())
}

#[cfg(test)]
pub(super) fn sample(version: u32, rules: &[(&str, u32)]) -> Vec<u8> {
    let rules = rules
        .iter()
        .map(|(pattern, concurrency)| {
            let rule = Rule {
                version: 1,
                limits: Limits { concurrency: Some(*concurrency) },
                description: None,
                disabled: false,
                last_modified_millis_since_epoch: 1_795_516_144_045,
            };
            ((*pattern).to_owned(), rule)
        })
        .collect();
    RuleBook { version, rules }.encode_to_vec()
}
