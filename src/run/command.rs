//! Calls the command that the command line names, until it ends or a signal ends it.

use std::pin::pin;
use std::time::Duration;

use clap::CommandFactory;

use crate::cli::{Cli, Command, MetadataCommand, NodesCommand};
use crate::commands::{
    Context, backup, check, completions, describe, get, list, migrate, nodes, patch, put, status,
    undo, verify, wait,
};
use crate::outcome::Outcome;
use crate::report::ProgressReporter;

/// Runs the command until it ends or a signal ends it.
pub(super) async fn run_command(
    command: &Command,
    context: &Context<'_>,
) -> anyhow::Result<Outcome> {
    let command = match command {
        Command::Completions(args) => return completions::run(args, Cli::command()),
        Command::Status(args) => {
            return run_until_signal(status::run(args, context), context).await;
        }
        Command::Nodes { command: NodesCommand::List(args) } => {
            return run_until_signal(nodes::run_list(args, context), context).await;
        }
        Command::Wait(args) => return run_until_signal(wait::run(args, context), context).await,
        Command::Metadata { command } => command,
    };
    match command {
        // Commands that write handle signals themselves: they report what has been written.
        MetadataCommand::Migrate(args) => migrate::run(args, context).await,
        MetadataCommand::Undo(args) => undo::run(args, context).await,
        MetadataCommand::Patch(args) => patch::run(args, context).await,
        MetadataCommand::Put(args) => put::run(args, context).await,
        MetadataCommand::Verify(args) => {
            run_until_signal(verify::run(args, context), context).await
        }
        MetadataCommand::List(args) => run_until_signal(list::run(args, context), context).await,
        MetadataCommand::Describe(args) => {
            run_until_signal(describe::run(args, context), context).await
        }
        MetadataCommand::Check(args) => run_until_signal(check::run(args, context), context).await,
        MetadataCommand::Get(args) => run_until_signal(get::run(args, context), context).await,
        MetadataCommand::Backup(args) => {
            run_until_signal(backup::run(args, context), context).await
        }
    }
}

/// Runs a command that writes nothing, so that a signal needs no report of what was written.
async fn run_until_signal(
    command: impl Future<Output = anyhow::Result<Outcome>>,
    context: &Context<'_>,
) -> anyhow::Result<Outcome> {
    tokio::select! {
        outcome = command => outcome,
        signal = context.interruption.wait() => Err(signal.failure().into()),
    }
}

/// Runs `command`, reporting every second which store is still being waited for.
pub(super) async fn run_with_progress<T>(
    command: impl Future<Output = T>,
    progress: &ProgressReporter,
) -> T {
    const REPORT_INTERVAL: Duration = Duration::from_secs(1);
    let mut command = pin!(command);
    loop {
        match tokio::time::timeout(REPORT_INTERVAL, &mut command).await {
            Ok(outcome) => return outcome,
            Err(_) => progress.report_waiting(),
        }
    }
}
