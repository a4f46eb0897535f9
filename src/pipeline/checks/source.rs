//! Checks of the source: a Restate store, intact, of a known version, in migration mode.

use super::owner::describe_fingerprint;
use crate::codec::{self, CodecError, NodesConfiguration};
use crate::model::{Entry, Key, MemberCount, Quorum, Snapshot, StoreError, Value};
use crate::outcome::{Check, Code, Failure, Finding};
use crate::pipeline::soundness::Soundness;
use crate::wording::{format_bytes, plural};

/// The newest server version that this program was tested with.
const TESTED: (u64, u64, u64) = (1, 7, 12);

/// The roles that a node in migration mode may have: one, both or none.
const MIGRATION_ROLES: [&str; 2] = ["admin", "metadata-server"];

/// The hint for nodes that run, and can't be reached from here.
pub const REACH_NODES_HINT: &str = "run this where the advertised addresses of the nodes can be reached, such as inside the \
                                           cluster (`kubectl exec`, or a Job)";

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

/// The judgement of a value's bytes.
enum ValueVerdict {
    Sound,
    /// A codec that no tested server knows, or that this program can't decode: it can be copied on request.
    Undecodable(String),
    Damaged(String),
}

/// Checks that a server could read every value, and this program the two that name keys and nodes.
///
/// A value of an unknown codec is accepted only for the keys in `undecoded`. `soundness` is that of the snapshot: tens of
/// thousands of values are decoded only once.
pub fn check_values(snapshot: &Snapshot, soundness: &Soundness, undecoded: &[Key]) -> Finding {
    let (mut faults, mut copied, mut permissible) = (Vec::new(), Vec::new(), Vec::new());
    for (key, entry) in snapshot {
        match judge_value(key, entry, soundness.codec_errors.get(key)) {
            ValueVerdict::Sound => {}
            ValueVerdict::Undecodable(_) if undecoded.contains(key) => copied.push(key.to_string()),
            ValueVerdict::Undecodable(reason) => {
                faults.push(format!("{key} {reason}"));
                permissible.push(key);
            }
            ValueVerdict::Damaged(reason) => faults.push(format!("{key} {reason}")),
        }
    }
    let values = plural(snapshot.len(), "value");
    if !faults.is_empty() {
        let detail = format!("{} of {values} are damaged or cannot be decoded", faults.len());
        let failed = Finding::failed(Check::Values, Code::ValueCorrupt, detail).items(faults);
        return permissible
            .into_iter()
            .map(permission_hint)
            .fold(failed.hint(INSPECT_HINT), Finding::hint);
    }
    if copied.is_empty() {
        let detail = format!("{values}, all decoded; embedded and stored versions match");
        return Finding::ok(Check::Values, detail);
    }
    Finding::ok(Check::Values, "copied without decoding (--allow-undecoded)")
        .items(copied)
        .into_warning()
}

const INSPECT_HINT: &str = "inspect a value with `metadata get --raw --key KEY` and the same store";

fn permission_hint(key: &Key) -> String {
    format!("if a newer server wrote {key}, copy it with --allow-undecoded {key}")
}

fn judge_value(key: &Key, entry: &Entry, error: Option<&CodecError>) -> ValueVerdict {
    let value = match entry {
        Entry::Damaged { reason, .. } => return ValueVerdict::Damaged(reason.clone()),
        Entry::Intact(value, _) => value,
    };
    match error {
        None => match describe_missing_facts(key, value) {
            Some(reason) => ValueVerdict::Damaged(reason),
            None => ValueVerdict::Sound,
        },
        Some(error @ (CodecError::UnknownCodec(_) | CodecError::Undecodable(_)))
            if !is_decisive(key) =>
        {
            ValueVerdict::Undecodable(error.to_string())
        }
        Some(error) => ValueVerdict::Damaged(error.to_string()),
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
    let is_newer_minor = (found.0, found.1) > (major, minor);
    match (is_newer_minor, found > TESTED) {
        (true, _) => finding.items(vec![UNKNOWN_KEYS.to_owned()]).into_warning(),
        (false, true) => finding.into_warning(),
        (false, false) => finding,
    }
}

/// What an operator accepts with a newer minor version.
const UNKNOWN_KEYS: &str = "keys that only newer servers keep are not copied from a running cluster, and codecs that only \
                            they know need --allow-undecoded";

fn parse_version(version: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or_default()))
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
        Quorum::Held(count) => describe_held_quorum(count, count.to_string()),
        Quorum::NoMetadataServers => Finding::skipped(
            Check::Quorum,
            "no node is a metadata server: the cluster uses an external store",
        ),
        Quorum::Unknown => Finding::skipped(
            Check::Quorum,
            "with --single-address, the other metadata servers are not asked",
        ),
        Quorum::Lost(count) | Quorum::NoLeader(count) => {
            Finding::failed(Check::Quorum, Code::SourceNoQuorum, count.to_string()).hint(
                "start the metadata servers that do not respond, until a majority of them runs",
            )
        }
    }
}

/// Returns the finding of a store that has its majority: metadata servers that do not count are a warning.
pub(super) fn describe_held_quorum(count: &MemberCount, detail: String) -> Finding {
    let mut finding = Finding::ok(Check::Quorum, detail);
    if count.is_partly_reached {
        finding = finding.into_warning().hint(REACH_NODES_HINT);
    }
    match count.not_members.is_empty() {
        true => finding,
        false => finding.into_warning().hint(
            "list the members with the official `restatectl metadata-server list-servers`: a metadata server \
             that is not a member holds no copy of the metadata",
        ),
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
