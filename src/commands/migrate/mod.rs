//! `metadata migrate`: checks, plans, writes, reads back, compares, and says what comes next.

mod confirm_overwrite;
mod interrupted;
mod next_steps;
mod prepare;
mod prior_run;
mod rollback;
mod state;
mod target;
mod write;

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::Context;
use crate::commands::open_store::{self, OpenTarget};
use crate::commands::store_arg::{self, StoreArg, is_same_store};
use crate::config::StoreFile;
use crate::events::Event;
use crate::model::Key;
use crate::outcome::{Code, Failure, MigrationOutcome, Outcome};
use crate::pipeline::checks;
use crate::terminal::signals;
use state::MigrationState;

const EXAMPLES: &str = r#"Examples:
  # On the live cluster, with nothing written:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --dry-run
  # In the maintenance window, with a report for the archive:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --report migrate.json
  # After an interruption:
  restatectl -s http://node-1:5122 metadata migrate --toml etcd.toml --resume
  # From one store to another:
  restatectl metadata migrate --from etcd.toml --toml s3.toml"#;

/// Arguments of `metadata migrate`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata migrate [OPTIONS] --toml <STORE>")]
pub struct MigrateArgs {
    /// The target: a TOML file with a [metadata-client] section, or - for standard input
    #[arg(long, value_name = "STORE")]
    pub toml: String,

    /// Copy from this store, such as a backup file, instead of the running cluster
    #[arg(long, value_name = "STORE")]
    pub from: Option<String>,

    /// Check and plan, show what would be written, and write nothing
    ///
    /// It is safe on a live cluster: that its nodes are not in migration mode yet is then only a
    /// warning. Otherwise the exit code is the one that the real run would have.
    #[arg(long)]
    pub dry_run: bool,

    /// Go on with an interrupted run: skip what the target already holds unchanged
    #[arg(long)]
    pub resume: bool,

    /// Replace Restate's keys in the target, and delete those that the source does not have
    ///
    /// What is replaced is saved to a backup file first. It is for older or equal versions of the
    /// same cluster: two more options permit more. On a terminal it shows what would be lost and
    /// asks; elsewhere it wants -y.
    #[arg(long)]
    pub force: bool,

    /// With --force: where to save what is replaced
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub backup_dir: PathBuf,

    /// With --force: also replace the metadata of the cluster of this name
    ///
    /// `unknown` for a target that has keys but does not say whose they are.
    #[arg(long, value_name = "NAME", requires = "force")]
    pub overwrite_cluster: Option<String>,

    /// With --force: also replace keys that are newer in the target
    #[arg(long, requires = "force")]
    pub overwrite_newer: bool,

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

    /// Also write the JSON document to this file, however the run ends
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
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
    let record = MigrationState::new(context.started);
    let (from, loaded, target) = match open(args, context).await {
        Ok(opened) => opened,
        Err(failure) => return Ok(record.into_outcome(Some(failure))),
    };
    let ended = tokio::select! {
        ended = work(args, from, &loaded, &target, context, &record) => ended,
        signal = signals::wait_for_signal() => {
            Err(interrupted::told(signal?, target.target(), args, context, &record).await)
        }
    };
    Ok(record.into_outcome(ended.err()))
}

type Arguments = (Option<StoreArg>, Box<StoreFile>, OpenTarget);

/// What can be known of the arguments before anything is asked.
async fn open(args: &MigrateArgs, context: &Context<'_>) -> Result<Arguments, Failure> {
    let usage = |reason: &str| Err(Failure::new(Code::Usage, reason));
    if context.options.single_address.is_some() && !args.ignore_node.is_empty() {
        return usage("--ignore-node asks whether that node answers; leave out --single-address");
    }
    if args.toml == "-" && args.from.as_deref() == Some("-") {
        return usage("only one of --toml and --from can be read from standard input");
    }
    let to = store_arg::load(&args.toml, context)?;
    let from = args.from.as_deref().map(|from| store_arg::load(from, context)).transpose()?;
    if from.as_ref().is_some_and(|from| is_same_store(from, &to)) {
        return Err(Failure::new(Code::SameStore, "--from and --toml lead to the same store"));
    }
    let is_cluster = open_store::cluster_options_for(Some(&to), context)?.is_some();
    let StoreArg::Config(loaded) = to else {
        let reason = format!("{} is a backup file, which is no target", args.toml);
        return Err(Failure::new(Code::ConfigInvalid, reason)
            .hint("`metadata backup --to FILE` makes a backup file"));
    };
    if is_cluster {
        fits_a_cluster(args, from.as_ref(), &loaded, context)?;
    }
    let target = open_store::open_target(&loaded, context).await?;
    Ok((from, loaded, target))
}

/// What makes no sense where the target is the running cluster.
fn fits_a_cluster(
    args: &MigrateArgs,
    from: Option<&StoreArg>,
    loaded: &StoreFile,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if open_store::cluster_options_for(from, context)?.is_some() {
        let reason = format!(
            "{}: [metadata-client] {}: the target is the running cluster, which can't be the source as \
             well",
            loaded.file,
            loaded.says_replicated()
        );
        return Err(Failure::new(Code::Usage, reason)
            .hint(
                "where another store is meant, its section has to say which: type = \"etcd\", \
                 \"object-store\" or \"dynamo-db\"",
            )
            .hint(
                "to roll back, name with --from the store that the cluster ran on last, such as \
                 etcd.toml",
            ));
    }
    if !args.ignore_node.is_empty() {
        let reason = "--ignore-node does not hold where the target is the running cluster: that each \
                      node runs there proves that none runs on the source";
        return Err(Failure::new(Code::Usage, reason).hint(
            "a node that is gone for good has to be removed from the cluster before, while it runs on \
             the source",
        ));
    }
    Ok(())
}

async fn work(
    args: &MigrateArgs,
    from: Option<StoreArg>,
    loaded: &StoreFile,
    writable: &OpenTarget,
    context: &Context<'_>,
    record: &MigrationState,
) -> Result<(), Failure> {
    let target = writable.target();
    let gathered = prepare::gather(args, from, writable, context, record).await?;
    if let Some(refusal) = checks::refusal(&record.checks()) {
        return Err(refusal);
    }
    let Some(gathered) = gathered else {
        return Err(Failure::new(Code::Internal, "a side is missing after its check held"));
    };
    if args.dry_run {
        record.progress(MigrationOutcome::Planned);
        return Ok(());
    }
    let stopped = |failure| interrupted::add_resume(failure, target, args, context, record);
    context.events.emit(Event::Planned(&record.plan()));
    let run = write::Run { gathered: &gathered, target, args, context, record };
    write::save_target(&run)?;
    write::carry_out(&run).await.map_err(stopped)?;
    write::prove(&run).await.map_err(stopped)?;
    if let Some(cluster) = writable.cluster() {
        rollback::put_nodes_config(&run, cluster).await.map_err(stopped)?;
    }
    let about = next_steps::About {
        section: &loaded.section,
        advice: target.operator_advice(),
        nodes: &gathered.nodes,
        servers_of: gathered.servers_of(target),
        from_cluster: gathered.source.cluster().is_some(),
        source: gathered.source.source().name(),
        to_cluster: target.is_live_cluster(),
        damaged: record.saved().as_deref().map(prior_run::damaged_in).unwrap_or_default(),
        saved: record.saved(),
    };
    record.migrated(next_steps::texts(&about, args, context));
    Ok(())
}
