//! `wait`: waits until all nodes are in migration mode, have stopped, or run. Writes nothing.

mod observed;
mod progress;
mod stopped;

use std::ffi::OsString;
use std::time::Duration;

use clap::ValueEnum;

use crate::backends::transport::ActiveTime;
use crate::commands::Context;
use crate::commands::node_ids::IgnoredNodes;
use crate::commands::read_progress::ReadProgress;
use crate::commands::status::{OnStore, not_ready_failure};
use crate::outcome::{Code, CommandResult, Failure, Outcome, StatusKind, StatusResult};
use crate::pipeline::cluster_status::Condition;
use progress::WaitProgress;

const EXAMPLES: &str = r#"Examples:
  # Before a migration:
  restatectl -s http://node-1:5122 wait --for migration-mode
  # Between the migration and the first start on the target, with all nodes stopped:
  restatectl wait --for stopped --from etcd.toml
  # After it:
  restatectl -s http://node-1:5122 wait --for running --on etcd.toml --timeout 10m"#;

/// Arguments of `wait`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "restatectl wait [OPTIONS] --for <CONDITION>")]
pub struct WaitArgs {
    /// Wait for this
    ///
    /// That a node has stopped means that its port is closed. Its process may take some seconds more to end. A node whose
    /// name is unknown here, or whose host is unreachable, also counts as stopped, with a warning.
    #[arg(long = "for", value_enum, value_name = "CONDITION")]
    pub condition: WaitCondition,

    /// Wait until the cluster runs on this store: a TOML file, or - for standard input (with --for running)
    #[arg(long, value_name = "STORE")]
    pub on: Option<OsString>,

    /// Take the nodes from this store: a TOML or backup file, or - for standard input (with --for stopped)
    ///
    /// Without it they are asked of the cluster at --address, which must still run then.
    #[arg(long, alias = "toml", value_name = "STORE")]
    pub from: Option<OsString>,

    /// Wait until nothing has listened for this long, such as 1s (with --for stopped) [default: 3s]
    ///
    /// A supervisor may start a node again that was stopped. With 0s, one look is enough.
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub stable_for: Option<Duration>,

    /// Give up after this time, such as 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_timeout)]
    pub timeout: Duration,

    /// The nodes to skip.
    #[command(flatten)]
    pub ignored: IgnoredNodes,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WaitCondition {
    /// Every node runs in migration mode, and the metadata servers have a quorum
    MigrationMode,
    /// Nothing listens at the address of any node, for 3 seconds or --stable-for
    Stopped,
    /// Every node runs in its normal roles, and every partition has an active leader
    Running,
}

impl WaitCondition {
    /// Returns the name on the command line and in documents.
    fn name(self) -> &'static str {
        match self {
            WaitCondition::MigrationMode => "migration-mode",
            WaitCondition::Stopped => "stopped",
            WaitCondition::Running => "running",
        }
    }
}

/// The longest time that can be waited.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Waits until the condition holds, or the time is over.
///
/// # Errors
/// Any [`Failure`] to read the arguments; [`Code::SourceUnavailable`] if it can't be known which nodes are to stop.
pub async fn run(args: &WaitArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    ReadProgress::start(context).set_condition(args.condition.name());
    check_options(args, context)?;
    let progress = WaitProgress::new(args.condition.name(), context.events);
    let ended = wait_within_limit(args, context, &progress).await;
    progress.end();
    let is_expired = ended?.is_none();
    let kind = StatusKind::Wait(args.condition.name());
    let mut result = StatusResult { kind, ..progress.into_last() };
    if is_expired && result.reasons.is_empty() {
        let reason = "it held in one look only, and the time was over before a second";
        result.reasons.push(reason.to_owned());
    }
    let message = format!(
        "{} after {}",
        describe_missing_condition(args.condition),
        humantime::format_duration(args.timeout)
    );
    let failure = match is_expired {
        true => not_ready_failure(&result, &message),
        false => None,
    };
    Ok(Outcome { result: Some(CommandResult::Status(Box::new(result))), failure })
}

/// Waits; returns `None` if the condition does not hold in time.
async fn wait_within_limit(
    args: &WaitArgs,
    context: &Context<'_>,
    progress: &WaitProgress<'_>,
) -> Result<Option<()>, Failure> {
    let mut clock = ActiveTime::start();
    let ignored = &args.ignored.ignore_node;
    let condition = match args.condition {
        WaitCondition::Stopped => {
            // Which nodes there are is found out, or not, whatever time is given for the rest.
            let (from, stable_for) = (args.from.as_deref(), args.stable_for);
            let nodes = stopped::NodesToStop::find(from, ignored, stable_for, context).await?;
            return Ok(clock.limit(args.timeout, nodes.wait_until_stopped(progress)).await);
        }
        WaitCondition::MigrationMode => Condition::MigrationMode,
        WaitCondition::Running => Condition::Running,
    };
    let mut on = OnStore::load_optional(args.on.as_deref(), context).await?;
    let waiting = observed::Wait { condition, ignored, context };
    let wait = async {
        if let Some(on) = &mut on {
            on.check_configuration(context).await?;
        }
        waiting.wait_until_held(on, progress).await
    };
    clock.limit(args.timeout, wait).await.transpose()
}

fn check_options(args: &WaitArgs, context: &Context<'_>) -> Result<(), Failure> {
    let refuse = |reason: &str| Err(Failure::new(Code::Usage, reason));
    if context.options.single_address.is_some() {
        return refuse("wait asks every node: name one with --address instead of --single-address");
    }
    if args.on.is_some() && args.condition != WaitCondition::Running {
        return refuse("--on applies to --for running only");
    }
    if args.from.is_some() && args.condition != WaitCondition::Stopped {
        return refuse("--from applies to --for stopped only");
    }
    if args.stable_for.is_some() && args.condition != WaitCondition::Stopped {
        return refuse("--stable-for applies to --for stopped only");
    }
    Ok(())
}

fn describe_missing_condition(condition: WaitCondition) -> &'static str {
    match condition {
        WaitCondition::MigrationMode => "the cluster is not in migration mode",
        WaitCondition::Stopped => "not every node has stopped",
        WaitCondition::Running => "the cluster does not run",
    }
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text);
    let time = time.map_err(|_| "expected a time with its unit, such as 90s or 5m".to_owned())?;
    match time <= LONGEST_TIMEOUT {
        true => Ok(time),
        false => Err("expected at most 7 days".to_owned()),
    }
}
