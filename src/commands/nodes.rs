//! `nodes list`: lists the nodes of the running cluster. Writes nothing.

use crate::commands::Context;
use crate::commands::node_ids::IgnoredNodes;
use crate::commands::status::{Observer, not_ready_failure};
use crate::outcome::{CommandResult, Outcome, StatusKind, StatusResult};
use crate::pipeline::cluster_status::Condition;

const EXAMPLES: &str = r#"Examples:
  restatectl -s http://node-1:5122 nodes list
  restatectl -s http://node-1:5122 nodes list -o json | jq -r '.nodes[] | select(.mode == "normal").name'"#;

/// Arguments of `nodes list`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct NodesListArgs {
    /// The nodes to skip.
    #[command(flatten)]
    pub ignored: IgnoredNodes,
}

/// Asks every node who it is and in which mode it runs.
///
/// # Errors
/// Any [`Failure`](crate::outcome::Failure) to reach the cluster.
pub async fn run_list(args: &NodesListArgs, context: &Context<'_>) -> anyhow::Result<Outcome> {
    args.ignored.check_options(context)?;
    let mut observer = Observer::new(context, &args.ignored.ignore_node, None)?;
    let result = observer.observe(Condition::Responding).await?;
    let result = StatusResult { kind: StatusKind::Nodes, ..result };
    let failure = not_ready_failure(&result, "not every node responds as it should");
    Ok(Outcome { result: Some(CommandResult::Status(Box::new(result))), failure })
}
