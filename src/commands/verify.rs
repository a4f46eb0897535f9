//! `metadata verify`: two stores, key by key. Writes nothing.

use std::path::PathBuf;

use tokio::try_join;

use crate::codec;
use crate::commands::Context;
use crate::commands::open_store::{self, OpenSource, store_name};
use crate::commands::store_arg::{self, is_same_store};
use crate::events::Stage;
use crate::model::{KeyStatus, Quorum, Snapshot};
use crate::outcome::{Code, CommandResult, Failure, Outcome, VerifyResult};
use crate::pipeline::checks;
use crate::pipeline::snapshot;
use crate::pipeline::verify::compare;

const EXAMPLES: &str = r#"Examples:
  # The running cluster and the target:
  restatectl -s http://node-1:5122 metadata verify --target etcd.toml
  # After the migration, a backup from before it and the target:
  restatectl metadata verify --from before.jsonl --target etcd.toml --allow-newer"#;

/// Arguments of `metadata verify`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl metadata verify [OPTIONS] --toml <STORE>")]
pub struct VerifyArgs {
    /// Compare this store: a TOML or backup file, or - for standard input
    #[arg(long, visible_alias = "target", value_name = "STORE")]
    pub toml: String,

    /// Compare with this store instead of the running cluster
    #[arg(long, value_name = "STORE")]
    pub from: Option<String>,

    /// Do not treat keys that are newer in the target as differences
    ///
    /// Once a cluster runs on its target, it advances nodes_config, bifrost_config and the epochs.
    #[arg(long)]
    pub allow_newer: bool,

    /// Also write the JSON document to this file, however the run ends
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Reads both stores and compares them.
///
/// # Errors
/// Any [`Failure`] of opening or reading, and of comparing a store with itself.
pub async fn run(args: &VerifyArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    if args.toml == "-" && args.from.as_deref() == Some("-") {
        let reason = "only one of --toml and --from can be read from standard input";
        return Err(Failure::new(Code::Usage, reason).into());
    }
    let to = store_arg::load(&args.toml, context)?;
    let from = store_arg::load_optional(args.from.as_deref(), context)?;
    if from.as_ref().is_some_and(|from| is_same_store(from, &to)) {
        return Err(same_store("--from and --toml lead to the same store").into());
    }
    let theirs = open_store::open_other(to, context).await?;
    let target = theirs.source();
    let opened = open_store::open_source(from, context).await?;
    let source = opened.source();
    if let (Some(one), Some(other)) = (opened.cluster(), theirs.cluster())
        && one.shares_nodes_with(other)
    {
        return Err(same_store("source and target are the same running cluster").into());
    }
    let (ours, held) = try_join!(
        async {
            let read = snapshot::read(source, Stage::ReadSource, context.events).await;
            read.map_err(|error| opened.failure(&error))
        },
        async {
            let read = snapshot::read(target, Stage::ReadTarget, context.events).await;
            read.map_err(|error| match (Failure::of_target(&error), theirs.cluster()) {
                (failure, None) if failure.code == Code::TargetUnavailable => {
                    failure.hint(checks::CHECK_TARGET_HINT)
                }
                (failure, _) => failure,
            })
        },
    )?;
    let verdict = compare(&ours, &held);
    if let Some(words) = proves_nothing((&ours, &held), &opened).await {
        let reason = format!("the cluster at --address has no metadata server, and {words}");
        return Err(same_store(&reason).into());
    }
    let equal = verdict.faults(args.allow_newer).next().is_none();
    let unused = args.allow_newer && equal && verdict.count(KeyStatus::Newer) == 0;
    let compared = VerifyResult {
        source: store_name(source),
        target: store_name(target),
        equal,
        verdict,
        warning: unused.then_some(NOT_USED),
    };
    let failure = (!compared.equal).then(|| {
        let failure = differ(&compared, args.allow_newer);
        match (codec::cluster_of(&ours), codec::cluster_of(&held)) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                let (ours, theirs) = (named(&ours), named(&theirs));
                let hints = vec![format!("they hold two clusters: {ours} and {theirs}")];
                Failure { hints, ..failure }
            }
            _ => failure,
        }
    });
    Ok(Outcome { result: Some(CommandResult::Verify(compared)), failure })
}

/// A cluster that keeps its metadata elsewhere answers from there.
async fn proves_nothing(
    (ours, held): (&Snapshot, &Snapshot),
    opened: &OpenSource,
) -> Option<&'static str> {
    let words = checks::describe_source_on_target(ours, held)?;
    (opened.cluster()?.quorum().await == Quorum::NoMetadataServers).then_some(words)
}

fn named((name, fingerprint): &(String, Option<u64>)) -> String {
    let print = fingerprint.map_or("none".to_owned(), |print| print.to_string());
    format!("{name}, fingerprint {print}")
}

/// Of a target that is to have been advanced.
const NOT_USED: &str = "nothing in the target is newer: no cluster has started on it since; if yours runs, it does not \
                        run on this store";

fn same_store(reason: &str) -> Failure {
    Failure::new(Code::SameStore, format!("comparing a store with itself proves nothing: {reason}"))
        .hint("name another store with --from, such as a backup file of before the move")
}

fn differ(compared: &VerifyResult, allow_newer: bool) -> Failure {
    let counts: Vec<_> = KeyStatus::ALL
        .into_iter()
        .filter(|status| {
            *status != KeyStatus::Same && !(allow_newer && *status == KeyStatus::Newer)
        })
        .map(|status| (compared.verdict.count(status), status.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let only_newer = compared.verdict.faults(true).next().is_none();
    Failure::new(
        Code::VerificationFailed,
        format!("{} and {} differ: {}", compared.source, compared.target, counts.join(", ")),
    )
    .hint(if only_newer { ONLY_NEWER } else { OTHERS })
}

const ONLY_NEWER: &str = "where the cluster has run on the target since the move, newer keys are as they should be: \
                          add --allow-newer";

const OTHERS: &str = "`metadata migrate` with the same stores and --dry-run shows key by key how they stand, and changes \
                      nothing";
