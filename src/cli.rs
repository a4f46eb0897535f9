//! The grammar of the command line: its subcommands, and the official tool's that this program lacks.

use std::ffi::OsString;
use std::path::Path;

use clap::{Parser, Subcommand};

use crate::commands::backup::BackupArgs;
use crate::commands::check::CheckArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::describe::DescribeArgs;
use crate::commands::get::GetArgs;
use crate::commands::list::ListArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::nodes::NodesListArgs;
use crate::commands::patch::PatchArgs;
use crate::commands::put::PutArgs;
use crate::commands::status::StatusArgs;
use crate::commands::undo::UndoArgs;
use crate::commands::verify::VerifyArgs;
use crate::commands::wait::WaitArgs;
use crate::options::GlobalOptions;
use crate::visible::escape_line;

/// Version, commit and build target, as far as the build knows them.
pub const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("RESTATECTL_COMMIT"),
    ", ",
    env!("RESTATECTL_TARGET"),
    ")"
);

const EXAMPLES: &str = "Examples:
  restatectl -s http://node-1:5122 metadata list
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --dry-run
  restatectl -s http://node-1:5122 status
  restatectl metadata migrate --help";

const METADATA_EXAMPLES: &str = "Examples:
  restatectl metadata migrate --toml etcd.toml --dry-run
  restatectl metadata verify --toml etcd.toml
  restatectl metadata get --key rule_book --from etcd.toml";

const NODES_EXAMPLES: &str = "Examples:
  restatectl -s http://node-1:5122 nodes list";

/// Move a Restate cluster's metadata between stores, and inspect it
///
/// The metadata of a Restate cluster (nodes, logs, partitions, deployments, rules, epochs) lives in
/// the cluster itself or in an external store. This program copies it from one to the other,
/// verifies the copy, and shows and edits the metadata in any of them.
#[derive(Parser)]
#[command(
    name = "restatectl", version, long_version = LONG_VERSION,
    infer_subcommands = true, arg_required_else_help = true, after_help = EXAMPLES
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub options: GlobalOptions,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the words of a command line. An error quotes them as they were, but for what would steer a
    /// terminal: the parser would print, or drop, such characters.
    ///
    /// # Errors
    /// The parser's, also for help and version.
    pub fn parse_words(words: &[OsString]) -> Result<Self, clap::Error> {
        Cli::try_parse_from(words).map_err(|error| {
            let shown: Vec<_> = words.iter().map(show_word).collect();
            match shown == words {
                true => error,
                false => Cli::try_parse_from(shown).err().unwrap_or(error),
            }
        })
    }

    /// Returns the file of `--report`, which also gets the JSON document.
    pub fn report_path(&self) -> Option<&Path> {
        match &self.command {
            Command::Metadata { command: MetadataCommand::Migrate(args) } => args.report.as_deref(),
            Command::Metadata { command: MetadataCommand::Verify(args) } => args.report.as_deref(),
            _ => None,
        }
    }
}

/// Returns the word as an error shows it. One that is not text stays: the parser has an error for it.
fn show_word(word: &OsString) -> OsString {
    word.to_str().map_or_else(|| word.clone(), |text| escape_line(text).into_owned().into())
}

/// The commands at the top level.
#[derive(Subcommand)]
pub enum Command {
    /// Copy, compare, inspect and edit a cluster's metadata
    #[command(infer_subcommands = true, arg_required_else_help = true)]
    #[command(after_help = METADATA_EXAMPLES)]
    Metadata {
        /// The command below `metadata`.
        #[command(subcommand)]
        command: MetadataCommand,
    },
    /// Show whether the running cluster works, and on which store
    Status(StatusArgs),
    /// List the nodes of the running cluster
    #[command(infer_subcommands = true, arg_required_else_help = true)]
    #[command(after_help = NODES_EXAMPLES)]
    Nodes {
        /// The command below `nodes`.
        #[command(subcommand)]
        command: NodesCommand,
    },
    /// Wait until all nodes are in migration mode, have stopped, or run
    Wait(WaitArgs),
    /// Print a shell completion script
    Completions(CompletionsArgs),
}

/// The commands below `nodes`.
#[derive(Subcommand)]
pub enum NodesCommand {
    /// List the nodes with their state, mode and roles
    List(NodesListArgs),
}

/// The commands below `metadata`.
#[derive(Subcommand)]
pub enum MetadataCommand {
    /// Copy all metadata into another store, verify the copy, and print the next steps
    Migrate(Box<MigrateArgs>),
    /// Compare every key of two stores; write nothing
    Verify(VerifyArgs),
    /// Take back what one run of `migrate` wrote to its target
    Undo(UndoArgs),
    /// List every key with its kind, version, size, encoding and digest
    List(ListArgs),
    /// Print one value as JSON
    Get(GetArgs),
    /// Show nodes, partitions, logs, deployments and rules as tables
    Describe(DescribeArgs),
    /// Check every value and the references between values; write nothing
    Check(CheckArgs),
    /// Save a whole store to a file, which every STORE argument accepts
    Backup(BackupArgs),
    /// Change one value by a JSON patch (RFC 6902)
    Patch(PatchArgs),
    /// Replace one value by a JSON document, or create it
    Put(PutArgs),
}

/// Commands that the official `restatectl` has and this program does not.
const OFFICIAL: [&str; 14] = [
    "provision",
    "remove",
    "set-storage-state",
    "set-worker-state",
    "partitions",
    "logs",
    "snapshots",
    "config",
    "replicated-loglet",
    "metadata-server",
    "ms",
    "sql",
    "storage",
    "lambda",
];

/// Returns the message for a command that is below `metadata`, or for what only the official tool has.
pub fn misplaced_command_message(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(clap::error::ContextValue::String(name)) => Some(name),
        _ => None,
    };
    if text(clap::error::ContextKind::InvalidArg).is_some_and(|option| option == "--extra") {
        return Some(
            "this program has no option --extra; the official restatectl has it (npm package \
             @restatedev/restatectl)"
                .to_owned(),
        );
    }
    let name = text(clap::error::ContextKind::InvalidSubcommand)?;
    let below = MetadataCommand::has_subcommand(name)
        .then(|| format!("'{name}' is a subcommand of metadata: restatectl metadata {name}"));
    below.or_else(|| {
        OFFICIAL.contains(&name.as_str()).then(|| {
            format!(
                "this program has no command '{name}'; the official restatectl has it \
             (npm package @restatedev/restatectl)"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["restatectl"], words].concat())
    }

    #[test]
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn subcommands_can_be_shortened_and_official_ones_are_named() {
        assert!(parse(&["m", "l", "--toml", "etcd.toml"]).is_ok());
        assert!(
            parse(&["meta", "mig", "--toml", "t", "-s", "http://a,b", "--server", "c"]).is_ok()
        );
        for words in
            [&["nodes", "remove"][..], &["status", "--extra"], &["sql"], &["ms"], &["lambda"]]
        {
            let error = parse(words).err().unwrap();
            assert!(
                misplaced_command_message(&error)
                    .unwrap()
                    .contains("the official restatectl has it")
            );
        }
        let error = parse(&["migrate", "--toml", "t"]).err().unwrap();
        assert!(
            misplaced_command_message(&error).unwrap().ends_with("restatectl metadata migrate")
        );
        assert!(misplaced_command_message(&parse(&["lst"]).err().unwrap()).is_none());
    }

    #[test]
    fn toml_names_the_target_of_migrate_and_verify_and_the_source_of_the_others() {
        for option in ["--toml", "--target"] {
            assert!(parse(&["metadata", "migrate", option, "etcd.toml"]).is_ok(), "{option}");
            assert!(parse(&["metadata", "verify", option, "etcd.toml"]).is_ok(), "{option}");
        }
        for words in [
            &["list"][..],
            &["check"],
            &["describe", "partitions"],
            &["get", "-k", "rule_book"],
            &["backup", "--to", "before.jsonl"],
            &["patch", "-k", "rule_book", "-p", "[]"],
            &["put", "-k", "rule_book", "-"],
        ] {
            for (option, is_accepted) in [("--from", true), ("--toml", true), ("--target", false)] {
                let line = [&["metadata"], words, &[option, "etcd.toml"]].concat();
                assert_eq!(parse(&line).is_ok(), is_accepted, "{line:?}");
            }
        }
    }
}
