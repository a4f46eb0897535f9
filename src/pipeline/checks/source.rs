//! Checks of the source: is it a Restate store, sound, of a known version, and at rest.

use indicatif::HumanBytes;

use super::{Check, Finding};
use crate::codec::{self, CodecError, Node, NodesConfiguration};
use crate::model::{Entry, Key, Quorum, Snapshot, StoreError, Value};
use crate::outcome::{Code, Failure};

/// The newest server that this program was tried against.
const TESTED: (u64, u64, u64) = (1, 7, 12);

/// The roles of a node in migration mode, of which it may have one, both or none.
const MIGRATION_ROLES: [&str; 2] = ["admin", "metadata-server"];

/// A node that `--ignore-node` names, and whether it answers all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The plain node id.
    pub id: u32,
    /// Whether something answers at its address.
    pub answers: bool,
}

/// Whether the source could be read, and holds a Restate cluster.
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
            format!("the source is no Restate store: it has no {}", missing.join(" and no "));
        let hint = match is_cluster {
            true => "check --address; a cluster that was never provisioned has no metadata to move",
            false => {
                "check what --from names (addresses, bucket, table, prefix); what an interrupted \
                 migration has left is no source"
            }
        };
        return Finding::failed(Check::Source, Code::NotARestateStore, detail).hint(hint);
    }
    let bytes: usize =
        snapshot.values().filter_map(Entry::value).map(|value| value.bytes.len()).sum();
    let cluster = nodes.map_or_else(String::new, |nodes| {
        let fingerprint = nodes.fingerprint.map_or("none".to_owned(), |print| print.to_string());
        format!("cluster {}, fingerprint {fingerprint}, ", nodes.cluster_name)
    });
    Finding::ok(
        Check::Source,
        format!("{cluster}{} keys, {}", snapshot.len(), HumanBytes(bytes as u64)),
    )
}

/// Whether a server could read every value, and this program the two that say which keys and nodes
/// there are. What it can't decode is accepted only for the keys in `undecoded`.
pub fn check_values(snapshot: &Snapshot, undecoded: &[Key]) -> Finding {
    let mut damaged = Vec::new();
    let mut unseen = Vec::new();
    for (key, entry) in snapshot {
        let fault = match entry {
            Entry::Damaged { reason, .. } => reason.clone(),
            Entry::Intact(value, _) => match codec::check(key, value) {
                Ok(()) => match missing_facts(key, value) {
                    Some(reason) => reason,
                    None => continue,
                },
                Err(CodecError::Undecodable(_)) if undecoded.contains(key) && !decides(key) => {
                    unseen.push(key.to_string());
                    continue;
                }
                Err(error) => error.to_string(),
            },
        };
        damaged.push(format!("{key} {fault}"));
    }
    if !damaged.is_empty() {
        let detail = format!("{} of {} values can't be trusted", damaged.len(), snapshot.len());
        return Finding::failed(Check::Values, Code::ValueCorrupt, detail).items(damaged).hint(
            "look at a value with `metadata get --raw --key KEY`; a value in a codec that this \
             program can't decode is copied with --allow-undecoded KEY",
        );
    }
    match unseen.is_empty() {
        true => Finding::ok(
            Check::Values,
            format!("all {} decode, each at the version it is stored at", snapshot.len()),
        ),
        false => {
            Finding::ok(Check::Values, "copied without a look inside").items(unseen).into_warning()
        }
    }
}

/// Which keys there are, and whether the nodes are at rest, is known only from these two.
fn decides(key: &Key) -> bool {
    matches!(key, Key::NodesConfig | Key::PartitionTable)
}

/// What keeps a sound value from saying what has to be known.
fn missing_facts(key: &Key, value: &Value) -> Option<String> {
    if !decides(key) {
        return None;
    }
    match key {
        Key::NodesConfig => {
            codec::nodes_configuration(&codec::decode(key, &value.bytes).ok()?).err()
        }
        _ => codec::partition_ids_in(&value.bytes).err(),
    }
}

/// Whether the servers are of a version that this program knows all keys of.
pub fn check_server_version(nodes: &NodesConfiguration, accepted: Option<(u64, u64)>) -> Finding {
    let (major, minor, patch) = TESTED;
    let mut newest = None;
    for version in nodes.nodes.iter().filter_map(|node| node.binary_version.as_deref()) {
        newest = newest.max(version_numbers(version));
    }
    let tested = format!("this program was tested up to {major}.{minor}.{patch}");
    let Some(found) = newest else {
        return Finding::ok(Check::ServerVersion, format!("the nodes say none; {tested}"))
            .into_warning();
    };
    let shown = format!("{}.{}.{}", found.0, found.1, found.2);
    if (found.0, found.1) > (major, minor) && accepted < Some((found.0, found.1)) {
        return Finding::failed(
            Check::ServerVersion,
            Code::ServerVersion,
            format!(
                "the servers are of version {shown}; {tested}, and a newer minor version may \
                     keep keys that it does not know"
            ),
        )
        .hint(format!(
            "use a newer version of this program, or add --accept-version {}.{} if you know that \
             its keys are the same",
            found.0, found.1
        ));
    }
    let finding = Finding::ok(Check::ServerVersion, format!("{shown}; {tested}"));
    if found > TESTED { finding.into_warning() } else { finding }
}

fn version_numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or_default()))
}

/// Whether every node runs in migration mode. For a dry run the answer stops nothing: it is meant
/// to be run on a live cluster.
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
    let faults: Vec<_> = nodes.nodes.iter().filter_map(|node| fault(node, ignored)).collect();
    if faults.is_empty() {
        let passed_over = match ignored.len() {
            0 => String::new(),
            count => format!(", {count} of them passed over"),
        };
        let detail = format!("all {} nodes run in it{passed_over}", nodes.nodes.len());
        return Finding::ok(Check::MigrationMode, detail);
    }
    let detail =
        format!("{} of {} nodes do not run in migration mode", faults.len(), nodes.nodes.len());
    let finding = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
        .items(faults)
        .hint(
            "stop each of these nodes and start it with --metadata-migration-mode; only a node that \
             is gone for good, and does not answer, is passed over with --ignore-node",
        );
    if dry_run { finding.into_warning() } else { finding }
}

/// A node is in migration mode when it has no role but those two. One that was not restarted still
/// shows its old roles, and may still be running and writing.
fn fault(node: &Node, ignored: &[Ignored]) -> Option<String> {
    match ignored.iter().find(|ignored| ignored.id == node.id) {
        Some(Ignored { answers: true, .. }) => {
            Some(format!("{node} answers, so that --ignore-node does not hold for it"))
        }
        Some(_) => None,
        None => {
            let roles = not_of_migration(&node.roles);
            (!roles.is_empty()).then(|| format!("{node} has its normal roles {}", roles.join(", ")))
        }
    }
}

/// Those of the roles that a node in migration mode has not, each once.
pub fn not_of_migration<'a>(roles: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    let mut others: Vec<&str> = Vec::new();
    for role in roles.into_iter().map(String::as_str) {
        if !MIGRATION_ROLES.contains(&role) && !others.contains(&role) {
            others.push(role);
        }
    }
    others
}

/// Whether the replicated store has its majority.
pub fn check_quorum(quorum: &Quorum) -> Finding {
    match quorum {
        Quorum::Held(words) => Finding::ok(Check::Quorum, words),
        Quorum::NoMetadataServers => Finding::skipped(
            Check::Quorum,
            "no node is a metadata server: the cluster keeps its metadata elsewhere",
        ),
        Quorum::Unknown => Finding::skipped(
            Check::Quorum,
            "with --single-address, the other metadata servers are not asked",
        ),
        Quorum::Lost(words) | Quorum::NoLeader(words) => {
            Finding::failed(Check::Quorum, Code::SourceNoQuorum, words).hint(
                "start the metadata servers that do not answer, until a majority of them runs",
            )
        }
    }
}

/// Told whenever the certificates of the nodes are not checked.
pub fn check_tls() -> Finding {
    Finding::ok(
        Check::Tls,
        "--insecure-skip-tls-verify: whose certificates the nodes show is not checked",
    )
    .into_warning()
}
