//! `metadata migrate`: checks, plans, writes, reads back, compares, and says what comes next.

mod gather;
mod next_steps;
mod record;
mod write;

use anyhow::Result;

use crate::commands::{Context, interrupt, store_arg};
use crate::model::Key;
use crate::outcome::{Code, Failure, Outcome, Progress};
use crate::plan::OnExisting;
use crate::preflight;
use gather::Gathered;
use record::Record;

/// Arguments of `metadata migrate`.
#[derive(clap::Args)]
pub struct MigrateArgs {
    /// The target: a TOML file with a [metadata-client] section, or - for standard input
    #[arg(long, value_name = "STORE")]
    pub toml: String,

    /// Check and plan, show what would be written, and write nothing
    ///
    /// Ends with the exit code that the real run would have. It is safe on a live cluster: that its
    /// nodes are not in migration mode yet is then a warning.
    #[arg(long)]
    pub dry_run: bool,

    /// Go on with an interrupted run: skip what the target already holds unchanged
    #[arg(long)]
    pub resume: bool,

    /// Replace what the target holds, and delete what the source does not have
    #[arg(long)]
    pub force: bool,

    /// Pass over a node that is gone for good, such as N3; accepted only if it does not answer
    #[arg(long, value_name = "NODE", value_parser = node_id)]
    pub ignore_node: Vec<u32>,

    /// Copy this key although its codec can't be decoded here
    #[arg(long, value_name = "KEY", value_parser = |key: &str| Ok::<_, String>(Key::parse(key)))]
    pub allow_undecoded: Vec<Key>,

    /// Do not try whether an S3 store that is not Amazon's honours conditional writes
    #[arg(long)]
    pub skip_store_probe: bool,

    /// Accept servers of this newer minor version, such as 1.8
    #[arg(long, value_name = "X.Y", value_parser = minor_version)]
    pub accept_version: Option<(u64, u64)>,
}

fn node_id(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix(['N', 'n']).unwrap_or(text);
    digits.parse().map_err(|_| "a node is named by its id, such as N3".to_owned())
}

fn minor_version(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('.').map(|(major, minor)| (major.parse(), minor.parse()));
    match numbers {
        Some((Ok(major), Ok(minor))) => Ok((major, minor)),
        _ => Err("a version is named by its first two numbers, such as 1.8".to_owned()),
    }
}

/// Migrates, until it ends or a signal ends it.
///
/// # Errors
/// Only what keeps the program from listening to signals; all else is in the outcome.
pub async fn run(args: &MigrateArgs, context: &Context<'_>) -> Result<Outcome> {
    let record = Record::new(context.started);
    let ended = tokio::select! {
        ended = work(args, context, &record) => ended,
        signal = interrupt::signal() => Err(interrupted(signal?, args, context, &record)),
    };
    Ok(record.into_outcome(ended.err()))
}

async fn work(args: &MigrateArgs, context: &Context<'_>, record: &Record) -> Result<(), Failure> {
    if context.global.single_address.is_some() && !args.ignore_node.is_empty() {
        let reason = "--ignore-node asks whether that node answers; leave out --single-address";
        return Err(Failure::new(Code::Usage, reason));
    }
    let loaded = store_arg::load(&args.toml, context)?;
    let target = store_arg::open_target(&loaded, context).await?;
    let on_existing = OnExisting::of(args.resume, args.force);
    let gathered = gather::gather(args, on_existing, target.as_ref(), context, record).await?;
    if let Some(refusal) = preflight::refusal(&record.checks()) {
        return Err(refusal);
    }
    let Some(Gathered { source, before, nodes }) = gathered else {
        return Err(Failure::new(Code::Internal, "the source is missing after its check held"));
    };
    if args.dry_run {
        record.progress(Progress::Planned);
        return Ok(());
    }
    let stopped = |failure| add_resume(failure, args, context, record);
    write::carry_out(target.as_ref(), context, record).await.map_err(stopped)?;
    write::read_back(&before, &source, target.as_ref(), args, context).await.map_err(stopped)?;
    record.migrated(next_steps::texts(&loaded.section, target.advice(), &nodes, args, context));
    Ok(())
}

fn interrupted(
    signal: interrupt::Signal,
    args: &MigrateArgs,
    context: &Context<'_>,
    record: &Record,
) -> Failure {
    record.progress(Progress::Interrupted);
    let mut failure = signal.failure();
    let state = if record.is_writing() {
        format!(
            "{}; {} key(s) are known to be written, and what was under way may be, too; each key in \
             the target is whole or absent",
            failure.message,
            record.written_count()
        )
    } else {
        format!("{}; nothing was written", failure.message)
    };
    failure.message = state;
    if record.is_writing() { failure.hint(resume_hint(args, context)) } else { failure }
}

/// What differs is not gone on with by --resume alone; such a failure has hints of its own.
fn add_resume(
    failure: Failure,
    args: &MigrateArgs,
    context: &Context<'_>,
    record: &Record,
) -> Failure {
    let differs = matches!(failure.code, Code::SourceChanged | Code::VerificationFailed);
    match record.is_writing() && !differs {
        true => failure.hint(resume_hint(args, context)),
        false => failure,
    }
}

fn resume_hint(args: &MigrateArgs, context: &Context<'_>) -> String {
    let command = next_steps::command_line(context.command_line);
    let resume = if args.resume { "" } else { " --resume" };
    format!("the source is untouched; go on with: {command}{resume}")
}
