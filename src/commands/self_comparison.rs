//! Recognizes the comparison of a store with itself, which proves nothing: a cluster that does not run on its replicated
//! store answers from an external one, whatever roles `nodes_config` still shows.

use crate::codec;
use crate::commands::Context;
use crate::commands::open_store::OpenSource;
use crate::events::Event;
use crate::model::{Snapshot, UsesReplicatedStore};
use crate::outcome::{Code, Failure};
use crate::pipeline::checks;

/// One side of a comparison: the open store, and what was read there.
#[derive(Clone, Copy)]
pub(super) struct ComparedSide<'a> {
    pub(super) store: &'a OpenSource,
    pub(super) snapshot: &'a Snapshot,
}

/// Returns the failure of a comparison of a running cluster, on either side, with the store that it runs on; `None` for
/// any other comparison.
pub(super) async fn find_self_comparison(
    source: ComparedSide<'_>,
    target: ComparedSide<'_>,
    context: &Context<'_>,
) -> Option<Failure> {
    let is_target = source.store.cluster().is_none();
    let (running, other) = if is_target { (target, source) } else { (source, target) };
    let cluster = running.store.cluster()?;
    // No cluster runs on files: what it answers is tried by them, on whichever store it runs.
    if is_target && matches!(other.store.source().kind(), "backup" | "stopped-node") {
        return None;
    }
    checks::describe_source_on_target(running.snapshot, other.snapshot)?;
    let nodes = codec::nodes_of(running.snapshot).unwrap_or_default();
    match cluster.uses_replicated_store().await {
        UsesReplicatedStore::Yes => None,
        UsesReplicatedStore::No => Some(describe_use(NOT_REPLICATED, running, is_target)),
        // A node that may be asked alone, and does not lead, can't tell.
        UsesReplicatedStore::Unknown
            if cluster.asks_only_given() && checks::are_in_migration_mode(&nodes) =>
        {
            context.events.emit(Event::Warning(ONE_NODE_WARNING));
            None
        }
        UsesReplicatedStore::Unknown => {
            let failure = describe_use(MAYBE_NOT_REPLICATED, running, is_target);
            Some(failure.hint("if they do, run this again once the metadata servers have a leader"))
        }
    }
}

/// Returns the failure for two names of one store.
pub(super) fn same_store_failure(reason: &str) -> Failure {
    self_comparison(reason)
        .hint("name another store with --from, such as a backup taken before the migration")
}

fn self_comparison(reason: &str) -> Failure {
    Failure::new(Code::SameStore, format!("cannot compare a store with itself: {reason}"))
}

fn describe_use(what: &str, running: ComparedSide<'_>, is_target: bool) -> Failure {
    let name = running.store.source().name();
    let reason =
        format!("the nodes of {name} {what}, and the other store has the same nodes_config");
    match is_target {
        false => same_store_failure(&reason),
        true => self_comparison(&reason).hint(
            "if the cluster was to leave that store, it has not: stop all nodes, then start them on the replicated store",
        ),
    }
}

const NOT_REPLICATED: &str = "do not run on its replicated store";

const MAYBE_NOT_REPLICATED: &str =
    "are not known to run on its replicated store, since none of them leads it";

/// The warning about a cluster of which one node is asked, which does not lead its replicated store.
const ONE_NODE_WARNING: &str = "only the node at --single-address was asked, and it can't tell which store the cluster runs on: if \
                                that is the other store, the comparison proves nothing";
