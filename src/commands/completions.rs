//! `completions`: a script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::outcome::{Outcome, Subject};

const EXAMPLES: &str = r#"Examples:
  # For bash, for all users:
  restatectl completions bash > /usr/share/bash-completion/completions/restatectl
  # For zsh, for yourself:
  restatectl completions zsh > ~/.zfunc/_restatectl"#;

/// Arguments of `completions`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes the script to standard output.
///
/// # Errors
/// None.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "restatectl", &mut script);
    Ok(Outcome::done(Subject::Bytes(script)))
}
