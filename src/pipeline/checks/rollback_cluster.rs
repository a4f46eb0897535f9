//! The check that a roll-back goes to the source's own cluster.

use super::guards::Permits;
use super::owner::{Owner, describe_fingerprint, find_owner};
use crate::model::Snapshot;
use crate::outcome::{Check, Code, Finding, Permission};

/// Checks that the live cluster is the source's, and that its `nodes_config` can be merged.
///
/// No option permits more: the servers know their fingerprint, and stop at another one. Where there is
/// none, the operator has to say that it is the same cluster.
pub fn check_running_cluster(
    source: &Snapshot,
    target: &Snapshot,
    merged: Result<(), &[String]>,
    permits: &Permits<'_>,
) -> Finding {
    let failed =
        |detail: String| Finding::failed(Check::TargetCluster, Code::TargetOtherCluster, detail);
    let mut unproven = None;
    match find_owner(source, target) {
        Owner::SameCluster => {}
        Owner::Unproven(name, missing) => {
            let detail = missing.describe(&name);
            let permission = Permission::OverwriteCluster(name);
            if !permits.names(&permission) {
                let hint =
                    format!("if the running cluster is the source's, add --force {permission}");
                return failed(detail).hint(hint).permitted_by(permission);
            }
            unproven = Some(detail);
        }
        Owner::OtherCluster(name, fingerprint) => {
            let fingerprint = describe_fingerprint(fingerprint);
            let detail = format!("target is another cluster: {name}, fingerprint {fingerprint}");
            return failed(detail).hint(SAME_CLUSTER_HINT);
        }
        Owner::Nobody | Owner::Unknown => {
            let detail = "target has no nodes_config that names its cluster";
            return failed(detail.to_owned()).hint(SAME_CLUSTER_HINT);
        }
    }
    match merged {
        Ok(()) => match unproven {
            Some(detail) => {
                let detail = format!("{detail}; allowed by --overwrite-cluster");
                Finding::ok(Check::TargetCluster, detail).into_warning()
            }
            None => {
                let detail = "target is the same cluster; nodes_config becomes a merge of both";
                Finding::ok(Check::TargetCluster, detail)
            }
        },
        Err(faults) => failed("the nodes of source and target can't be merged".to_owned())
            .items(faults.to_vec())
            .hint(
                "remove a node that joined on the source from the cluster there, or let it join the \
                 target",
            ),
    }
}

const SAME_CLUSTER_HINT: &str = "name the cluster that the source belongs to: a running cluster can't become another one, so \
                                 --overwrite-cluster does not apply";

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Entry, Key, Value, Version};
    use crate::outcome::CheckStatus;
    use crate::pipeline::checks::OverwriteCluster;

    #[test]
    fn another_cluster_is_refused_whatever_is_permitted() {
        let nodes = |name: &str| {
            let document = format!(
                "\x05{{\"version\":4,\"cluster_name\":\"{name}\",\"cluster_fingerprint\":7,\"nodes\":[]}}"
            );
            let value = Value { version: Version(4), bytes: Bytes::from(document) };
            Snapshot::from([(
                Key::NodesConfig,
                Entry::Intact(value, CasToken::Version(Version(4))),
            )])
        };
        let check = |target: &Snapshot, merged| {
            let finding =
                check_running_cluster(&nodes("demo"), target, merged, &Permits::default());
            (finding.code, finding.hints.join(" "))
        };
        assert_eq!(check(&nodes("demo"), Ok(())).0, None);
        let refused = Some(Code::TargetOtherCluster);
        for target in [nodes("prod"), Snapshot::new()] {
            let (code, hint) = check(&target, Ok(()));
            assert!(code == refused && hint.contains("can't become another one"), "{hint}");
        }
        let faults = ["N2 (b) is known to the source, and not to the target".to_owned()];
        assert_eq!(check(&nodes("demo"), Err(&faults)).0, refused);
    }
    #[test]
    fn cluster_without_a_fingerprint_has_to_be_named() {
        let old = |nodes: &str| {
            let document =
                format!("\x05{{\"version\":4,\"cluster_name\":\"demo\",\"nodes\":[{nodes}]}}");
            let value = Value { version: Version(4), bytes: Bytes::from(document) };
            let tag = CasToken::Version(Version(4));
            Snapshot::from([(Key::NodesConfig, Entry::Intact(value, tag))])
        };
        let (source, target) = (old(""), old("[2,\"Tombstone\"]"));
        let check = |named: Option<&'static str>| {
            let overwrite_cluster = named.map(OverwriteCluster::from_option);
            let permits = Permits { overwrite_cluster, ..Permits::default() };
            check_running_cluster(&source, &target, Ok(()), &permits)
        };
        for named in [None, Some("other"), Some("unknown")] {
            let finding = check(named);
            assert_eq!(finding.code, Some(Code::TargetOtherCluster));
            assert_eq!(finding.permission, Some(Permission::OverwriteCluster("demo".to_owned())));
        }
        let permitted = check(Some("demo"));
        assert_eq!((permitted.status, permitted.code), (CheckStatus::Warning, None));
    }
}
