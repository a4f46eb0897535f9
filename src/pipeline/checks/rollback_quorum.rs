//! The checks of a roll-back that the replicated store has its majority, and keeps it.
//!
//! Its members are in its own configuration. A node that becomes a tombstone in `nodes_config` refuses to
//! start and remains a member. Once a majority of them are such nodes, the cluster never has a leader
//! again (seen with 1.7.12).

use super::source::describe_held_quorum;
use crate::codec::{Node, NodesConfiguration};
use crate::model::{Members, Quorum};
use crate::outcome::{Check, CheckStatus, Code, Finding};
use crate::wording::plural;

/// The hint for nodes that do not run on the replicated store.
pub(super) const RESTART_ON_REPLICATED_HINT: &str = "stop all nodes, give them back their [metadata-client] section of type \
                                          \"replicated\" and the metadata servers their role, and start all with \
                                          --metadata-migration-mode";

/// The hint for a live target that does not respond: after its last put, a roll-back's servers stop.
pub const FINISHED_ROLLBACK_HINT: &str = "if an earlier run of this roll-back reported completion, stop every node that still runs, then start all \
                                          of them without --metadata-migration-mode: nothing else is left to do";

/// Checks that the target's replicated store has its majority.
pub fn check_target_quorum(quorum: &Quorum) -> Finding {
    match quorum {
        Quorum::Held(count) => describe_held_quorum(count, format!("target: {count}")),
        Quorum::Unknown => Finding::skipped(Check::Quorum, "target: only one node is asked"),
        Quorum::NoMetadataServers => {
            let detail = "target: no node is a metadata server; the cluster uses another store";
            let code = Code::NotInMigrationMode;
            Finding::failed(Check::Quorum, code, detail).hint(RESTART_ON_REPLICATED_HINT)
        }
        Quorum::Lost(detail) | Quorum::NoLeader(detail) => {
            let detail = format!("target: {detail}");
            let failed = Finding::failed(Check::Quorum, Code::TargetUnavailable, detail);
            failed.hint(FINISHED_ROLLBACK_HINT).hint(
                "if none did, start the metadata servers that do not respond, with --metadata-migration-mode as all \
                 nodes, until a majority of them runs",
            )
        }
    }
}

/// The members of the replicated store, and what a roll-back makes of their nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The number of members.
    pub count: usize,
    /// Those whose nodes the merged `nodes_config` no longer has, as far as the target can name them. Those
    /// that do not respond come first: were a running one removed before them, the majority could be lost.
    pub removed: Vec<(u32, String)>,
}

impl Membership {
    /// Compares the members with the nodes that the merge keeps; `held` are those of the target.
    pub fn new(members: &Members, kept: &NodesConfiguration, held: &NodesConfiguration) -> Self {
        let is_kept = |id: &u32| kept.nodes.iter().any(|node| node.id == *id);
        let describe = |id: u32| {
            let node = held.nodes.iter().find(|node| node.id == id);
            (id, node.map_or(format!("N{id}"), Node::to_string))
        };
        let mut removed: Vec<u32> = members.ids.iter().copied().filter(|id| !is_kept(id)).collect();
        removed.sort_by_key(|id| members.responding.contains(id));
        let removed = removed.into_iter().map(describe).collect();
        Membership { count: members.ids.len(), removed }
    }

    /// Returns whether the members whose nodes remain are a majority.
    pub fn keeps_majority(&self) -> bool {
        self.count - self.removed.len() > self.count / 2
    }

    /// Returns the command of the official tool that removes the members whose nodes are removed.
    pub fn removal_command(&self) -> String {
        let ids: Vec<_> = self.removed.iter().map(|(id, _)| id.to_string()).collect();
        format!("metadata-server remove-node {}", ids.join(","))
    }
}

/// Checks the members where the quorum itself is not lost; `None` for members that are unknown.
pub fn check_members(quorum: Finding, membership: Option<&Membership>) -> Finding {
    if quorum.status == CheckStatus::Failed {
        return quorum;
    }
    let Some(membership) = membership else {
        let detail = format!("{}; its members are unknown: none of them responds", quorum.detail);
        return Finding::failed(Check::Quorum, Code::TargetUnavailable, detail)
            .hint("run this again once the metadata servers have a leader");
    };
    if membership.removed.is_empty() {
        return quorum;
    }
    let left = describe_rest(membership);
    let items: Vec<_> = membership.removed.iter().map(|(_, node)| node.clone()).collect();
    let command = membership.removal_command();
    if membership.keeps_majority() {
        let detail = format!("{}; after the roll-back {left}", quorum.detail);
        let hint = format!(
            "remove the others before the roll-back with the official tool's `{command}`, which does not know \
             them any more after it"
        );
        return Finding::ok(Check::Quorum, detail).items(items).into_warning().hint(hint);
    }
    let detail = format!(
        "the roll-back would end the cluster for good: {left}; the source no longer has the others"
    );
    Finding::failed(Check::Quorum, Code::RollbackUnsafe, detail)
        .items(items)
        .hint(format!(
            "remove these nodes from the members with the official tool's `{command}` while the metadata \
             servers still run in migration mode, then run this again"
        ))
        .hint("if they no longer run, stay on the source: without them the replicated store has no majority")
}

fn describe_rest(membership: &Membership) -> String {
    let all = membership.count;
    let (rest, needed) = (all - membership.removed.len(), all / 2 + 1);
    let members = plural(all, "member");
    format!("{rest} of {members} of the replicated store can start (quorum {needed})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MemberCount;

    fn nodes(ids: &[u32]) -> NodesConfiguration {
        let node = |id: &u32| Node {
            id: *id,
            name: format!("n{id}"),
            address: format!("http://n{id}:1"),
            ..Node::default()
        };
        let nodes = ids.iter().map(node).collect();
        NodesConfiguration { nodes, ..NodesConfiguration::default() }
    }

    fn members(ids: &[u32], responding: &[u32]) -> Members {
        let set = |ids: &[u32]| ids.iter().copied().collect();
        Members { ids: set(ids), responding: set(responding) }
    }

    fn check(ids: &[u32], kept: &[u32]) -> Finding {
        let members = members(ids, ids);
        let membership = Membership::new(&members, &nodes(kept), &nodes(&[1, 2, 3, 4]));
        check_members(Finding::ok(Check::Quorum, "target: held"), Some(&membership))
    }

    #[test]
    fn removed_members_warn_while_the_rest_is_a_majority() {
        assert_eq!(check(&[1, 2, 3], &[1, 2, 3, 4]).status, CheckStatus::Ok);
        // A node that is no member may be removed.
        assert_eq!(check(&[1, 2, 3], &[1, 2, 3]).status, CheckStatus::Ok);
        let warning = check(&[1, 2, 3], &[1, 2, 4]);
        assert_eq!((warning.status, warning.code), (CheckStatus::Warning, None));
        assert_eq!(
            warning.text(),
            "target: held; after the roll-back 2 of 3 members of the replicated store can start (quorum 2): \
             N3 (n3, http://n3:1)"
        );
        assert!(check(&[1, 2, 3, 4, 7], &[1, 2, 3]).text().contains("3 of 5 members"));
        assert!(check(&[1, 2, 3, 4, 7], &[1, 2, 3]).text().contains("(quorum 3)"));
        for (members, kept) in [
            (&[1, 2, 3][..], &[1, 4][..]),
            (&[1, 2], &[1]),
            (&[1, 2, 3, 4], &[1, 2]),
            (&[1], &[2]),
            (&[7], &[1]),
        ] {
            assert_eq!(
                check(members, kept).code,
                Some(Code::RollbackUnsafe),
                "{members:?} {kept:?}"
            );
        }
        assert_eq!(
            check(&[1, 2, 3], &[1]).text(),
            "the roll-back would end the cluster for good: 1 of 3 members of the replicated store can start \
             (quorum 2); the source no longer has the others: N2 (n2, http://n2:1); N3 (n3, http://n3:1)"
        );
    }

    #[test]
    fn target_quorum_has_its_own_error_codes() {
        let code = |quorum| check_target_quorum(&quorum).code;
        assert_eq!(code(Quorum::Held(MemberCount::default())), None);
        assert_eq!(code(Quorum::Lost(MemberCount::default())), Some(Code::TargetUnavailable));
        assert_eq!(code(Quorum::NoMetadataServers), Some(Code::NotInMigrationMode));
    }

    #[test]
    fn members_that_do_not_respond_are_removed_first() {
        let members = members(&[1, 2, 3, 7], &[1, 2, 7]);
        let membership = Membership::new(&members, &nodes(&[1]), &nodes(&[1, 2, 3]));
        assert_eq!(membership.removal_command(), "metadata-server remove-node 3,2,7");
        assert_eq!(membership.removed[2].1, "N7");
    }

    #[test]
    fn unknown_members_refuse_and_a_lost_quorum_is_reported_as_such() {
        let held = Finding::ok(Check::Quorum, "target: held");
        assert_eq!(check_members(held, None).code, Some(Code::TargetUnavailable));
        let lost = Finding::failed(Check::Quorum, Code::TargetUnavailable, "target: lost");
        assert_eq!(check_members(lost, None).detail, "target: lost");
    }
}
