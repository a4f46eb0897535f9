//! One file per command: its arguments, and the stations that it wires together.

pub mod at_work;
pub mod backup;
pub mod completions;
pub mod edit;
pub mod get;
pub mod interrupt;
pub mod list;
pub mod migrate;
pub mod opened;
pub mod patch;
pub mod put;
pub mod store_arg;
pub mod verify;

use std::time::Instant;

use crate::cli::{Cli, Command, Global, MetadataCommand};
use crate::confirm::{self, Answer};
use crate::outcome::{Code, Failure, Outcome};
use crate::watch::{Event, Watch};

/// What every command is given.
pub struct Context<'a> {
    /// Options of every command.
    pub global: &'a Global,
    /// Who is told what happens.
    pub watch: &'a dyn Watch,
    /// The words that the program was called with, to be shown again.
    pub command_line: &'a [String],
    /// When it was called.
    pub started: Instant,
}

impl Context<'_> {
    /// Asks, and whoever watches knows that nobody but the operator is waited for.
    ///
    /// # Errors
    /// [`Code::Internal`] where the terminal fails.
    async fn ask(&self, question: String) -> Result<Answer, Failure> {
        self.watch.on(Event::Asking);
        let answer = confirm::ask(question, self.global.yes).await.map_err(|error| {
            Failure::new(Code::Internal, format!("failed to ask on the terminal: {error}"))
        })?;
        self.watch.on(Event::Answered);
        Ok(answer)
    }
}

/// Runs the command until it ends or a signal ends it.
///
/// # Errors
/// Whatever has no outcome of its own.
pub async fn run(cli: &Cli, watch: &dyn Watch, command_line: &[String]) -> anyhow::Result<Outcome> {
    let context = Context { global: &cli.global, watch, command_line, started: Instant::now() };
    let command = match &cli.command {
        Command::Completions(args) => return completions::run(args),
        Command::Metadata { command } => command,
    };
    // What writes ends by a signal in its own way: it says what it has written.
    match command {
        MetadataCommand::Migrate(args) => return migrate::run(args, &context).await,
        MetadataCommand::Patch(args) => return patch::run(args, &context).await,
        MetadataCommand::Put(args) => return put::run(args, &context).await,
        _ => {}
    }
    let work = async {
        match command {
            MetadataCommand::Verify(args) => verify::run(args, &context).await,
            MetadataCommand::List(args) => list::run(args, &context).await,
            MetadataCommand::Get(args) => get::run(args, &context).await,
            MetadataCommand::Backup(args) => backup::run(args, &context).await,
            MetadataCommand::Migrate(args) => migrate::run(args, &context).await,
            MetadataCommand::Patch(args) => patch::run(args, &context).await,
            MetadataCommand::Put(args) => put::run(args, &context).await,
        }
    };
    tokio::select! {
        outcome = work => outcome,
        signal = interrupt::signal() => Err(signal?.failure().into()),
    }
}
