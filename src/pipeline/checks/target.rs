//! Checks of the target: reachable, writable, large enough, and another store than the source.

use super::source::not_of_migration;
use crate::codec::{self, NodesConfiguration};
use crate::model::{
    ConditionalWrites, EndpointFault, EndpointFaultKind, Entry, Key, KeyStatus, LimitViolation,
    Snapshot, StoreError,
};
use crate::outcome::{Check, CheckStatus, Code, Failure, Finding};
use crate::pipeline::verify::compare;
use crate::wording::{format_bytes, plural};

/// The hint for a target that does not respond.
pub const CHECK_TARGET_HINT: &str =
    "check what the target's TOML names (addresses, bucket, table), and that the store runs";

/// Warns of the variables that would make a server use something else than the section; `None`
/// without any.
pub fn check_environment(variables: Vec<String>) -> Option<Finding> {
    if variables.is_empty() {
        return None;
    }
    let detail = "variables in this environment override a server's configuration file";
    let finding = Finding::new(Check::Environment, CheckStatus::Warning, detail).items(variables);
    Some(finding.hint(
        "make sure that the servers' environment does not set these variables, or sets them to what \
         the [metadata-client] section says",
    ))
}

/// Checks that the target responds; `access_hint` is what to do if it denies access.
pub fn check_target(
    name: &str,
    read: Result<&Snapshot, &StoreError>,
    access_hint: &'static str,
) -> Finding {
    match read {
        Ok(snapshot) => {
            let holds = match snapshot.len() {
                0 => "no Restate keys".to_owned(),
                count => plural(count, "Restate key"),
            };
            Finding::ok(Check::Target, format!("{name}, {holds}"))
        }
        Err(error) => {
            let finding = Finding::of_failure(Check::Target, Failure::of_target(error));
            match error {
                // The check of the quorum has the hint.
                StoreError::NoQuorum { .. } => finding,
                StoreError::Denied { .. } => finding.hint(access_hint),
                _ => finding.hint(CHECK_TARGET_HINT),
            }
        }
    }
}

/// Adds the endpoints that servers could not use: a dead one is a warning, and one of another store refuses,
/// since servers and this program would write to different stores.
pub fn add_endpoint_faults(finding: Finding, faults: &[EndpointFault]) -> Finding {
    if faults.is_empty() || finding.code.is_some() {
        return finding;
    }
    let items = faults.iter().map(ToString::to_string).collect();
    let is_other = |fault: &EndpointFault| fault.kind == EndpointFaultKind::OtherStore;
    if faults.iter().any(is_other) {
        let detail = "the addresses of the target belong to different stores";
        return Finding::failed(Check::Target, Code::ConfigInvalid, detail)
            .items(items)
            .hint("name only the members of one etcd cluster in addresses");
    }
    let is_named = |fault: &&EndpointFault| fault.kind.is_of_named_endpoint();
    let finding = finding.items(items).into_warning();
    let finding = match faults.iter().filter(is_named).count() {
        0 => finding,
        _ => finding.hint(
            "restart these endpoints (promote a learner) or remove them from addresses before the servers start: a \
             server may not start while one of several does not serve",
        ),
    };
    match faults.iter().all(|fault| fault.kind.is_of_named_endpoint()) {
        true => finding,
        false => finding.hint(
            "make sure that a majority of the members of this etcd runs (`etcdctl member list`): without it, the \
             servers cannot start",
        ),
    }
}

/// Checks that the target accepts writes; `untried` is what the probe leaves open.
pub fn check_target_writable(
    probe: &Result<(), StoreError>,
    untried: Option<&'static str>,
) -> Finding {
    match (probe, untried) {
        (Ok(()), None) => Finding::ok(Check::TargetWritable, "accepts conditional writes"),
        (Ok(()), Some(untried)) => {
            let seen = "refuses, as it must, a write whose condition is not met";
            Finding::ok(Check::TargetWritable, format!("{seen}; {untried}"))
        }
        (Err(error), _) => {
            let finding = Finding::of_failure(Check::TargetWritable, Failure::of_target(error));
            match error {
                StoreError::Unconditional { .. } => {
                    Finding { hints: vec![UNCONDITIONAL_HINT.to_owned()], ..finding }
                }
                _ => finding,
            }
        }
    }
}

/// Turns the refusal of a store that does not honour conditions into a warning, if the operator skips the probe of them.
pub fn permit_unprobed_store(writable: Finding, skips_probe: bool) -> Finding {
    match writable.code {
        Some(Code::StoreProbeFailed) if skips_probe => {
            Finding { code: None, ..writable }.into_warning()
        }
        _ => writable,
    }
}

/// The hint for a store that does not honour the conditions of writes.
const UNCONDITIONAL_HINT: &str = "use another store: Restate itself would corrupt its metadata there (--skip-store-probe \
                                  overrides)";

/// Checks that every value fits the target; of a live cluster also, as a warning, that all values
/// together fit one message.
pub fn check_limits(
    violations: &Result<Vec<LimitViolation>, StoreError>,
    desired: &Snapshot,
    snapshot_limit: Option<usize>,
) -> Finding {
    let violations = match violations {
        Ok(violations) => violations,
        Err(error) => return Finding::of_failure(Check::Limits, Failure::of_target(error)),
    };
    if violations.is_empty() {
        let sizes = desired.values().filter_map(Entry::value).map(|value| value.bytes.len() as u64);
        let largest = format_bytes(sizes.clone().max().unwrap_or_default());
        let detail = format!("all values fit; the largest has {largest}");
        let total: u64 = sizes.sum();
        return match snapshot_limit.map(|limit| limit as u64).filter(|limit| total > *limit) {
            Some(limit) => warn_of_large_snapshot(&detail, total, limit),
            None => Finding::ok(Check::Limits, detail),
        };
    }
    let items = violations.iter().map(|one| format!("{} {}", one.key, one.reason)).collect();
    let detail = format!("{} that the target cannot hold", plural(violations.len(), "value"));
    let mut hints: Vec<_> = violations.iter().map(|one| one.hint.clone()).collect();
    hints.dedup();
    let finding = Finding::failed(Check::Limits, Code::ValueTooLarge, detail).items(items);
    Finding { hints, ..finding }
}

/// Adds what the store says of its capacity to the finding of its limits.
pub fn add_capacity(finding: Finding, capacity: Option<&str>) -> Finding {
    match capacity.filter(|_| finding.code.is_none()) {
        Some(capacity) => Finding { detail: format!("{}; {capacity}", finding.detail), ..finding },
        None => finding,
    }
}

/// Warns of a store whose snapshot, one message with all keys, may be larger than messages can be.
fn warn_of_large_snapshot(detail: &str, total: u64, limit: u64) -> Finding {
    let (total, limit) = (format_bytes(total), format_bytes(limit));
    let detail = format!(
        "{detail}; all values together have {total}: a metadata server that falls behind, or is added, gets \
         them in one message and may not be able to follow, since a message may have {limit}; \
         message-size-limit in their sections [networking] and [metadata-client] raises that limit"
    );
    Finding::ok(Check::Limits, detail).into_warning()
}

/// Describes how a cluster without metadata servers already uses the target, by what both hold; `None`
/// if it does not.
///
/// Each start of a server changes `nodes_config`: only the store that a running cluster uses has the
/// same. A cluster in migration mode changes nothing, and every copy of its store has the same
/// `nodes_config`, so that then all keys have to be equal.
pub fn describe_source_on_target(source: &Snapshot, target: &Snapshot) -> Option<&'static str> {
    let comparison = compare(source, target);
    let of_nodes = comparison.rows.iter().find(|row| row.key == Key::NodesConfig)?;
    let is_running = !are_in_migration_mode(&codec::nodes_of(source)?);
    let all_equal = comparison.rows.iter().all(|row| row.status == KeyStatus::Same);
    match of_nodes.status {
        KeyStatus::Same if is_running => {
            Some("the cluster already uses this target (identical nodes_config)")
        }
        KeyStatus::Same if all_equal => Some(
            "the cluster already uses this target, or a store of which this is a complete copy (all keys \
             identical)",
        ),
        _ => None,
    }
}

/// Returns whether no node last started with a role that it does not have in migration mode.
pub fn are_in_migration_mode(nodes: &NodesConfiguration) -> bool {
    nodes.nodes.iter().all(|node| not_of_migration(&node.roles).is_empty())
}

/// Refuses a target that the source cluster already uses, as `description` tells.
pub fn refuse_store_in_use(description: &str) -> Finding {
    let detail =
        format!("the nodes of the cluster do not run on its replicated store, and {description}");
    Finding::failed(Check::TargetKeys, Code::SameStore, detail)
        .hint("stop here: there is nothing left to migrate")
}

/// Refuses a target that is the source under another name.
pub fn refuse_source_as_target() -> Finding {
    let detail = "source and target are two names of one store";
    Finding::failed(Check::TargetKeys, Code::SameStore, detail)
        .hint("name another store as the target: a store copied onto itself would lose its keys")
}

/// Checks that the store honours conditional writes.
pub fn check_store_probe(probed: &Result<ConditionalWrites, StoreError>) -> Finding {
    match probed {
        Ok(ConditionalWrites::Honoured) => Finding::ok(
            Check::StoreProbe,
            "conditional writes are honoured, and objects are kept as written",
        ),
        Ok(ConditionalWrites::Violated(faults)) => {
            let detail = format!("the store does not handle writes as Restate needs it: {faults}");
            Finding::failed(Check::StoreProbe, Code::StoreProbeFailed, detail)
                .hint(UNCONDITIONAL_HINT)
        }
        Err(error) => Finding::of_failure(Check::StoreProbe, Failure::of_target(error))
            .hint(CHECK_TARGET_HINT),
    }
}

#[cfg(test)]
mod tests;
