//! `metadata verify`: compares two stores key by key. Writes nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use tokio::try_join;

use crate::blocking::run_detached;
use crate::codec;
use crate::commands::Context;
use crate::commands::input::is_standard_input;
use crate::commands::open_store::{self, OpenSource, store_name};
use crate::commands::read_progress::ReadProgress;
use crate::commands::self_comparison::{ComparedSide, find_self_comparison, same_store_failure};
use crate::commands::store_arg::{self, is_same_store};
use crate::events::Stage;
use crate::model::{Comparison, DocumentChange, Key, KeyStatus, Snapshot, StoreError};
use crate::outcome::{Code, CommandResult, Failure, Outcome, VerifyResult};
use crate::pipeline::changes::find_value_changes;
use crate::pipeline::checks;
use crate::pipeline::same_store::{ReadStore, UnaskedSide, are_one_store};
use crate::pipeline::snapshot;
use crate::pipeline::verify::compare;

const EXAMPLES: &str = r#"Examples:
  # The running cluster and the target:
  restatectl -s http://node-1:5122 metadata verify --toml etcd.toml
  # After the migration, a backup from before it and the target:
  restatectl metadata verify --from before.jsonl --toml etcd.toml --allow-newer"#;

/// Arguments of `metadata verify`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata verify [OPTIONS] --toml <STORE>")]
pub struct VerifyArgs {
    /// Compare this store: a TOML or backup file, or - for standard input
    #[arg(long, visible_alias = "target", value_name = "STORE")]
    pub toml: OsString,

    /// Compare with this store instead of the running cluster
    #[arg(long, value_name = "STORE")]
    pub from: Option<OsString>,

    /// Do not treat keys that are newer in the target as differences
    ///
    /// Once a cluster runs on its target, it advances nodes_config, bifrost_config and the epochs.
    #[arg(long)]
    pub allow_newer: bool,

    /// Show the differences inside each value that differs
    ///
    /// Headers of deployments and options of subscriptions are compared, and shown as digests only. With -o json, the
    /// differences are a patch (RFC 6902) from source to target.
    #[arg(long)]
    pub changes: bool,

    /// Also write the JSON document to this file, however the run ends
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// The two stores of a comparison, open.
struct OpenSides {
    source: OpenSource,
    target: OpenSource,
}

/// The content of both stores.
struct SideSnapshots {
    source: Snapshot,
    target: Snapshot,
}

/// Reads both stores and compares them.
///
/// # Errors
/// Any [`Failure`] to open or read the stores, and [`Code::SameStore`].
pub async fn run(args: &VerifyArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    context.keep_earlier_report()?;
    let sides = open_sides(args, context).await?;
    let snapshots = read_sides(&sides, context).await?;
    refuse_one_store(&sides, &snapshots).await?;
    if snapshots.source.is_empty() && snapshots.target.is_empty() {
        return Err(refuse_empty_stores(&sides).into());
    }
    let source = ComparedSide { store: &sides.source, snapshot: &snapshots.source };
    let target = ComparedSide { store: &sides.target, snapshot: &snapshots.target };
    if let Some(failure) = find_self_comparison(source, target, context).await {
        return Err(failure.into());
    }
    let comparison = compare(&snapshots.source, &snapshots.target);
    let changes = match args.changes {
        true => Some(find_changes(&comparison).await?),
        false => None,
    };
    let equal = comparison.differences(args.allow_newer).next().is_none();
    let is_unused = args.allow_newer && equal && comparison.count(KeyStatus::Newer) == 0;
    let result = VerifyResult {
        source: store_name(sides.source.source()),
        target: store_name(sides.target.source()),
        equal,
        comparison,
        changes,
        warning: is_unused.then_some(UNUSED_TARGET),
    };
    let failure =
        (!result.equal).then(|| difference_failure(&result, &snapshots, args.allow_newer));
    Ok(Outcome { result: Some(CommandResult::Verify(result)), failure })
}

/// Finds the differences inside the values, on a thread of its own: large ones take their time.
async fn find_changes(
    comparison: &Comparison,
) -> anyhow::Result<BTreeMap<Key, Vec<DocumentChange>>> {
    let rows = comparison.rows.clone();
    let changes = run_detached(move || {
        rows.iter().filter_map(|row| Some((row.key.clone(), find_value_changes(row)?))).collect()
    });
    Ok(changes.await?)
}

async fn open_sides(args: &VerifyArgs, context: &Context<'_>) -> Result<OpenSides, Failure> {
    let progress = ReadProgress::start(context);
    if is_standard_input(&args.toml) && args.from.as_deref().is_some_and(is_standard_input) {
        let reason = "only one of --toml and --from can be read from standard input";
        return Err(Failure::new(Code::Usage, reason));
    }
    let to = store_arg::load_store(&args.toml, context).await?;
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    let is_one_file = args.from.as_deref().is_some_and(|from| is_same_path(from, &args.toml));
    if is_one_file || from.as_ref().is_some_and(|from| is_same_store(from, &to)) {
        return Err(same_store_failure("--from and --toml name the same store"));
    }
    let target = open_store::open_other(to, context).await?;
    progress.set_target(store_name(target.source()));
    let source = open_store::open_source(from, context).await?;
    progress.set_source(store_name(source.source()));
    if let (Some(source), Some(target)) = (source.cluster(), target.cluster())
        && source.shares_nodes_with(target)
    {
        return Err(same_store_failure("source and target are the same running cluster"));
    }
    Ok(OpenSides { source, target })
}

/// Returns whether both arguments are paths of one file or folder.
fn is_same_path(one: &OsStr, other: &OsStr) -> bool {
    let [one, other] = [one, other].map(|path| std::fs::canonicalize(path).ok());
    one.is_some() && one == other
}

async fn read_sides(sides: &OpenSides, context: &Context<'_>) -> Result<SideSnapshots, Failure> {
    let OpenSides { source, target } = sides;
    let of_source = |error: StoreError| source.failure(&error);
    let of_target = |error: StoreError| target_failure(&error, target);
    let (from, to, events) = (source.source(), target.source(), context.events);
    [from, to].into_iter().for_each(|side| open_store::warn_of_loss(side, context));
    let (mut ours, mut theirs) = try_join!(
        async { snapshot::read_content(from, Stage::ReadSource, events).await.map_err(of_source) },
        async { snapshot::read_content(to, Stage::ReadTarget, events).await.map_err(of_target) },
    )?;
    // Each is asked for what the other has, where it may have it without listing it.
    let asked = theirs.ask_for(to, &ours.snapshot, Stage::ReadTarget, events).await;
    asked.map_err(of_target)?;
    let asked = ours.ask_for(from, &theirs.snapshot, Stage::ReadSource, events).await;
    asked.map_err(of_source)?;
    Ok(SideSnapshots { source: ours.snapshot, target: theirs.snapshot })
}

fn target_failure(error: &StoreError, target: &OpenSource) -> Failure {
    let failure = Failure::of_target(error);
    match (failure.code, target.cluster()) {
        (Code::TargetUnavailable, None) => failure.hint(checks::CHECK_TARGET_HINT),
        _ => failure,
    }
}

/// Returns the failure for two stores without a key: that they are equal would pass for proof of a copy.
fn refuse_empty_stores(sides: &OpenSides) -> Failure {
    let hint = format!("{} has none either: check the names of both", sides.target.source().name());
    Failure::no_keys(&store_name(sides.source.source())).hint(hint)
}

/// Refuses two names of one store.
async fn refuse_one_store(sides: &OpenSides, snapshots: &SideSnapshots) -> Result<(), Failure> {
    let source = ReadStore { store: sides.source.source(), snapshot: &snapshots.source };
    let target = ReadStore { store: sides.target.source(), snapshot: &snapshots.target };
    match are_one_store(source, target).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(same_store_failure("--from and --toml are two names of one store")),
        Err(UnaskedSide::Source(error)) => Err(sides.source.failure(&error)),
        Err(UnaskedSide::Target(error)) => Err(target_failure(&error, &sides.target)),
    }
}

fn difference_failure(
    result: &VerifyResult,
    snapshots: &SideSnapshots,
    allow_newer: bool,
) -> Failure {
    let is_difference = |status: &KeyStatus| match status {
        KeyStatus::Same => false,
        KeyStatus::Newer => !allow_newer,
        _ => true,
    };
    let counts: Vec<_> = KeyStatus::ALL
        .into_iter()
        .filter(is_difference)
        .map(|status| (result.comparison.count(status), status.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let (source, target) = (&result.source, &result.target);
    let message = format!("{source} and {target} differ: {}", counts.join(", "));
    let has_only_newer = result.comparison.differences(true).next().is_none();
    let hint = match describe_two_clusters(snapshots) {
        Some(clusters) => Some(clusters),
        None if has_only_newer => Some(ALLOW_NEWER_HINT.to_owned()),
        None => result.changes.is_none().then(|| COMPARE_VALUES_HINT.to_owned()),
    };
    let failure = Failure::new(Code::VerificationFailed, message);
    hint.into_iter().fold(failure, Failure::hint)
}

fn describe_two_clusters(snapshots: &SideSnapshots) -> Option<String> {
    let source = codec::cluster_of(&snapshots.source)?;
    let target = codec::cluster_of(&snapshots.target)?;
    (source != target).then(|| {
        let (source, target) = (describe_cluster(&source), describe_cluster(&target));
        format!("check both stores: they hold two clusters: {source} and {target}")
    })
}

fn describe_cluster((name, fingerprint): &(String, Option<u64>)) -> String {
    let fingerprint = fingerprint.map_or("none".to_owned(), |number| number.to_string());
    format!("{name}, fingerprint {fingerprint}")
}

/// The warning about a target that servers which started on it would have advanced. One that runs since before the copy
/// was made may use it.
const UNUSED_TARGET: &str = "nothing in the target is newer: no server has started on it since the copy was made; \
                             servers that you have started since do not use it";

const ALLOW_NEWER_HINT: &str = "add --allow-newer if the cluster has run on the target since the migration: newer keys are expected then";

const COMPARE_VALUES_HINT: &str = "add --changes to see how the values differ";
