//! Command lines of this program that an operator can copy.

use crate::commands::Context;
use crate::options::GlobalOptions;

/// Returns a command of this program over the stores that its arguments name.
pub(super) fn store_command(words: &[&str], context: &Context<'_>) -> String {
    let words = [&["metadata"], words].concat();
    let words = words.into_iter().map(ToOwned::to_owned);
    join_words(&[program_name(context)].into_iter().chain(words).collect::<Vec<_>>())
}

/// Returns a command of this program over the running cluster, reached as this run reached it.
pub(super) fn cluster_command(words: &[&str], context: &Context<'_>) -> String {
    let access = cluster_access(context.options);
    let words = [&["metadata"], words].concat();
    let words = access.into_iter().chain(words.into_iter().map(ToOwned::to_owned));
    join_words(&[program_name(context)].into_iter().chain(words).collect::<Vec<_>>())
}

fn program_name(context: &Context<'_>) -> String {
    context.command_line.first().cloned().unwrap_or_else(|| "restatectl".to_owned())
}

/// Returns the options that reach the cluster, also those that came from the environment.
fn cluster_access(options: &GlobalOptions) -> Vec<String> {
    let mut words = match &options.single_address {
        Some(address) => vec!["--single-address".to_owned(), address.clone()],
        None => vec!["--address".to_owned(), options.address.join(",")],
    };
    let files = [
        ("--tls-ca", &options.tls_ca),
        ("--tls-cert", &options.tls_cert),
        ("--tls-key", &options.tls_key),
    ];
    for (option, file) in files {
        if let Some(file) = file {
            words.extend([option.to_owned(), file.display().to_string()]);
        }
    }
    if options.insecure_skip_tls_verify {
        words.push("--insecure-skip-tls-verify".to_owned());
    }
    words
}

/// Returns the command line of this run, with the address that it took from the environment.
pub(super) fn repeat_command(context: &Context<'_>) -> String {
    let command = join_words(context.command_line);
    let names_address = |word: &String| {
        ["-s", "-S", "--address", "--server", "--addresses", "--single-address"]
            .iter()
            .any(|option| word.starts_with(option))
    };
    match std::env::var("RESTATECTL_ADDRESS") {
        Ok(address) if !context.command_line.iter().any(names_address) => {
            format!("RESTATECTL_ADDRESS={} {command}", quote_word(&address))
        }
        _ => command,
    }
}

/// Joins words so that a shell reads them as they are.
fn join_words(words: &[String]) -> String {
    words.iter().map(|word| quote_word(word)).collect::<Vec<_>>().join(" ")
}

fn quote_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+[]".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
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
            join_words(&words.map(ToOwned::to_owned)),
            r"restatectl -s http://[::1]:1,http://b:2 'my file' 'it'\''s' ''"
        );
    }
}
