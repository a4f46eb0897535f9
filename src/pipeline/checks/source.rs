//! Checks of the source: a Restate store, intact, of a known version, in migration mode.

use super::guards::describe_fingerprint;
use crate::codec::{self, CodecError, Node, NodesConfiguration};
use crate::model::{Entry, Key, Quorum, Snapshot, StoreError, Value};
use crate::outcome::{Check, Code, Failure, Finding};
use crate::wording::{format_bytes, plural};

/// The newest server version that this program was tested with.
const TESTED: (u64, u64, u64) = (1, 7, 12);

/// The roles that a node in migration mode may have: one, both or none.
const MIGRATION_ROLES: [&str; 2] = ["admin", "metadata-server"];

/// A node that `--ignore-node` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The plain node id.
    pub id: u32,
    /// `true` if a server responds at its address.
    pub responds: bool,
}

/// Checks that the source could be read and holds a Restate cluster.
pub fn check_source(
    read: Result<&Snapshot, &StoreError>,
    nodes: Option<&NodesConfiguration>,
    is_cluster: bool,
) -> Finding {
    let snapshot = match read {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let failure = match is_cluster {
                true => Failure::of_cluster(error),
                false => Failure::of_source(error),
            };
            return Finding::of_failure(Check::Source, failure);
        }
    };
    let missing: Vec<_> = [Key::NodesConfig, Key::PartitionTable]
        .into_iter()
        .filter(|key| !snapshot.contains_key(key))
        .map(|key| key.to_string())
        .collect();
    if !missing.is_empty() {
        let detail =
            format!("the source is not a Restate store: it has no {}", missing.join(" and no "));
        let hint = match is_cluster {
            true => "check --address; a cluster that was never provisioned has no metadata to move",
            false => {
                "check what --from names (addresses, bucket, table, prefix); the unfinished target of an \
                 interrupted migration can't be a source"
            }
        };
        return Finding::failed(Check::Source, Code::NotARestateStore, detail).hint(hint);
    }
    let bytes: usize =
        snapshot.values().filter_map(Entry::value).map(|value| value.bytes.len()).sum();
    let cluster = nodes.map_or_else(String::new, |nodes| {
        let fingerprint = describe_fingerprint(nodes.fingerprint);
        format!("cluster {}, fingerprint {fingerprint}, ", nodes.cluster_name)
    });
    Finding::ok(
        Check::Source,
        format!("{cluster}{}, {}", plural(snapshot.len(), "key"), format_bytes(bytes as u64)),
    )
}

/// Checks that a server could read every value, and this program the two that name keys and nodes.
///
/// A value that can't be decoded is accepted only for the keys in `undecoded`.
pub fn check_values(snapshot: &Snapshot, undecoded: &[Key]) -> Finding {
    let mut damaged = Vec::new();
    let mut undecodable = Vec::new();
    for (key, entry) in snapshot {
        let fault = match entry {
            Entry::Damaged { reason, .. } => reason.clone(),
            Entry::Intact(value, _) => match codec::check(key, value) {
                Ok(()) => match describe_missing_facts(key, value) {
                    Some(reason) => reason,
                    None => continue,
                },
                Err(CodecError::UnknownCodec(_) | CodecError::Undecodable(_))
                    if undecoded.contains(key) && !is_decisive(key) =>
                {
                    undecodable.push(key.to_string());
                    continue;
                }
                Err(error) => error.to_string(),
            },
        };
        damaged.push(format!("{key} {fault}"));
    }
    if !damaged.is_empty() {
        let detail = format!(
            "{} of {} are damaged or cannot be decoded",
            damaged.len(),
            plural(snapshot.len(), "value")
        );
        return Finding::failed(Check::Values, Code::ValueCorrupt, detail)
            .items(damaged)
            .hint("inspect a value with `metadata get --raw --key KEY` and the same store")
            .hint("if its codec is unknown to this program, copy it with --allow-undecoded KEY");
    }
    match undecodable.is_empty() {
        true => Finding::ok(
            Check::Values,
            format!(
                "{}, all decoded; embedded and stored versions match",
                plural(snapshot.len(), "value")
            ),
        ),
        false => Finding::ok(Check::Values, "copied without decoding (--allow-undecoded)")
            .items(undecodable)
            .into_warning(),
    }
}

/// Returns whether decisions are made on the value: only these two name the keys and the nodes.
fn is_decisive(key: &Key) -> bool {
    matches!(key, Key::NodesConfig | Key::PartitionTable)
}

/// Describes what a decisive value lacks, although it decodes.
fn describe_missing_facts(key: &Key, value: &Value) -> Option<String> {
    if !is_decisive(key) {
        return None;
    }
    match key {
        Key::NodesConfig => {
            codec::nodes_configuration(&codec::decode(key, &value.bytes).ok()?).err()
        }
        _ => codec::partition_ids_in(&value.bytes).err(),
    }
}

/// Checks that this program knows all keys of the servers' version.
pub fn check_server_version(nodes: &NodesConfiguration, accepted: Option<(u64, u64)>) -> Finding {
    let (major, minor, patch) = TESTED;
    let mut newest = None;
    for version in nodes.nodes.iter().filter_map(|node| node.binary_version.as_deref()) {
        newest = newest.max(parse_version(version));
    }
    let tested = format!("this program was tested up to {major}.{minor}.{patch}");
    let Some(found) = newest else {
        return Finding::ok(Check::ServerVersion, format!("the nodes report no version; {tested}"))
            .into_warning();
    };
    let shown = format!("{}.{}.{}", found.0, found.1, found.2);
    if (found.0, found.1) > (major, minor) && accepted < Some((found.0, found.1)) {
        return Finding::failed(
            Check::ServerVersion,
            Code::ServerVersion,
            format!(
                "the servers run version {shown}; {tested}, and a newer minor version may keep keys \
                 that it does not know"
            ),
        )
        .hint(format!(
            "use a newer version of this program; if you know that the keys are the same, add \
             --accept-version {}.{}",
            found.0, found.1
        ));
    }
    let finding = Finding::ok(Check::ServerVersion, format!("{shown}; {tested}"));
    if found > TESTED { finding.into_warning() } else { finding }
}

fn parse_version(version: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or_default()))
}

/// Checks that every node runs in migration mode.
///
/// In a dry run a node in its normal roles stops nothing: it is meant to be run on a live cluster.
pub fn check_migration_mode(
    nodes: &NodesConfiguration,
    ignored: &[Ignored],
    dry_run: bool,
) -> Finding {
    let unknown: Vec<_> = ignored
        .iter()
        .filter(|ignored| nodes.nodes.iter().all(|node| node.id != ignored.id))
        .map(|ignored| format!("N{}", ignored.id))
        .collect();
    if !unknown.is_empty() {
        let detail = format!(
            "--ignore-node names nodes that the cluster does not have: {}",
            unknown.join(", ")
        );
        return Finding::failed(Check::MigrationMode, Code::Usage, detail);
    }
    let faults: Vec<_> =
        nodes.nodes.iter().filter_map(|node| describe_fault(node, ignored)).collect();
    if faults.is_empty() {
        let skipped = match ignored.len() {
            0 => String::new(),
            count => format!(", {count} skipped"),
        };
        let detail = match nodes.nodes.len() {
            1 => format!("the node runs in migration mode{skipped}"),
            count => format!("all {count} nodes run in migration mode{skipped}"),
        };
        return Finding::ok(Check::MigrationMode, detail);
    }
    let verb = if faults.len() == 1 { "is" } else { "are" };
    let detail =
        format!("{} of {} nodes {verb} not in migration mode", faults.len(), nodes.nodes.len());
    let finding =
        Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail).items(faults).hint(
            "stop each of these nodes and start it with --metadata-migration-mode; if a node is \
             permanently removed and does not respond, skip it with --ignore-node",
        );
    if dry_run { finding.into_warning() } else { finding }
}

/// Describes why a node is not in migration mode: it has a role beyond those two. A node that was not
/// restarted still shows its old roles, and may still be running and writing.
fn describe_fault(node: &Node, ignored: &[Ignored]) -> Option<String> {
    match ignored.iter().find(|ignored| ignored.id == node.id) {
        Some(Ignored { responds: true, .. }) => {
            Some(format!("{node} responds, so it cannot be skipped with --ignore-node"))
        }
        Some(_) => None,
        None => {
            let roles = not_of_migration(&node.roles);
            (!roles.is_empty()).then(|| format!("{node} still has roles: {}", roles.join(", ")))
        }
    }
}

/// Returns the roles, each once, that a node in migration mode does not have.
pub fn not_of_migration<'a>(roles: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    let mut others: Vec<&str> = Vec::new();
    for role in roles.into_iter().map(String::as_str) {
        if !MIGRATION_ROLES.contains(&role) && !others.contains(&role) {
            others.push(role);
        }
    }
    others
}

/// Checks that the replicated store has its majority.
pub fn check_quorum(quorum: &Quorum) -> Finding {
    match quorum {
        Quorum::Held(detail) => Finding::ok(Check::Quorum, detail),
        Quorum::NoMetadataServers => Finding::skipped(
            Check::Quorum,
            "no node is a metadata server: the cluster uses an external store",
        ),
        Quorum::Unknown => Finding::skipped(
            Check::Quorum,
            "with --single-address, the other metadata servers are not asked",
        ),
        Quorum::Lost(detail) | Quorum::NoLeader(detail) => {
            Finding::failed(Check::Quorum, Code::SourceNoQuorum, detail).hint(
                "start the metadata servers that do not respond, until a majority of them runs",
            )
        }
    }
}

/// Warns that the certificates of the nodes are not verified.
pub fn check_tls() -> Finding {
    Finding::ok(
        Check::Tls,
        "--insecure-skip-tls-verify: the certificates of the nodes are not verified",
    )
    .into_warning()
}
