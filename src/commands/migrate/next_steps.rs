//! What the operator does after a migration, and command lines to be shown again.

use crate::codec::{Node, NodesConfiguration};
use crate::commands::Context;
use crate::config::Section;

use super::MigrateArgs;

/// One text a step, in order.
pub(super) fn texts(
    section: &Section,
    advice: Option<&str>,
    nodes: &NodesConfiguration,
    args: &MigrateArgs,
    context: &Context<'_>,
) -> Vec<String> {
    let servers: Vec<_> =
        nodes.nodes.iter().filter(|node| node.has_role("metadata-server")).map(named).collect();
    let all: Vec<_> = nodes.nodes.iter().map(named).collect();
    let mut texts = vec![
        format!("Please make sure to update all nodes config with\n{section}"),
        "Restart all nodes without the --metadata-migration-mode".to_owned(),
        format!(
            "Stop every node before starting any: {}. A node left on the old store is a second \
             cluster.",
            all.join(", ")
        ),
    ];
    if !servers.is_empty() {
        texts.push(format!(
            "Drop the \"metadata-server\" role and any [metadata-server] section from the config \
             of: {}.",
            servers.join(", ")
        ));
    }
    texts.push(
        "Set auto-provision = false on every node until the cluster is up, and let nobody use the \
         admin API meanwhile."
            .to_owned(),
    );
    texts.extend(advice.map(ToOwned::to_owned));
    texts.push(format!(
        "To prove the copy once more before you restart: {}",
        verify_command(args, context)
    ));
    texts
}

fn named(node: &Node) -> String {
    format!("N{} {}", node.id, node.name)
}

fn verify_command(args: &MigrateArgs, context: &Context<'_>) -> String {
    let program = context.command_line.first().map_or("restatectl", String::as_str);
    let address = match &context.global.single_address {
        Some(address) => ["--single-address".to_owned(), address.clone()],
        None => ["--address".to_owned(), context.global.address.join(",")],
    };
    let words = ["metadata", "verify", "--toml", &args.toml].map(ToOwned::to_owned);
    command_line(&[&[program.to_owned()], &address[..], &words[..]].concat())
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
