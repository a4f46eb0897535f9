//! What the operator does after a migration, and command lines to be shown again.

use std::path::PathBuf;

use crate::codec::{Node, NodesConfiguration};
use crate::commands::Context;
use crate::config::Section;

use super::MigrateArgs;

/// What the steps depend on.
pub(super) struct About<'a> {
    pub(super) section: &'a Section,
    pub(super) advice: Option<&'static str>,
    pub(super) nodes: &'a NodesConfiguration,
    /// The nodes with the roles that they have where the metadata servers run.
    pub(super) servers_of: NodesConfiguration,
    pub(super) from_cluster: bool,
    /// How messages call the source.
    pub(super) source: &'a str,
    /// Whether the target is the running cluster.
    pub(super) to_cluster: bool,
    /// The file with what `--force` has replaced.
    pub(super) saved: Option<PathBuf>,
    /// What of it was damaged.
    pub(super) damaged: Vec<String>,
}

/// One text a step, in order; its command lines are lines of it.
pub(super) fn texts(about: &About<'_>, args: &MigrateArgs, context: &Context<'_>) -> Vec<String> {
    let servers: Vec<_> = about
        .servers_of
        .nodes
        .iter()
        .filter(|node| node.has_role("metadata-server"))
        .map(named)
        .collect();
    let all: Vec<_> = about.nodes.nodes.iter().map(named).collect();
    let mut texts = vec![
        format!("Please make sure to update all nodes config with\n{}", about.section),
        "Restart all nodes without the --metadata-migration-mode".to_owned(),
    ];
    if about.to_cluster {
        texts.extend(back_to_the_cluster(about, &all, &servers, args, context));
        return texts;
    }
    if about.from_cluster {
        texts.push(format!(
            "First save the source, and prove the copy once more:\n{}\n{}",
            own_command(&["backup", "--to", "before.jsonl"], context),
            own_command(&["verify", "--toml", &args.toml], context)
        ));
    }
    let between = args.from.as_deref().filter(|_| !about.from_cluster);
    if let Some(from) = between {
        let verify = verify(from, args, &[], context);
        texts.push(format!("Prove the copy once more, before any node starts on it:\n{verify}"));
    }
    texts.push(format!(
        "Stop every node before starting any: {}. A node left on the old store is a second cluster.",
        all.join(", ")
    ));
    if !servers.is_empty() {
        texts.push(format!(
            "Drop the \"metadata-server\" role and any [metadata-server] section from the config \
             of: {}. Where there is no roles line, write one: the default has that role.",
            servers.join(", ")
        ));
    }
    texts.push(
        "Set auto-provision = false on every node until the cluster is up, and let nobody use the \
         admin API meanwhile."
            .to_owned(),
    );
    texts.extend(about.advice.map(ToOwned::to_owned));
    if about.from_cluster {
        let command = verify("before.jsonl", args, &["--allow-newer"], context);
        let on_target = own_command(&["verify", "--toml", &args.toml], context);
        texts.push(format!(
            "When the cluster is up, prove that nothing went back, and that it runs on the target: the \
             second command then ends with exit code 5 and says so:\n{command}\n{on_target}"
        ));
    }
    if let Some(from) = between {
        let verify = verify(from, args, &["--allow-newer"], context);
        texts.push(format!("When the cluster is up, prove that nothing went back:\n{verify}"));
    }
    if let Some(file) = &about.saved {
        texts.push(undo(&file.to_string_lossy(), about, args, context));
    }
    texts
}

/// The way back from what `--force` has replaced.
fn undo(file: &str, about: &About<'_>, args: &MigrateArgs, context: &Context<'_>) -> String {
    if !about.damaged.is_empty() {
        return format!(
            "What was there before is saved in {file}, to be looked at: damaged as it was ({}), `migrate` \
             does not put it back.",
            about.damaged.join(", ")
        );
    }
    let mut words = vec!["metadata", "migrate", "--from", file, "--toml", &args.toml, "--force"];
    words.push("--overwrite-newer");
    if args.overwrite_cluster.is_some() {
        words.extend(["--overwrite-cluster", &about.nodes.cluster_name]);
    }
    let words: Vec<_> = words.into_iter().map(ToOwned::to_owned).collect();
    let command = command_line(&[&[program(context)], &words[..]].concat());
    format!("Only to undo this, as long as no node has been started on the target:\n{command}")
}

/// The details where a cluster goes back to its own replicated store.
fn back_to_the_cluster(
    about: &About<'_>,
    all: &[String],
    servers: &[String],
    args: &MigrateArgs,
    context: &Context<'_>,
) -> Vec<String> {
    let from = args.from.as_deref().unwrap_or_default();
    let verify = verify(from, args, &["--allow-newer"], context);
    vec![
        format!(
            "Stop every node before starting any: {}. Metadata servers that saw a generation above \
             their own have stopped by themselves; other nodes may still run.",
            all.join(", ")
        ),
        format!(
            "Give the \"metadata-server\" role and the [metadata-server] section back to: {}. They are \
             the members of the replicated store.",
            servers.join(", ")
        ),
        "Set auto-provision = false on every node until the cluster is up, and let nobody use the \
         admin API meanwhile."
            .to_owned(),
        format!(
            "Leave {} as it is until the cluster is up, and start no node on it again: it would be a \
             second cluster.",
            about.source
        ),
        format!("When the cluster is up, prove that nothing was lost:\n{verify}"),
    ]
}

fn named(node: &Node) -> String {
    format!("N{} {}", node.id, node.name)
}

fn program(context: &Context<'_>) -> String {
    context.command_line.first().cloned().unwrap_or_else(|| "restatectl".to_owned())
}

/// A command of this program over the cluster that this run used.
fn own_command(words: &[&str], context: &Context<'_>) -> String {
    let address = match &context.options.single_address {
        Some(address) => ["--single-address".to_owned(), address.clone()],
        None => ["--address".to_owned(), context.options.address.join(",")],
    };
    let words = [&["metadata"], words].concat();
    let words: Vec<_> = words.into_iter().map(ToOwned::to_owned).collect();
    command_line(&[&[program(context)], &address[..], &words[..]].concat())
}

/// The command that compares a store with the target.
fn verify(from: &str, args: &MigrateArgs, more: &[&str], context: &Context<'_>) -> String {
    let words = [&["metadata", "verify", "--from", from, "--toml", &args.toml], more].concat();
    let words: Vec<_> = words.into_iter().map(ToOwned::to_owned).collect();
    command_line(&[&[program(context)], &words[..]].concat())
}

/// The command line of this run, with what it took from the environment.
pub(super) fn command_again(context: &Context<'_>) -> String {
    let command = command_line(context.command_line);
    let given = |word: &String| {
        ["-s", "-S", "--address", "--server", "--addresses", "--single-address"]
            .iter()
            .any(|option| word.starts_with(option))
    };
    match std::env::var("RESTATECTL_ADDRESS") {
        Ok(address) if !context.command_line.iter().any(given) => {
            format!("RESTATECTL_ADDRESS={} {command}", quoted(&address))
        }
        _ => command,
    }
}

/// The words as a shell reads them.
pub(super) fn command_line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let words = ["restatectl", "-s", "http://[::1]:1,http://b:2", "my file", "it's", ""];
        assert_eq!(
            command_line(&words.map(ToOwned::to_owned)),
            r"restatectl -s http://[::1]:1,http://b:2 'my file' 'it'\''s' ''"
        );
    }
}
