//! `completions`: prints a completion script for a shell.

use clap_complete::Shell;

use crate::outcome::{CommandResult, Outcome};

const EXAMPLES: &str = r#"Examples:
  # For bash, for all users:
  restatectl completions bash > /usr/share/bash-completion/completions/restatectl
  # For zsh, for yourself:
  restatectl completions zsh > ~/.zfunc/_restatectl"#;

/// Arguments of `completions`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// Print the script for this shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Generates the script from the grammar of the command line.
///
/// # Errors
/// None.
pub fn run(args: &CompletionsArgs, mut grammar: clap::Command) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut grammar, "restatectl", &mut script);
    Ok(Outcome::done(CommandResult::Bytes(script)))
}
