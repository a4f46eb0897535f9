//! Checks of what `--force` alone does not permit: it would destroy what no backup of this cluster holds.

use std::path::Path;

use super::owner::{Owner, describe_fingerprint, find_owner};
use crate::model::{Entry, Key, KeyStatus, Plan, Snapshot, Step};
use crate::outcome::{Check, Code, Finding, Permission};
use crate::pipeline::verify::compare_values;
use crate::shell::quote_word;
use crate::wording::plural;

/// The value of `--overwrite-cluster`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverwriteCluster<'a> {
    /// `unknown`, or the cluster of that name.
    Unknown,
    /// The cluster of this name.
    Named(&'a str),
}

impl<'a> OverwriteCluster<'a> {
    /// Reads the value of the option.
    pub fn from_option(name: &'a str) -> Self {
        if name == "unknown" { OverwriteCluster::Unknown } else { OverwriteCluster::Named(name) }
    }

    fn applies_to(self, permission: &Permission) -> bool {
        match (self, permission) {
            (OverwriteCluster::Unknown, Permission::OverwriteUnknown) => true,
            (OverwriteCluster::Unknown, Permission::OverwriteCluster(name)) => name == "unknown",
            (OverwriteCluster::Named(given), Permission::OverwriteCluster(name)) => given == name,
            _ => false,
        }
    }
}

/// The permissions beyond `--force`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permits<'a> {
    /// The value of `--overwrite-cluster`.
    pub overwrite_cluster: Option<OverwriteCluster<'a>>,
    /// `true` if `--overwrite-newer` is given.
    pub overwrite_newer: bool,
    /// The backup file of an interrupted run that holds all that differs in the target.
    pub prior_backup: Option<&'a Path>,
}

impl Permits<'_> {
    /// Returns whether `--overwrite-cluster` gives this permission.
    pub(super) fn names(&self, permission: &Permission) -> bool {
        self.overwrite_cluster.is_some_and(|given| given.applies_to(permission))
    }
}

/// The description of a target with keys, but without the one that is written last.
const UNFINISHED_MIGRATION: &str = "target has Restate keys but no nodes_config, which is what an unfinished migration leaves; \
                                    they are not the source's: cluster unknown";

/// Checks that the keys in the target belong to the source's cluster.
pub fn check_target_cluster(
    source: &Snapshot,
    target: &Snapshot,
    permits: &Permits<'_>,
) -> Finding {
    let ok = |detail: String| Finding::ok(Check::TargetCluster, detail);
    let (permission, detail) = match find_owner(source, target) {
        Owner::Nobody => return ok("target has no Restate keys".to_owned()),
        Owner::SameCluster => return ok("target holds the same cluster".to_owned()),
        Owner::OtherCluster(name, fingerprint) => {
            let fingerprint = describe_fingerprint(fingerprint);
            let detail = format!("target holds another cluster: {name}, fingerprint {fingerprint}");
            (Permission::OverwriteCluster(name), detail)
        }
        Owner::Unproven(name, missing) => {
            let detail = missing.describe(&name);
            (Permission::OverwriteCluster(name), detail)
        }
        Owner::Unknown => {
            let detail = match target.contains_key(&Key::NodesConfig) {
                true => "target has a nodes_config that can't be read: cluster unknown",
                false => UNFINISHED_MIGRATION,
            };
            (Permission::OverwriteUnknown, detail.to_owned())
        }
    };
    if let (Some(prior), Permission::OverwriteUnknown) = (permits.prior_backup, &permission) {
        let file = quote_word(prior);
        return ok(format!("target holds what an interrupted run left, saved in {file}"));
    }
    if permits.names(&permission) {
        return ok(format!("{detail}; allowed by --overwrite-cluster")).into_warning();
    }
    Finding::failed(Check::TargetCluster, Code::TargetOtherCluster, detail)
        .hint(format!(
            "use another target; if what it holds may be destroyed, add --force {permission}"
        ))
        .permitted_by(permission)
}

/// Checks that no key of the target is newer than the source's: the cluster may have run there since.
pub fn check_target_newer(plan: &Plan, permits: &Permits<'_>) -> Finding {
    let newer: Vec<_> = plan.steps.iter().filter_map(describe_newer).collect();
    if newer.is_empty() {
        return Finding::ok(Check::TargetNewer, "no key in the target is newer than in the source");
    }
    let keys = plural(newer.len(), "key");
    let detail = format!("{keys} in the target newer than in the source");
    if permits.overwrite_newer || permits.prior_backup.is_some() {
        return Finding::ok(Check::TargetNewer, detail).items(newer).into_warning();
    }
    Finding::failed(Check::TargetNewer, Code::TargetNewer, detail)
        .items(newer)
        .hint(
            "this cluster has probably run on the target since; copying would replace its metadata by an older state. If that is \
             intended, add --force --overwrite-newer",
        )
        .permitted_by(Permission::OverwriteNewer)
}

fn describe_newer(step: &Step) -> Option<String> {
    let ours = step.source.as_ref()?;
    let theirs = step.target.as_ref().and_then(Entry::value)?;
    let is_newer = compare_values(&step.key, ours, theirs) == KeyStatus::Newer;
    is_newer.then(|| {
        format!("{} is at version {}, the source has {}", step.key, theirs.version, ours.version)
    })
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide_plan};

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
    fn target_of_another_or_unknown_owner_needs_its_name() {
        let source = Snapshot::from([nodes("demo", 7), epoch(3)]);
        let check = |target: &Snapshot, named: Option<&str>| {
            let permits = Permits {
                overwrite_cluster: named.map(OverwriteCluster::from_option),
                ..Permits::default()
            };
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
        // A cluster that is older than fingerprints.
        let old = |node: &str| {
            let document =
                format!("\x05{{\"version\":4,\"cluster_name\":\"demo\",\"nodes\":[{node}]}}");
            Snapshot::from([(Key::NodesConfig, entry(4, document))])
        };
        let (ours, theirs) = (old(""), old("[2,\"Tombstone\"]"));
        let compare = |ours: &Snapshot, theirs: &Snapshot, named: Option<&str>| {
            let overwrite_cluster = named.map(OverwriteCluster::from_option);
            check_target_cluster(ours, theirs, &Permits { overwrite_cluster, ..Permits::default() })
        };
        let finding = compare(&ours, &theirs, None);
        assert_eq!(finding.code, refused);
        assert!(
            finding.detail.contains("cluster_fingerprint is missing in nodes_config of source and")
        );
        assert!(finding.hints[0].contains("--overwrite-cluster demo"), "{:?}", finding.hints);
        let detail = compare(&ours, &Snapshot::from([nodes("other", 8)]), None).detail;
        assert_eq!(detail, "target holds another cluster: other, fingerprint 8");
        assert_eq!(compare(&ours, &theirs, Some("demo")).code, None);
        assert_eq!(compare(&ours, &ours, None).code, None);
        assert!(compare(&source, &theirs, None).detail.contains("nodes_config of the target"));

        for target in [
            Snapshot::new(),
            Snapshot::from([epoch(3)]),
            Snapshot::from([nodes("demo", 7), epoch(1)]),
        ] {
            assert_eq!(check(&target, None), None);
        }
        let permits =
            Permits { prior_backup: Some(Path::new("backup.jsonl")), ..Permits::default() };
        let left = check_target_cluster(&source, &Snapshot::from([epoch(2)]), &permits);
        assert!(left.code.is_none() && left.detail.contains("backup.jsonl"));
    }

    #[test]
    fn newer_key_needs_its_own_permission() {
        let source = Snapshot::from([nodes("demo", 7), epoch(3)]);
        let plan = |version| {
            let target = Snapshot::from([nodes("demo", 7), epoch(version)]);
            decide_plan(&source, &target, OnExisting::Overwrite)
        };
        let none = Permits::default();
        assert_eq!(check_target_newer(&plan(4), &none).code, Some(Code::TargetNewer));
        assert!(check_target_newer(&plan(3), &none).code.is_none());
        assert!(check_target_newer(&plan(2), &none).code.is_none());
        let permits = Permits { overwrite_newer: true, ..none };
        assert!(check_target_newer(&plan(4), &permits).code.is_none());
    }
    #[test]
    fn option_permits_the_cluster_that_it_names_also_one_named_unknown() {
        let named = |name: &str| Permission::OverwriteCluster(name.to_owned());
        for (given, permission, expected) in [
            ("unknown", Permission::OverwriteUnknown, true),
            ("unknown", named("unknown"), true),
            ("unknown", named("demo"), false),
            ("demo", named("demo"), true),
            ("demo", named("other"), false),
            ("demo", Permission::OverwriteUnknown, false),
            ("unknown", Permission::OverwriteNewer, false),
        ] {
            let overwrite_cluster = Some(OverwriteCluster::from_option(given));
            let permits = Permits { overwrite_cluster, ..Permits::default() };
            assert_eq!(permits.names(&permission), expected, "{given} {permission}");
        }
    }
}
