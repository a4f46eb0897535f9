//! What `patch` and `put` share: the value is read, edited, checked, shown to who has to agree, saved,
//! and written on the condition that it still is what was read.

mod change;
mod state;
mod write;

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value as Json;

use crate::backends::Target;
use crate::codec;
use crate::commands::open_store::{self, OpenTarget};
use crate::commands::store_arg;
use crate::commands::{Context, live_nodes};
use crate::events::Event;
use crate::model::{CasToken, Entry, Key, Snapshot};
use crate::outcome::{Check, CheckStatus, Code, Failure, Finding, Outcome};
use crate::pipeline::checks;
use crate::pipeline::edit::Patch;
use crate::terminal::confirmation::{self, Answer};
use crate::terminal::signals;
use change::EditDecision;
use state::EditState;

/// Arguments of `metadata patch` and `metadata put`.
#[derive(clap::Args)]
pub struct EditArgs {
    /// Edit this key, such as bifrost_config, rule_book or pp_epoch_0
    #[arg(short = 'k', long, value_parser = NonEmptyStringValueParser::new())]
    pub key: String,

    /// Edit this store instead of the running cluster: a TOML file, or - for standard input
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<String>,

    /// Write only if the stored value has this version
    #[arg(long = "version", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub expected: Option<u32>,

    /// Show the new value and the differences; write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Save the old value to a file in this folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub backup_dir: PathBuf,
}

/// What is to become of a value.
pub enum Edit {
    /// The stored document with these changes.
    Patch(Patch),
    /// This document.
    Put(Json),
}

/// Edits, until it ends or a signal ends it.
///
/// # Errors
/// Only what keeps the program from listening to signals; all else is in the outcome.
pub async fn run(
    args: &EditArgs,
    edit: Result<Edit, Failure>,
    context: &Context<'_>,
) -> Result<Outcome> {
    let record = EditState::new(Key::parse(&args.key));
    let work = async {
        match edit {
            Ok(edit) => work(args, &edit, context, &record).await,
            Err(failure) => Err(failure),
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        signal = signals::wait_for_signal() => Err(record.interrupted(signal?.failure())),
    };
    Ok(record.into_outcome(ended.err()))
}

async fn work(
    args: &EditArgs,
    edit: &Edit,
    context: &Context<'_>,
    record: &EditState,
) -> Result<(), Failure> {
    let from = store_arg::load_optional(args.from.as_deref(), context)?;
    let store = open_store::open_editable(from, context).await?;
    record.opened(store.target());
    let key = record.key();
    let found = read(&store, &key).await?;
    let change = change::decide(args, edit, &key, found.get(&key), store.target())?;
    record.planned(&change, args.dry_run);
    fits(&change, store.target()).await?;
    for warning in &change.warnings {
        context.events.emit(Event::Warning(warning));
    }
    agreed(args, &change, &found, &store, context).await?;
    if args.dry_run {
        return Ok(());
    }
    honours_conditions(store.target()).await?;
    write::save(args, &change, &found, store.target(), record)?;
    write::write(&change, &store, record).await
}

/// The value, and what says whose it is and whether its servers are at rest.
async fn read(store: &OpenTarget, key: &Key) -> Result<Snapshot, Failure> {
    let mut keys = vec![key.clone(), Key::NodesConfig];
    keys.dedup();
    let read = store.target().read(&keys).await.map_err(|error| store.failure(&error))?;
    Ok(keys.into_iter().zip(read).filter_map(|(key, entry)| Some((key, entry?))).collect())
}

/// Without conditions, two editors at once would not know of each other. Tried on a scratch object.
async fn honours_conditions(target: &dyn Target) -> Result<(), Failure> {
    if target.guarantees_conditional_writes() {
        return Ok(());
    }
    let finding = checks::check_store_probe(&target.probe_conditional_writes().await);
    match checks::refusal(&[finding]) {
        None => Ok(()),
        Some(failure) => {
            let hints = vec!["edit the metadata in a store that honours them".to_owned()];
            Err(Failure { hints, ..failure })
        }
    }
}

async fn fits(change: &EditDecision, target: &dyn Target) -> Result<(), Failure> {
    let tag = CasToken::Version(change.value.version);
    let wanted = Snapshot::from([(change.key.clone(), Entry::Intact(change.value.clone(), tag))]);
    let misfits =
        target.find_limit_violations(&wanted).await.map_err(|error| Failure::of_target(&error))?;
    match misfits.into_iter().next() {
        None => Ok(()),
        Some(misfit) => {
            let reason = format!("{} {}", misfit.key, misfit.reason);
            Err(Failure::new(Code::ValueTooLarge, reason).hint(misfit.hint))
        }
    }
}

/// Why servers may write themselves, if they may.
async fn not_at_rest(
    found: &Snapshot,
    store: &OpenTarget,
    context: &Context<'_>,
) -> Option<String> {
    let finding = match (store.is_cluster(), codec::nodes_of(found)) {
        (true, Some(nodes)) => checks::check_migration_mode(&nodes, &[], false),
        (true, None) => {
            let reason =
                "nodes_config, which says whether the nodes are in migration mode, can't be read";
            return Some(reason.to_owned());
        }
        (false, _) => {
            let unseen = Finding::skipped(Check::MigrationMode, "none was seen at work");
            checks::check_live_nodes(
                &live_nodes::observe_nodes("store", found, context).await,
                unseen,
                false,
            )
        }
    };
    if finding.status == CheckStatus::Warning {
        context.events.emit(Event::Warning(&finding.text()));
    }
    (finding.status == CheckStatus::Failed).then(|| finding.text())
}

/// Servers that are not at rest read the new value at once, and write themselves.
async fn agreed(
    args: &EditArgs,
    change: &EditDecision,
    found: &Snapshot,
    store: &OpenTarget,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let Some(reason) = not_at_rest(found, store, context).await else { return Ok(()) };
    if args.dry_run || confirmation::is_given(context.options.yes) {
        let told = format!("{reason}; they may read the new value, and write it anew, at any time");
        context.events.emit(Event::Warning(&told));
        return Ok(());
    }
    let question = format!("{}{reason}.\nWrite {} all the same?", change.diff, change.headline());
    let refused = |how: &str| {
        Failure::new(Code::NotInMigrationMode, format!("nothing was written: {reason}, and {how}"))
            .hint(
                "restart the nodes with --metadata-migration-mode, or stop them where the store is one of \
                 its own; or add --yes to edit a cluster at work",
            )
    };
    match context.ask(question).await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(refused("the question was not answered with yes")),
        Answer::NotAsked => Err(refused("there is no terminal to ask on")),
    }
}
