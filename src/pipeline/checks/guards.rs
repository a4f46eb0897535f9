//! What `--force` alone is not enough for: it would destroy what no backup of this cluster holds.

use std::path::Path;

use super::{Check, Finding};
use crate::codec;
use crate::model::{Entry, KeyStatus, Plan, Snapshot};
use crate::outcome::Code;
use crate::pipeline::verify::{compare, compare_values};

/// What the operator has permitted beyond `--force`, or an interrupted run explains.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permits<'a> {
    /// `--overwrite-cluster`.
    pub overwrite_cluster: Option<&'a str>,
    /// `--overwrite-newer`.
    pub overwrite_newer: bool,
    /// The backup file of an interrupted run that holds all that differs in the target.
    pub former: Option<&'a Path>,
}

/// Whose metadata a target holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    SameCluster,
    /// Name and fingerprint.
    Other(String, Option<u64>),
    /// It has keys, and does not say.
    Unknown,
}

pub(super) fn owner(source: &Snapshot, target: &Snapshot) -> Owner {
    if target.is_empty() {
        return Owner::Nobody;
    }
    match (codec::cluster_of(target), codec::cluster_of(source)) {
        (Some(theirs), Some(ours)) if theirs == ours => Owner::SameCluster,
        (Some((name, fingerprint)), _) => Owner::Other(name, fingerprint),
        (None, _) => {
            let verdict = compare(source, target);
            let as_far_as_it_goes = |status| matches!(status, KeyStatus::Same | KeyStatus::Missing);
            match verdict.rows.iter().all(|row| as_far_as_it_goes(row.status)) {
                true => Owner::SameCluster,
                false => Owner::Unknown,
            }
        }
    }
}

/// Whether what is in the target belongs to the same cluster.
pub fn check_target_cluster(
    source: &Snapshot,
    target: &Snapshot,
    permits: &Permits<'_>,
) -> Finding {
    let ok = |detail: String| Finding::ok(Check::TargetCluster, detail);
    let (name, detail) = match owner(source, target) {
        Owner::Nobody => return ok("it holds no cluster".to_owned()),
        Owner::SameCluster => return ok("what it holds is of the same cluster".to_owned()),
        Owner::Other(name, fingerprint) => {
            let print = fingerprint.map_or("none".to_owned(), |print| print.to_string());
            let detail = format!("the target holds another cluster: {name}, fingerprint {print}");
            (name, detail)
        }
        Owner::Unknown => {
            let detail = "the target holds keys of Restate's that do not say whose they are";
            ("unknown".to_owned(), detail.to_owned())
        }
    };
    if let (Some(former), "unknown") = (permits.former, name.as_str()) {
        let file = former.display();
        return ok(format!("it holds what an interrupted run left, saved in {file}"));
    }
    if permits.overwrite_cluster == Some(name.as_str()) {
        return ok(format!("{detail}; --overwrite-cluster permits to replace it")).into_warning();
    }
    let option = format!("--overwrite-cluster {name}");
    let hint =
        format!("use another target; only if what it holds may be destroyed, add --force {option}");
    Finding::failed(Check::TargetCluster, Code::TargetOtherCluster, detail)
        .hint(hint)
        .permitted_by(option)
}

/// Whether a key of the target is newer than the source's: the cluster may have moved on there.
pub fn check_target_newer(plan: &Plan, permits: &Permits<'_>) -> Finding {
    let newer: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let ours = step.source.as_ref()?;
            let theirs = step.target.as_ref().and_then(Entry::value)?;
            let is_newer = compare_values(ours, theirs) == KeyStatus::Newer;
            let versions = format!("version {}, the source has {}", theirs.version, ours.version);
            is_newer.then(|| format!("{} is at {versions}", step.key))
        })
        .collect();
    if newer.is_empty() {
        return Finding::ok(Check::TargetNewer, "nothing in the target is newer than the source");
    }
    let detail = format!("{} of the target's keys are newer than the source's", newer.len());
    let permitted = permits.overwrite_newer || permits.former.is_some();
    if permitted {
        return Finding::ok(Check::TargetNewer, detail).items(newer).into_warning();
    }
    Finding::failed(Check::TargetNewer, Code::TargetNewer, detail)
        .items(newer)
        .hint(
            "where it is the same cluster, it seems to have run on this target since: the source is \
             then old, and copying it would bring the past back; only if that is meant, add --force \
             --overwrite-newer",
        )
        .permitted_by("--overwrite-newer".to_owned())
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Key, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide};

    fn entry(version: u32, bytes: String) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from(bytes) };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    fn nodes(name: &str, fingerprint: u64) -> (Key, Entry) {
        let document = format!(
            "\x05{{\"version\":4,\"cluster_name\":\"{name}\",\"cluster_fingerprint\":{fingerprint},\
             \"nodes\":[]}}"
        );
        (Key::NodesConfig, entry(4, document))
    }

    fn epoch(version: u32) -> (Key, Entry) {
        (Key::PartitionEpoch(0), entry(version, format!("\x05{{\"version\":{version}}}")))
    }

    #[test]
    fn another_or_unknown_owner_needs_its_name() {
        let source = Snapshot::from([nodes("demo", 7), epoch(3)]);
        let check = |target: &Snapshot, named| {
            let permits = Permits { overwrite_cluster: named, ..Permits::default() };
            check_target_cluster(&source, target, &permits).code
        };
        let refused = Some(Code::TargetOtherCluster);
        for (target, name) in [
            (Snapshot::from([nodes("prod", 8)]), "prod"),
            (Snapshot::from([nodes("demo", 8)]), "demo"),
            (Snapshot::from([epoch(2)]), "unknown"),
            (Snapshot::from([(Key::RuleBook, entry(1, "r".into()))]), "unknown"),
        ] {
            assert_eq!(check(&target, None), refused);
            assert_eq!(check(&target, Some("other")), refused);
            assert_eq!(check(&target, Some(name)), None);
        }
        for target in [
            Snapshot::new(),
            Snapshot::from([epoch(3)]),
            Snapshot::from([nodes("demo", 7), epoch(1)]),
        ] {
            assert_eq!(check(&target, None), None);
        }
        let permits = Permits { former: Some(Path::new("backup.jsonl")), ..Permits::default() };
        let left = check_target_cluster(&source, &Snapshot::from([epoch(2)]), &permits);
        assert!(left.code.is_none() && left.detail.contains("backup.jsonl"));
    }

    #[test]
    fn a_newer_key_needs_its_own_permission() {
        let source = Snapshot::from([nodes("demo", 7), epoch(3)]);
        let plan = |version| {
            let target = Snapshot::from([nodes("demo", 7), epoch(version)]);
            decide(&source, &target, OnExisting::Overwrite)
        };
        let none = Permits::default();
        assert_eq!(check_target_newer(&plan(4), &none).code, Some(Code::TargetNewer));
        assert!(check_target_newer(&plan(3), &none).code.is_none());
        assert!(check_target_newer(&plan(2), &none).code.is_none());
        let permits = Permits { overwrite_newer: true, ..none };
        assert!(check_target_newer(&plan(4), &permits).code.is_none());
    }
}
