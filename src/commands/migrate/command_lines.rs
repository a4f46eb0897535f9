//! Command lines of this program that an operator can copy.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use super::job::Job;
use crate::commands::Context;
use crate::options::GlobalOptions;
use crate::shell::{join_words, quote_word};

/// A command line of this program, displayed as a shell reads it.
pub(super) struct CommandLine(Vec<OsString>);

impl CommandLine {
    /// Begins a command over the stores that its arguments name.
    pub(super) fn over_stores(context: &Context<'_>) -> Self {
        CommandLine(vec![program_name(context)]).add(["metadata"])
    }

    /// Begins a command over such stores that also asks the nodes whether they run on them.
    pub(super) fn over_stores_of_nodes(context: &Context<'_>) -> Self {
        CommandLine(vec![program_name(context)]).add(tls_access(context.options)).add(["metadata"])
    }

    /// Begins a command over the running cluster's metadata, reached as this run reached it.
    pub(super) fn over_cluster(context: &Context<'_>) -> Self {
        let line = CommandLine(vec![program_name(context)]).add(cluster_access(context.options));
        line.add(["metadata"])
    }

    /// Begins a command about all nodes of the running cluster, which are found by the address of this run.
    pub(super) fn of_all_nodes(context: &Context<'_>) -> Self {
        let options = context.options;
        let address = options.single_address.clone().unwrap_or_else(|| options.address.join(","));
        let line = CommandLine(vec![program_name(context)]).add(["--address", &address]);
        line.add(connection_options(options))
    }

    /// Adds words at the end.
    pub(super) fn add<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.0.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join_words(&self.0))
    }
}

fn program_name(context: &Context<'_>) -> OsString {
    context.command_line.first().cloned().unwrap_or_else(|| "restatectl".into())
}

/// Returns the options that reach the cluster, also those that came from the environment.
fn cluster_access(options: &GlobalOptions) -> Vec<OsString> {
    let mut words: Vec<OsString> = match &options.single_address {
        Some(address) => vec!["--single-address".into(), address.into()],
        None => vec!["--address".into(), options.address.join(",").into()],
    };
    words.extend(connection_options(options));
    words
}

/// Returns how to speak with the cluster's nodes.
fn connection_options(options: &GlobalOptions) -> Vec<OsString> {
    let mut words = tls_access(options);
    if let Some(bytes) = options.message_size_limit {
        words.extend(["--message-size-limit".into(), bytes.to_string().into()]);
    }
    words
}

/// Returns the options by which nodes with TLS are reached, also those that came from the environment.
fn tls_access(options: &GlobalOptions) -> Vec<OsString> {
    let files = [
        ("--tls-ca", &options.tls_ca),
        ("--tls-cert", &options.tls_cert),
        ("--tls-key", &options.tls_key),
    ];
    let mut words = Vec::new();
    for (option, file) in files {
        if let Some(file) = file {
            words.extend([option.into(), file.into()]);
        }
    }
    if options.insecure_skip_tls_verify {
        words.push("--insecure-skip-tls-verify".into());
    }
    words
}

/// Returns the command that takes back what this run writes; `None` without a report in a file, or where the target
/// is a live cluster.
pub(super) fn undo_command(job: &Job<'_>) -> Option<CommandLine> {
    let report = job.args.report.as_ref().filter(|report| report.is_file())?;
    let line = CommandLine::over_stores_of_nodes(job.context);
    let line = line.add(["undo", "--report"]).add([report]);
    let line = line.add(["--toml"]).add([&job.args.toml]).add(probe_option(job));
    (!job.target_store().is_live_cluster()).then_some(line)
}

/// Returns the option by which this run wrote to a store that does not honour conditions.
pub(super) fn probe_option(job: &Job<'_>) -> Option<&'static str> {
    job.args.skip_store_probe.then_some("--skip-store-probe")
}

/// Returns the command line of this run, with the address that it took from the environment.
pub(super) fn repeat_command(context: &Context<'_>) -> String {
    let command = join_words(context.command_line);
    let options: [&[u8]; 6] =
        [b"-s", b"-S", b"--address", b"--server", b"--addresses", b"--single-address"];
    let names_address =
        |word: &OsString| options.iter().any(|option| word.as_encoded_bytes().starts_with(option));
    match std::env::var_os("RESTATECTL_ADDRESS") {
        Some(address) if !context.command_line.iter().any(names_address) => {
            format!("RESTATECTL_ADDRESS={} {command}", quote_word(&address))
        }
        _ => command,
    }
}

/// Returns the option that names the folder of a run's backup file, for a command line that does not: the
/// command then finds the file from every folder.
pub(super) fn backup_folder_option(backup: &Path, context: &Context<'_>) -> Option<String> {
    let names_folder = |word: &OsString| word.as_encoded_bytes().starts_with(b"--backup-dir");
    if context.command_line.iter().any(names_folder) {
        return None;
    }
    let file = std::path::absolute(backup).ok()?;
    Some(format!("--backup-dir {}", quote_word(file.parent()?)))
}
