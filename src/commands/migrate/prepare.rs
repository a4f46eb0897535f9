//! Reads source and target, makes every check that can be made, and decides the plan.

use std::path::PathBuf;

use futures_util::future::join_all;
use tokio::join;

use super::MigrateArgs;
use super::confirm_overwrite;
use super::state::MigrationState;
use super::target::{self, TargetSide};
use crate::backends::Target;
use crate::backends::cluster::{self, Cluster, ClusterOptions};
use crate::codec::{self, NodesConfiguration};
use crate::commands::open_store::{self, OpenSource, OpenTarget};
use crate::commands::store_arg::StoreArg;
use crate::commands::{Context, live_nodes};
use crate::events::{Event, Stage};
use crate::model::{Quorum, Snapshot, StoreError};
use crate::outcome::{Check, Failure, Finding, StoreName};
use crate::pipeline::checks::{self as checks, Ignored};
use crate::pipeline::snapshot;

/// What the later stations need of both sides.
pub(super) struct Gathered {
    pub(super) source: OpenSource,
    pub(super) before: Snapshot,
    /// What the target is to hold: the source, but for a `nodes_config` that is merged.
    pub(super) wanted: Snapshot,
    pub(super) nodes: NodesConfiguration,
    /// What the target held.
    pub(super) held: Snapshot,
    /// The backup file of an interrupted run that explains what the target holds.
    pub(super) former: Option<PathBuf>,
}

impl Gathered {
    /// The nodes that say which of them are metadata servers: those of the target, where they run on it.
    pub(super) fn servers_of(&self, target: &dyn Target) -> NodesConfiguration {
        let theirs = codec::nodes_of(&self.held).filter(|_| target.is_live_cluster());
        theirs.unwrap_or_else(|| self.nodes.clone())
    }
}

/// The source as far as it could be read.
pub(super) struct SourceSide {
    opened: Option<OpenSource>,
    pub(super) quorum: Option<Quorum>,
    pub(super) read: Result<Snapshot, StoreError>,
}

impl SourceSide {
    /// Whether it is a running cluster that runs on the target, which holds this; in words.
    pub(super) fn runs_on(&self, held: &Snapshot) -> Option<&'static str> {
        let before =
            self.read.as_ref().ok().filter(|_| self.quorum == Some(Quorum::NoMetadataServers))?;
        checks::runs_on_target(before, held)
    }
}

pub(super) const NO_SOURCE: &str = "the source could not be read";

/// Makes every check and records its finding. `None` if a side could not be read.
pub(super) async fn gather(
    args: &MigrateArgs,
    from: Option<StoreArg>,
    writable: &OpenTarget,
    context: &Context<'_>,
    record: &MigrationState,
) -> Result<Option<Gathered>, Failure> {
    let target = writable.target();
    record.target(StoreName::of(target));
    // Wrong usage is told before anything is asked.
    let reading = match open_store::cluster_options_for(from.as_ref(), context)? {
        Some(options) => Reading::Cluster(options),
        None => Reading::Store(open_store::open_source(from, context).await?),
    };
    let reading = async {
        match reading {
            Reading::Store(store) => read_store(store, None, context, record).await,
            Reading::Cluster(options) => read_cluster(&options, context, record).await,
        }
    };
    let (source, existing) = read_both(reading, writable, context).await;
    let found = |finding: Finding| {
        context.events.emit(Event::Finding(&finding));
        record.found(finding);
    };
    let nodes = source.read.as_ref().ok().and_then(codec::nodes_of);
    check_source_side(args, &source, &existing, nodes.as_ref(), writable, context, &found).await;
    let decided = target::check(args, &source, &existing, target, record, &found).await;
    let former = decided.as_ref().and_then(|decided| decided.former.as_deref());
    let sides = (source.read.as_ref().ok(), existing.read.as_ref().ok());
    confirm_overwrite::ask(args, target, sides, former, context, record).await?;
    if !target.guarantees_conditional_writes() {
        found(store_probe(args, target, record).await);
    }
    if context.options.insecure_skip_tls_verify {
        found(checks::check_tls());
    }
    Ok(match (source.opened, source.read, nodes, existing.read, decided) {
        (Some(source), Ok(before), Some(nodes), Ok(held), Some(decided)) => {
            let target::Decided { wanted, former } = decided;
            Some(Gathered { source, before, wanted, nodes, held, former })
        }
        _ => None,
    })
}

/// A source that is not read yet.
enum Reading {
    Store(OpenSource),
    Cluster(ClusterOptions),
}

/// At the same time, but for a target that can't list: it is also asked for what the source has.
async fn read_both(
    reading: impl Future<Output = SourceSide>,
    target: &OpenTarget,
    context: &Context<'_>,
) -> (SourceSide, TargetSide) {
    let nothing = Snapshot::new();
    if target.target().can_list() {
        return join!(reading, target::read(target, &nothing, context));
    }
    let source = reading.await;
    let at_hand = source.read.as_ref().unwrap_or(&nothing);
    let target = target::read(target, at_hand, context).await;
    (source, target)
}

/// The only check that writes, if only a scratch object: made when all others hold.
async fn store_probe(args: &MigrateArgs, target: &dyn Target, record: &MigrationState) -> Finding {
    let skipped = |reason| Finding::skipped(Check::StoreProbe, reason);
    if args.skip_store_probe {
        return skipped("--skip-store-probe: whether conditional writes are honoured is not known");
    }
    if args.dry_run {
        return skipped(
            "a dry run writes nothing; the real run tries conditional writes first. Restate supports only \
             Amazon S3",
        );
    }
    if checks::refusal(&record.checks()).is_some() {
        return skipped("other checks do not hold");
    }
    checks::check_store_probe(&target.probe_conditional_writes().await)
}

async fn read_cluster(
    options: &ClusterOptions,
    context: &Context<'_>,
    record: &MigrationState,
) -> SourceSide {
    let cluster = match cluster::connect(options).await {
        Ok(cluster) => cluster,
        Err(error) => return SourceSide { opened: None, quorum: None, read: Err(error) },
    };
    let quorum = cluster.quorum().await;
    read_store(OpenSource::Cluster(Box::new(cluster)), Some(quorum), context, record).await
}

async fn read_store(
    opened: OpenSource,
    quorum: Option<Quorum>,
    context: &Context<'_>,
    record: &MigrationState,
) -> SourceSide {
    let name = StoreName::of(opened.source());
    record.source(name.clone());
    let read = match &quorum {
        // No read would be answered: that is known now, and not after every time-out.
        Some(Quorum::Lost(reason) | Quorum::NoLeader(reason)) => {
            Err(StoreError::NoQuorum { store: name.name, reason: reason.clone() })
        }
        _ => snapshot::read(opened.source(), Stage::ReadSource, context.events).await,
    };
    SourceSide { opened: Some(opened), quorum, read }
}

async fn check_source_side(
    args: &MigrateArgs,
    source: &SourceSide,
    existing: &TargetSide,
    nodes: Option<&NodesConfiguration>,
    target: &OpenTarget,
    context: &Context<'_>,
    found: &impl Fn(Finding),
) {
    let is_cluster = source.opened.as_ref().is_none_or(|opened| opened.cluster().is_some());
    found(checks::check_source(source.read.as_ref(), nodes, is_cluster));
    match &source.read {
        Ok(snapshot) => found(checks::check_values(snapshot, &args.allow_undecoded)),
        Err(_) => found(Finding::skipped(Check::Values, NO_SOURCE)),
    }
    match (nodes, &source.opened) {
        (Some(nodes), Some(opened)) => {
            let versions = target::with_nodes_of(existing, nodes);
            found(checks::check_server_version(&versions, args.accept_version));
            found(match target.cluster() {
                Some(cluster) => target::migration_mode(args, nodes, existing, cluster).await,
                None => at_rest(args, nodes, opened, (source, existing), context).await,
            });
        }
        _ => {
            let reason = "nodes_config could not be read";
            found(Finding::skipped(Check::ServerVersion, reason));
            found(Finding::skipped(Check::MigrationMode, reason));
        }
    }
    match (&existing.quorum, &source.quorum) {
        (Some(quorum), _) => found(checks::check_target_quorum(quorum)),
        (None, Some(quorum)) => found(checks::check_quorum(quorum)),
        (None, None) if is_cluster => found(Finding::skipped(Check::Quorum, NO_SOURCE)),
        (None, None) => found(Finding::skipped(Check::Quorum, "the source is no running cluster")),
    }
}

/// Whether nobody is at work on either side, as far as that can be seen.
async fn at_rest(
    args: &MigrateArgs,
    nodes: &NodesConfiguration,
    opened: &OpenSource,
    (source, existing): (&SourceSide, &TargetSide),
    context: &Context<'_>,
) -> Finding {
    let Ok(before) = &source.read else { return migration_mode(args, nodes, opened).await };
    let Ok(held) = &existing.read else {
        return source_at_rest(args, nodes, opened, before, context).await;
    };
    if source.runs_on(held).is_some() {
        return Finding::skipped(Check::MigrationMode, "see target-keys: nothing is to be copied");
    }
    let (of_source, on_target) = join!(
        source_at_rest(args, nodes, opened, before, context),
        live_nodes::on("target", held, context)
    );
    checks::check_at_work(&on_target, of_source, args.dry_run)
}

/// The same of the source alone, which holds this.
pub(super) async fn source_at_rest(
    args: &MigrateArgs,
    nodes: &NodesConfiguration,
    opened: &OpenSource,
    held: &Snapshot,
    context: &Context<'_>,
) -> Finding {
    let finding = migration_mode(args, nodes, opened).await;
    match (opened, opened.source().kind()) {
        (OpenSource::Cluster(_), _) | (_, "backup") => finding,
        _ => {
            let at_work = live_nodes::on("source", held, context).await;
            checks::check_at_work(&at_work, finding, args.dry_run)
        }
    }
}

/// The check with the answers of the nodes that are to be ignored.
async fn migration_mode(
    args: &MigrateArgs,
    nodes: &NodesConfiguration,
    opened: &OpenSource,
) -> Finding {
    let Some(cluster) = opened.cluster() else {
        let reason = match opened.source().kind() {
            "backup" => "the source is a backup file",
            _ => {
                "the source is a store and no running cluster: none of its nodes was seen at work on it, \
                 but make sure that no server runs on it, since nothing here can prove it"
            }
        };
        return Finding::skipped(Check::MigrationMode, reason);
    };
    let asked = args.ignore_node.iter().map(|id| answers(*id, nodes, cluster));
    checks::check_migration_mode(nodes, &join_all(asked).await, args.dry_run)
}

async fn answers(id: u32, nodes: &NodesConfiguration, cluster: &Cluster) -> Ignored {
    let answers = match nodes.nodes.iter().find(|node| node.id == id) {
        Some(node) => cluster.answers(&node.address).await.is_ok(),
        None => false,
    };
    Ignored { id, answers }
}
