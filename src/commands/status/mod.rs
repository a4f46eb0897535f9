//! `status`: whether the cluster works, and whether it runs on a store. Writes nothing.

mod not_ready;
mod observer;
mod on_store;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::commands::Context;
use crate::commands::node_ids::IgnoredNodes;
use crate::outcome::{CommandResult, Failure, Outcome, StatusKind, StatusResult, StoreAnswer};
use crate::pipeline::cluster_status::Condition;
pub use not_ready::{join_reasons, not_ready_failure};
pub use observer::Observer;
pub use on_store::OnStore;

const EXAMPLES: &str = r#"Examples:
  # The running cluster:
  restatectl -s http://node-1:5122 status
  # After a migration, whether it runs on the target (exit code 0 proves it):
  restatectl -s http://node-1:5122 status --on etcd.toml"#;

/// The longest time for what a cluster settles by itself: an election, or a change of `nodes_config` between two
/// reads.
const SETTLING_LIMIT: Duration = Duration::from_secs(5);

const SETTLING_PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `status`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Also find out whether the cluster runs on this store: a TOML file, or - for standard input
    ///
    /// The answer is yes, no, or cannot tell, as always in migration mode. Only yes gives exit code 0.
    #[arg(long, value_name = "STORE")]
    pub on: Option<OsString>,

    /// The nodes to skip.
    #[command(flatten)]
    pub ignored: IgnoredNodes,
}

/// Asks every node, and an admin node for the partitions.
///
/// # Errors
/// Any [`Failure`] to read the arguments or to reach the cluster.
pub async fn run(args: &StatusArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    args.ignored.check_options(context)?;
    let mut on = OnStore::load_optional(args.on.as_deref(), context).await?;
    if let Some(on) = &mut on {
        on.check_configuration(context).await?;
    }
    let mut observer = Observer::new(context, &args.ignored.ignore_node, on)?;
    let result = observe_settled(&mut observer).await?;
    let failure = not_ready_failure(&result, "the cluster is not ready");
    Ok(Outcome { result: Some(CommandResult::Status(Box::new(result))), failure })
}

/// Observes the cluster, again where it is about to settle.
async fn observe_settled(observer: &mut Observer<'_>) -> Result<StatusResult, Failure> {
    let since = Instant::now();
    loop {
        let result = observer.observe(Condition::Working).await?;
        if !is_settling(&result) || since.elapsed() >= SETTLING_LIMIT {
            return Ok(StatusResult { kind: StatusKind::Status, ..result });
        }
        tokio::time::sleep(SETTLING_PAUSE).await;
    }
}

/// Returns whether a leader is being elected, or only the store is in doubt.
fn is_settling(result: &StatusResult) -> bool {
    let has_no_leader = result
        .quorum
        .as_ref()
        .is_some_and(|count| count.leader.is_none() && count.responding >= count.needed);
    let is_in_doubt = result.on.as_ref().is_some_and(|on| on.answer == StoreAnswer::CannotTell);
    let runs = result.nodes.iter().any(|node| node.mode == Some("normal"));
    has_no_leader || (is_in_doubt && runs && result.reasons.len() == 1)
}
