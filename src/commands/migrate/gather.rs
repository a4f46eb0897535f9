//! Reads source and target, makes every check that can be made, and decides the plan.

use std::path::PathBuf;

use futures_util::future::join_all;
use tokio::join;

use super::record::Record;
use super::{MigrateArgs, former};
use crate::backends::cluster::{Cluster, Quorum};
use crate::backends::{StoreError, Target};
use crate::codec::{self, NodesConfiguration};
use crate::commands::Context;
use crate::commands::store_arg::{self, Opened, StoreArg};
use crate::model::Snapshot;
use crate::outcome::{Failure, StoreName};
use crate::plan::{self, OnExisting};
use crate::preflight::{self as checks, Check, Finding, Ignored, Permits};
use crate::snapshot;
use crate::watch::{Event, Stage};

/// What the later stations need of both sides.
pub(super) struct Gathered {
    pub(super) source: Opened,
    pub(super) before: Snapshot,
    pub(super) nodes: NodesConfiguration,
    /// What the target held.
    pub(super) held: Snapshot,
    /// The backup file of an interrupted run that explains what the target holds.
    pub(super) former: Option<PathBuf>,
}

/// The source as far as it could be read.
struct SourceSide {
    opened: Option<Opened>,
    quorum: Option<Quorum>,
    read: Result<Snapshot, StoreError>,
}

/// The target as far as it could be read.
struct TargetSide {
    read: Result<Snapshot, StoreError>,
    probe: Result<(), StoreError>,
}

const NO_SOURCE: &str = "the source could not be read";

/// Makes every check and records its finding. `None` if a side could not be read.
pub(super) async fn gather(
    args: &MigrateArgs,
    from: Option<StoreArg>,
    target: &dyn Target,
    context: &Context<'_>,
    record: &Record,
) -> Result<Option<Gathered>, Failure> {
    record.target(StoreName::of(target));
    // Wrong usage is told before anything is asked.
    let from = match from {
        Some(store) => Some(store_arg::open_store(store, context).await?),
        None => {
            context.global.cluster().map(|_| None).map_err(|error| Failure::of_cluster(&error))?
        }
    };
    let reading = async {
        match from {
            Some(store) => read_store(Opened::Store(store), None, context, record).await,
            None => read_cluster(context, record).await,
        }
    };
    let (source, existing) = join!(reading, read_target(target, context));
    let found = |finding: Finding| {
        context.watch.on(Event::Finding(&finding));
        record.found(finding);
    };
    let nodes = source.read.as_ref().ok().and_then(codec::nodes_of);
    check_source_side(args, &source, nodes.as_ref(), &found).await;
    let former = check_target_side(args, &source, &existing, target, record, &found).await;
    if !target.semantics_are_known() {
        found(store_probe(args, target, record).await);
    }
    if context.global.insecure_skip_tls_verify {
        found(checks::check_tls());
    }
    Ok(match (source.opened, source.read, nodes, existing.read) {
        (Some(source), Ok(before), Some(nodes), Ok(held)) => {
            Some(Gathered { source, before, nodes, held, former })
        }
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

async fn read_cluster(context: &Context<'_>, record: &Record) -> SourceSide {
    let cluster = match store_arg::open_cluster(context).await {
        Ok(cluster) => cluster,
        Err(error) => return SourceSide { opened: None, quorum: None, read: Err(error) },
    };
    let quorum = cluster.quorum().await;
    read_store(Opened::Cluster(Box::new(cluster)), Some(quorum), context, record).await
}

async fn read_store(
    opened: Opened,
    quorum: Option<Quorum>,
    context: &Context<'_>,
    record: &Record,
) -> SourceSide {
    let name = StoreName::of(opened.source());
    record.source(name.clone());
    let read = match &quorum {
        // No read would be answered: that is known now, and not after every time-out.
        Some(Quorum::Lost(reason) | Quorum::NoLeader(reason)) => {
            Err(StoreError::NoQuorum { store: name.name, reason: reason.clone() })
        }
        _ => snapshot::read(opened.source(), Stage::ReadSource, context.watch).await,
    };
    SourceSide { opened: Some(opened), quorum, read }
}

async fn read_target(target: &dyn Target, context: &Context<'_>) -> TargetSide {
    let read = snapshot::read(target, Stage::ReadTarget, context.watch).await;
    let probe = match &read {
        Ok(_) => target.probe_write().await,
        Err(_) => Ok(()),
    };
    TargetSide { read, probe }
}

async fn check_source_side(
    args: &MigrateArgs,
    source: &SourceSide,
    nodes: Option<&NodesConfiguration>,
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
            found(checks::check_server_version(nodes, args.accept_version));
            found(migration_mode(args, nodes, opened).await);
        }
        _ => {
            let reason = "nodes_config could not be read";
            found(Finding::skipped(Check::ServerVersion, reason));
            found(Finding::skipped(Check::MigrationMode, reason));
        }
    }
    match &source.quorum {
        Some(quorum) => found(checks::check_quorum(quorum)),
        None if is_cluster => found(Finding::skipped(Check::Quorum, NO_SOURCE)),
        None => found(Finding::skipped(Check::Quorum, "the source is no running cluster")),
    }
}

/// The check with the answers of the nodes that are to be ignored.
pub(super) async fn migration_mode(
    args: &MigrateArgs,
    nodes: &NodesConfiguration,
    opened: &Opened,
) -> Finding {
    let Some(cluster) = opened.cluster() else {
        let reason = match opened.source().kind() {
            "backup" => "the source is a backup file",
            _ => {
                "the source is a store and no running cluster: make sure that no server runs on it, \
                 since nothing here can prove it"
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

/// The backup file of an interrupted run, if one explains what is there.
async fn check_target_side(
    args: &MigrateArgs,
    source: &SourceSide,
    existing: &TargetSide,
    target: &dyn Target,
    record: &Record,
    found: &impl Fn(Finding),
) -> Option<PathBuf> {
    found(checks::check_target(target.name(), existing.read.as_ref()));
    let skip_all = |checks: &[Check], reason: &str| {
        checks.iter().for_each(|check| found(Finding::skipped(*check, reason)));
    };
    const ABOUT_BOTH: [Check; 4] =
        [Check::Limits, Check::TargetKeys, Check::TargetCluster, Check::TargetNewer];
    let Ok(held) = &existing.read else {
        skip_all(&[Check::TargetWritable], "the target could not be read");
        skip_all(&ABOUT_BOTH, "the target could not be read");
        return None;
    };
    found(checks::check_target_writable(&existing.probe));
    let Ok(wanted) = &source.read else {
        skip_all(&ABOUT_BOTH, NO_SOURCE);
        return None;
    };
    match &existing.probe {
        Ok(()) => found(checks::check_limits(&target.misfits(wanted).await, wanted)),
        Err(_) => skip_all(&[Check::Limits], "the target takes no writes"),
    }
    let on_existing = OnExisting::of(args.resume, args.force);
    let plan = plan::decide(wanted, held, on_existing);
    let former = match on_existing {
        OnExisting::ResumeAndOverwrite => former::find(&args.backup_dir, wanted, held),
        _ => None,
    };
    let permits = Permits {
        overwrite_cluster: args.overwrite_cluster.as_deref(),
        overwrite_newer: args.overwrite_newer,
        former: former.as_deref(),
    };
    let elsewhere = source.quorum == Some(Quorum::NoMembers);
    found(checks::check_target_keys(&plan, elsewhere));
    found(checks::check_target_cluster(wanted, held, &permits));
    found(checks::check_target_newer(&plan, &permits));
    record.planned(plan);
    former
}
