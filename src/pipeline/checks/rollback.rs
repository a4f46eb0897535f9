//! Checks of a running cluster as the target: its quorum, its nodes, and whether it is the source's
//! cluster. That every node of the source runs there proves that none runs on the source any more.

use super::guards::{Owner, owner};
use super::source::not_of_migration;
use super::{Check, Finding};
use crate::codec::Node;
use crate::model::{Entry, NodeProbe, Quorum, Snapshot, UsesReplicatedStore};
use crate::outcome::Code;

/// What the nodes of the source answer, which the target has to know by the same ids.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Each node as the target knows it, and what it answers at its address there.
    pub at_home: Vec<(Node, Result<NodeProbe, String>)>,
    /// What answers at an address that only the source has for a node.
    pub elsewhere: Vec<(Node, NodeProbe)>,
    /// Nodes of the source that the target does not know.
    pub unknown: Vec<Node>,
}

/// Whether the target's replicated store has its majority.
pub fn check_target_quorum(quorum: &Quorum) -> Finding {
    match quorum {
        Quorum::Held(words) => Finding::ok(Check::Quorum, format!("of the target: {words}")),
        Quorum::Unknown => Finding::skipped(Check::Quorum, "only one node of the target is asked"),
        Quorum::NoMetadataServers => {
            let detail = "no node of the target is a metadata server: it runs on another store";
            Finding::failed(Check::Quorum, Code::NotInMigrationMode, detail).hint(RESTART)
        }
        Quorum::Lost(words) | Quorum::NoLeader(words) => {
            let detail = format!("of the target: {words}");
            Finding::failed(Check::Quorum, Code::TargetUnavailable, detail).hint(
                "start the metadata servers that do not answer, with --metadata-migration-mode as all \
                 nodes, until a majority of them runs",
            )
        }
    }
}

const RESTART: &str = "stop all nodes, give them back their [metadata-client] section of type \
                       \"replicated\" and the metadata servers their role, and start all with \
                       --metadata-migration-mode";

/// Whether each node of the source runs in migration mode on the target, whose `nodes_config` is
/// `stored`. For a dry run it stops nothing, as it is meant for a live cluster.
pub fn check_running_nodes(
    answers: &Answers,
    stored: Option<&Entry>,
    uses_replicated_store: UsesReplicatedStore,
    dry_run: bool,
) -> Finding {
    let at_home = answers.at_home.iter().filter_map(|(node, seen)| fault(node, seen, stored));
    let elsewhere = answers.elsewhere.iter().map(|(node, seen)| {
        let who = seen.node_id.map_or("a node".to_owned(), |(id, _)| format!("N{id}"));
        format!("{who} answers at {}, and is not the source's node {}", node.address, node.name)
    });
    let unknown = answers
        .unknown
        .iter()
        .map(|node| format!("{node} is of the source, and not of the target"));
    let faults: Vec<_> = at_home.chain(elsewhere).chain(unknown).collect();
    let all = answers.at_home.len() + answers.unknown.len();
    match uses_replicated_store {
        UsesReplicatedStore::Yes => {}
        UsesReplicatedStore::No => {
            let detail = "the nodes of the target do not run on their replicated store";
            return Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
                .items(faults)
                .hint(RESTART);
        }
        UsesReplicatedStore::Unknown => {
            let detail = "whether the nodes of the target run on their replicated store is not known: neither \
                          its leader nor they can tell";
            return Finding::failed(Check::MigrationMode, Code::TargetUnavailable, detail)
                .items(faults)
                .hint("run this again when the metadata servers have a leader; an election takes seconds");
        }
    }
    if faults.is_empty() {
        let detail = format!(
            "all {all} nodes of the source run in it on the target; nothing can prove that no other \
             server runs on the source"
        );
        return Finding::ok(Check::MigrationMode, detail);
    }
    let detail = format!("not all {all} nodes of the source run in migration mode on the target");
    let finding = Finding::failed(Check::MigrationMode, Code::NotInMigrationMode, detail)
        .items(faults)
        .hint(RESTART)
        .hint(
            "a node that is gone for good has to be removed from the cluster before, while it runs \
             on the source",
        );
    if dry_run { finding.into_warning() } else { finding }
}

fn fault(node: &Node, seen: &Result<NodeProbe, String>, stored: Option<&Entry>) -> Option<String> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(reason) => return Some(format!("{node} does not answer: {reason}")),
    };
    let Some((id, generation)) = seen.node_id else {
        return Some(format!("{node} has not joined the cluster"));
    };
    let roles = not_of_migration(seen.roles.iter().chain(&node.roles));
    let version = |entry: Option<&Entry>| {
        let version = entry.and_then(Entry::value).map(|value| value.version);
        version.map_or("absent".to_owned(), |version| format!("at version {version}"))
    };
    if id != node.id {
        Some(format!("{node} is another node: N{id} of cluster {} answers", seen.cluster_name))
    } else if !roles.is_empty() {
        Some(format!("{node} has its normal roles {}", roles.join(", ")))
    } else if seen.nodes_config.as_ref().and_then(Entry::value) != stored.and_then(Entry::value) {
        let (own, stored) = (version(seen.nodes_config.as_ref()), version(stored));
        Some(format!("{node} runs on another store: nodes_config is {own} there, {stored} here"))
    } else if generation != node.generation {
        let known = node.generation;
        Some(format!("{node} runs with generation {generation}, the target has {known}"))
    } else if !seen.is_alive {
        Some(format!("{node} is starting or stopping"))
    } else {
        None
    }
}

/// Whether the running cluster is the source's, and its `nodes_config` could be merged with it. No
/// option permits more: the servers know their fingerprint, and would stop at another one.
pub fn check_running_cluster(
    source: &Snapshot,
    target: &Snapshot,
    merged: Result<(), &[String]>,
) -> Finding {
    let failed =
        |detail: String| Finding::failed(Check::TargetCluster, Code::TargetOtherCluster, detail);
    const NEVER: &str = "a running cluster can't become another one, so that --overwrite-cluster does \
                         not hold for it: name the cluster that the source is of";
    match owner(source, target) {
        Owner::SameCluster => {}
        Owner::Other(name, fingerprint) => {
            let print = fingerprint.map_or("none".to_owned(), |print| print.to_string());
            let detail = format!("the target is another cluster: {name}, fingerprint {print}");
            return failed(detail).hint(NEVER);
        }
        Owner::Nobody | Owner::Unknown => {
            let detail = "the target has no nodes_config that says which cluster it is";
            return failed(detail.to_owned()).hint(NEVER);
        }
    }
    match merged {
        Ok(()) => {
            let detail = "it is the same cluster; nodes_config becomes a merge of both";
            Finding::ok(Check::TargetCluster, detail)
        }
        Err(faults) => failed("the nodes of source and target can't be merged".to_owned())
            .items(faults.to_vec())
            .hint(
                "a node that joined on the source has to be removed from the cluster there first, or to \
                 join the target",
            ),
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};

    fn stored(version: u32) -> Option<Entry> {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"x") };
        Some(Entry::Intact(value, CasToken::Version(Version(version))))
    }

    fn node(id: u32) -> Node {
        let (name, address) = (format!("n{id}"), format!("http://n{id}:1"));
        Node {
            id,
            name,
            address,
            generation: 3,
            roles: vec!["admin".to_owned()],
            ..Node::default()
        }
    }

    /// As it should be.
    fn seen(id: u32) -> NodeProbe {
        NodeProbe {
            node_id: Some((id, 3)),
            is_alive: true,
            cluster_name: "demo".to_owned(),
            roles: vec!["metadata-server".to_owned()],
            nodes_config: stored(7),
        }
    }

    fn check(
        answers: &Answers,
        uses_replicated_store: UsesReplicatedStore,
        dry_run: bool,
    ) -> Finding {
        check_running_nodes(answers, stored(7).as_ref(), uses_replicated_store, dry_run)
    }

    #[test]
    fn each_node_has_to_run_there_in_migration_mode() {
        let wrong = [
            NodeProbe { node_id: None, ..seen(2) },
            NodeProbe { node_id: Some((9, 3)), ..seen(3) },
            NodeProbe { roles: vec!["worker".to_owned(), "admin".to_owned()], ..seen(4) },
            NodeProbe { nodes_config: stored(8), ..seen(5) },
            NodeProbe { nodes_config: None, ..seen(6) },
            NodeProbe { node_id: Some((7, 4)), ..seen(7) },
            NodeProbe { is_alive: false, ..seen(8) },
        ];
        let mut at_home = vec![(node(1), Ok(seen(1)))];
        let sound = Answers { at_home: at_home.clone(), ..Answers::default() };
        assert!(check(&sound, UsesReplicatedStore::Yes, false).code.is_none());
        let refused = Some(Code::NotInMigrationMode);
        assert_eq!(check(&sound, UsesReplicatedStore::No, true).code, refused);
        let untold = Some(Code::TargetUnavailable);
        assert_eq!(check(&sound, UsesReplicatedStore::Unknown, true).code, untold);
        at_home.extend((2..).map(node).zip(wrong.map(Ok)));
        at_home.push((node(9), Err("connection refused".to_owned())));
        let elsewhere = vec![(node(1), seen(1))];
        let answers = Answers { at_home, elsewhere, unknown: vec![node(10)] };
        let finding = check(&answers, UsesReplicatedStore::Yes, false);
        assert_eq!(finding.code, Some(Code::NotInMigrationMode));
        insta::assert_snapshot!(finding.items.join("\n"), @r"
        N2 (n2, http://n2:1) has not joined the cluster
        N3 (n3, http://n3:1) is another node: N9 of cluster demo answers
        N4 (n4, http://n4:1) has its normal roles worker
        N5 (n5, http://n5:1) runs on another store: nodes_config is at version 8 there, at version 7 here
        N6 (n6, http://n6:1) runs on another store: nodes_config is absent there, at version 7 here
        N7 (n7, http://n7:1) runs with generation 4, the target has 3
        N8 (n8, http://n8:1) is starting or stopping
        N9 (n9, http://n9:1) does not answer: connection refused
        N1 answers at http://n1:1, and is not the source's node n1
        N10 (n10, http://n10:1) is of the source, and not of the target
        ");
        assert_eq!(
            check(&answers, UsesReplicatedStore::Yes, true).status,
            super::super::CheckStatus::Warning
        );
    }

    #[test]
    fn a_quorum_of_the_target_is_not_one_of_the_source() {
        let code = |quorum| check_target_quorum(&quorum).code;
        assert_eq!(code(Quorum::Held(String::new())), None);
        assert_eq!(code(Quorum::Lost(String::new())), Some(Code::TargetUnavailable));
        assert_eq!(code(Quorum::NoMetadataServers), Some(Code::NotInMigrationMode));
    }

    #[test]
    fn another_cluster_is_refused_whatever_is_permitted() {
        let nodes = |name: &str| {
            let document = format!(
                "\x05{{\"version\":4,\"cluster_name\":\"{name}\",\"cluster_fingerprint\":7,\"nodes\":[]}}"
            );
            let value = Value { version: Version(4), bytes: Bytes::from(document) };
            Snapshot::from([(
                crate::model::Key::NodesConfig,
                Entry::Intact(value, CasToken::Version(Version(4))),
            )])
        };
        let check = |target: &Snapshot, merged| {
            let finding = check_running_cluster(&nodes("demo"), target, merged);
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
}
