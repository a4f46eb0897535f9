//! Reads source and target, makes every check that can be made, and decides the plan.

use futures_util::future::join_all;
use tokio::join;

use super::MigrateArgs;
use super::record::Record;
use crate::backends::cluster::{Cluster, Quorum};
use crate::backends::{StoreError, Target};
use crate::codec::{self, NodesConfiguration};
use crate::commands::{Context, store_arg};
use crate::model::{Entry, Key, Snapshot};
use crate::outcome::{Failure, StoreName};
use crate::plan::{self, OnExisting};
use crate::preflight::{self as checks, Check, Finding, Ignored};
use crate::snapshot;
use crate::watch::{Event, Stage};

/// What the later stations need of the source.
pub(super) struct Gathered {
    pub(super) source: Cluster,
    pub(super) before: Snapshot,
    pub(super) nodes: NodesConfiguration,
}

/// The source as far as it could be read.
struct SourceSide {
    cluster: Option<Cluster>,
    quorum: Option<Quorum>,
    read: Result<Snapshot, StoreError>,
}

/// The target as far as it could be read.
struct TargetSide {
    read: Result<Snapshot, StoreError>,
    probe: Result<(), StoreError>,
}

/// Makes every check and records its finding. `None` if the source could not be read.
pub(super) async fn gather(
    args: &MigrateArgs,
    on_existing: OnExisting,
    target: &dyn Target,
    context: &Context<'_>,
    record: &Record,
) -> Result<Option<Gathered>, Failure> {
    record.target(StoreName::of(target));
    // Wrong usage is told before anything is asked.
    context.global.cluster().map_err(|error| Failure::of_source(&error))?;
    let (source, existing) = join!(read_source(context, record), read_target(target, context));
    let found = |finding: Finding| {
        context.watch.on(Event::Finding(&finding));
        record.found(finding);
    };
    let nodes = source.read.as_ref().ok().and_then(nodes_of);
    check_source_side(args, &source, nodes.as_ref(), &found).await;
    check_target_side(&source, &existing, on_existing, target, record, &found).await;
    if !target.semantics_are_known() {
        found(store_probe(args, target, record).await);
    }
    if context.global.insecure_skip_tls_verify {
        found(checks::check_tls());
    }
    Ok(match (source.cluster, source.read, nodes) {
        (Some(source), Ok(before), Some(nodes)) => Some(Gathered { source, before, nodes }),
        _ => None,
    })
}

/// The only check that writes, if only a scratch object: made when all others hold.
async fn store_probe(args: &MigrateArgs, target: &dyn Target, record: &Record) -> Finding {
    let skipped = |reason| Finding::skipped(Check::StoreProbe, reason);
    if args.skip_store_probe {
        return skipped("--skip-store-probe: whether conditional writes are honoured is not known");
    }
    if args.dry_run {
        return skipped("a dry run writes nothing; the real run tries conditional writes first");
    }
    if checks::refusal(&record.checks()).is_some() {
        return skipped("other checks do not hold");
    }
    checks::check_store_probe(&target.probe_semantics().await)
}

async fn read_source(context: &Context<'_>, record: &Record) -> SourceSide {
    let cluster = match store_arg::open_cluster(context).await {
        Ok(cluster) => cluster,
        Err(error) => return SourceSide { cluster: None, quorum: None, read: Err(error) },
    };
    record.source(StoreName::of(&cluster));
    let quorum = cluster.quorum().await;
    let read = match &quorum {
        // No read would be answered: that is known now, and not after every time-out.
        Quorum::Lost(reason) | Quorum::NoLeader(reason) => Err(StoreError::NoQuorum {
            store: StoreName::of(&cluster).name,
            reason: reason.clone(),
        }),
        _ => snapshot::read(&cluster, Stage::ReadSource, context.watch).await,
    };
    SourceSide { cluster: Some(cluster), quorum: Some(quorum), read }
}

async fn read_target(target: &dyn Target, context: &Context<'_>) -> TargetSide {
    let read = snapshot::read(target, Stage::ReadTarget, context.watch).await;
    let probe = match &read {
        Ok(_) => target.probe_write().await,
        Err(_) => Ok(()),
    };
    TargetSide { read, probe }
}

/// What `nodes_config` says, if it is there and sound.
pub(super) fn nodes_of(snapshot: &Snapshot) -> Option<NodesConfiguration> {
    let value = snapshot.get(&Key::NodesConfig).and_then(Entry::value)?;
    codec::nodes_configuration(&codec::decode(&Key::NodesConfig, &value.bytes).ok()?).ok()
}

async fn check_source_side(
    args: &MigrateArgs,
    source: &SourceSide,
    nodes: Option<&NodesConfiguration>,
    found: &impl Fn(Finding),
) {
    const NEEDS_SOURCE: &str = "the source could not be read";
    found(checks::check_source(source.read.as_ref(), nodes));
    match &source.read {
        Ok(snapshot) => found(checks::check_values(snapshot, &args.allow_undecoded)),
        Err(_) => found(Finding::skipped(Check::Values, NEEDS_SOURCE)),
    }
    match (nodes, &source.cluster) {
        (Some(nodes), Some(cluster)) => {
            found(checks::check_server_version(nodes, args.accept_version));
            found(migration_mode(args, nodes, cluster).await);
        }
        _ => {
            let reason = "nodes_config could not be read";
            found(Finding::skipped(Check::ServerVersion, reason));
            found(Finding::skipped(Check::MigrationMode, reason));
        }
    }
    match &source.quorum {
        Some(quorum) => found(checks::check_quorum(quorum)),
        None => found(Finding::skipped(Check::Quorum, NEEDS_SOURCE)),
    }
}

/// The check with the answers of the nodes that are to be ignored.
pub(super) async fn migration_mode(
    args: &MigrateArgs,
    nodes: &NodesConfiguration,
    cluster: &Cluster,
) -> Finding {
    let asked = args.ignore_node.iter().map(|id| async move {
        let node = nodes.nodes.iter().find(|node| node.id == *id);
        let answers = match node {
            Some(node) => cluster.answers(&node.address).await.is_ok(),
            None => false,
        };
        Ignored { id: *id, answers }
    });
    checks::check_migration_mode(nodes, &join_all(asked).await, args.dry_run)
}

async fn check_target_side(
    source: &SourceSide,
    existing: &TargetSide,
    on_existing: OnExisting,
    target: &dyn Target,
    record: &Record,
    found: &impl Fn(Finding),
) {
    found(checks::check_target(target.name(), existing.read.as_ref()));
    let Ok(held) = &existing.read else {
        for check in [Check::TargetWritable, Check::Limits, Check::TargetKeys] {
            found(Finding::skipped(check, "the target could not be read"));
        }
        return;
    };
    found(checks::check_target_writable(&existing.probe));
    let Ok(wanted) = &source.read else {
        for check in [Check::Limits, Check::TargetKeys] {
            found(Finding::skipped(check, "the source could not be read"));
        }
        return;
    };
    match &existing.probe {
        Ok(()) => found(checks::check_limits(&target.misfits(wanted).await, wanted)),
        Err(_) => found(Finding::skipped(Check::Limits, "the target takes no writes")),
    }
    let plan = plan::decide(wanted, held, on_existing);
    let elsewhere = source.quorum == Some(Quorum::NoMembers);
    found(checks::check_target_keys(&plan, elsewhere));
    record.planned(plan);
}
