//! The arguments of `metadata patch` and `metadata put`, and the edit that they ask for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use serde_json::Value as Json;

use crate::pipeline::edit::Patch;

/// Arguments of `metadata patch` and `metadata put`.
#[derive(clap::Args)]
pub struct EditArgs {
    /// Edit this key, such as bifrost_config, rule_book or pp_epoch_0
    #[arg(short = 'k', long, value_parser = NonEmptyStringValueParser::new())]
    pub key: String,

    /// Edit this store instead of the running cluster: a TOML file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,

    /// Write only if the stored value has this version
    #[arg(long = "version", value_name = "N", value_parser = clap::value_parser!(u32))]
    pub expected_version: Option<u32>,

    /// Show the new value and the differences; write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Save the old value to a file in this folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub backup_dir: PathBuf,
}

/// The edit of a value.
pub enum Edit {
    /// Changes to the stored document.
    Patch(Patch),
    /// A document in place of the stored one.
    Put(Json),
}
