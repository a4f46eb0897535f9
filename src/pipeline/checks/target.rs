//! Checks of the target: is it there, does it take writes, does all fit, and is nothing in the way.

use indicatif::HumanBytes;

use super::source::not_of_migration;
use super::{Check, Finding};
use crate::codec;
use crate::model::epoch_ranges::in_ranges;
use crate::model::{
    ConditionalWrites, Entry, Key, KeyStatus, LimitViolation, Plan, Snapshot, Step, StoreError,
};
use crate::outcome::{Code, Failure};
use crate::pipeline::verify::{compare, compare_values};

/// What to do about a target that does not answer.
pub const CHECK_TARGET: &str =
    "check what the target's TOML names (addresses, bucket, table), and that the store runs";

const CHECK_ACCESS: &str =
    "check the credentials that its TOML or the environment names, and what they are permitted";

/// Whether the target answers.
pub fn check_target(name: &str, read: Result<&Snapshot, &StoreError>) -> Finding {
    match read {
        Ok(snapshot) => {
            let holds = match snapshot.len() {
                0 => "no keys of Restate's".to_owned(),
                count => format!("{count} keys of Restate's"),
            };
            Finding::ok(Check::Target, format!("{name}, {holds}"))
        }
        Err(error) => {
            let finding = Finding::of_failure(Check::Target, Failure::of_target(error));
            match error {
                // The check of the quorum says what to do.
                StoreError::NoQuorum { .. } => finding,
                StoreError::Denied { .. } => finding.hint(CHECK_ACCESS),
                _ => finding.hint(CHECK_TARGET),
            }
        }
    }
}

/// Whether it takes writes.
pub fn check_target_writable(probe: &Result<(), StoreError>) -> Finding {
    match probe {
        Ok(()) => Finding::ok(Check::TargetWritable, "takes conditional writes"),
        Err(error) => Finding::of_failure(Check::TargetWritable, Failure::of_target(error)),
    }
}

/// Whether every value fits.
pub fn check_limits(
    misfits: &Result<Vec<LimitViolation>, StoreError>,
    wanted: &Snapshot,
) -> Finding {
    let misfits = match misfits {
        Ok(misfits) => misfits,
        Err(error) => return Finding::of_failure(Check::Limits, Failure::of_target(error)),
    };
    if misfits.is_empty() {
        let sizes = wanted.values().filter_map(Entry::value).map(|value| value.bytes.len());
        let largest = HumanBytes(sizes.max().unwrap_or_default() as u64);
        return Finding::ok(Check::Limits, format!("all values fit, the largest has {largest}"));
    }
    let items = misfits.iter().map(|misfit| format!("{} {}", misfit.key, misfit.reason)).collect();
    let detail = format!("{} value(s) do not fit the target", misfits.len());
    let mut hints: Vec<_> = misfits.iter().map(|misfit| misfit.hint.clone()).collect();
    hints.dedup();
    let finding = Finding::failed(Check::Limits, Code::ValueTooLarge, detail).items(items);
    Finding { hints, ..finding }
}

/// Whether a cluster that keeps its metadata in no store of its own runs on the target, by what both
/// hold; in words.
///
/// Each start of a server changes `nodes_config`: what a cluster at work has, only its own store has. What
/// one in migration mode has, each copy of its store has, too, so that then all has to be equal.
pub fn runs_on_target(source: &Snapshot, target: &Snapshot) -> Option<&'static str> {
    let verdict = compare(source, target);
    let of_nodes = verdict.rows.iter().find(|row| row.key == Key::NodesConfig)?;
    let nodes = codec::nodes_of(source)?.nodes;
    let at_work = nodes.iter().any(|node| !not_of_migration(&node.roles).is_empty());
    let all_equal = verdict.rows.iter().all(|row| row.status == KeyStatus::Same);
    match of_nodes.status {
        KeyStatus::Same if at_work => {
            Some("the target holds just its nodes_config: it runs on the target already")
        }
        KeyStatus::Same if all_equal => Some(
            "the target holds all that it holds: it runs on the target already, or on a store of which \
             this is a whole copy",
        ),
        _ => None,
    }
}

/// Whether the target has keys that the plan may not touch; `runs_there` where the source is
/// found to run on it; `merges` where the plan's
/// `nodes_config` is not the source's.
pub fn check_target_keys(plan: &Plan, runs_there: Option<&str>, merges: bool) -> Finding {
    if let Some(words) = runs_there {
        let detail = format!("no node of the cluster is a metadata server, and {words}");
        return Finding::failed(Check::TargetKeys, Code::SameStore, detail)
            .hint("there is nothing left to migrate");
    }
    let conflicts: Vec<_> = plan.conflicts().collect();
    let existing = plan.steps.iter().filter(|step| step.target.is_some()).count();
    if conflicts.is_empty() {
        let detail = match existing {
            0 => "none exist".to_owned(),
            count => format!("{count} exist and are dealt with"),
        };
        return Finding::ok(Check::TargetKeys, detail);
    }
    let all_identical = conflicts.iter().all(|step| step.is_identical());
    let hint = if plan.steps.iter().all(Step::is_identical) {
        "the target already holds all of the source: --resume verifies it and says what comes next"
    } else if all_identical {
        "all of them are identical to the source: --resume goes on from there"
    } else {
        "look at them with `metadata list --from` and the target's TOML; if they are not needed \
         any more, --force replaces them, and saves them to a backup file first"
    };
    Finding::failed(
        Check::TargetKeys,
        Code::TargetKeysExist,
        format!("{} key(s) already exist in the target", conflicts.len()),
    )
    .items(told(&conflicts, merges))
    .hint(hint)
}

/// Whether the store honours conditional writes.
pub fn check_store_probe(probed: &Result<ConditionalWrites, StoreError>) -> Finding {
    match probed {
        Ok(ConditionalWrites::Honoured) => {
            Finding::ok(Check::StoreProbe, "conditional writes are honoured")
        }
        Ok(ConditionalWrites::Violated(faults)) => {
            let detail = format!("the store does not honour conditional writes: {faults}");
            Finding::failed(Check::StoreProbe, Code::StoreProbeFailed, detail).hint(
                "Restate itself would corrupt its metadata there: use another store \
                 (--skip-store-probe overrides)",
            )
        }
        Err(error) => {
            Finding::of_failure(Check::StoreProbe, Failure::of_target(error)).hint(CHECK_TARGET)
        }
    }
}

/// Each key, and how it compares.
fn told(conflicts: &[&Step], merges: bool) -> Vec<String> {
    let are_alike = |one: &&Step, other: &&Step| alike(one) == alike(other);
    let ranges = in_ranges(conflicts.iter().copied(), |step| &step.key, are_alike);
    let of = |range: &[&Step]| range.first().and_then(|step| alike(step));
    let told = ranges.iter().flat_map(|range| match (range.as_slice(), of(range)) {
        ([first, .., last], Some(alike)) => {
            vec![format!("{} … {}, {} keys: each {alike}", first.key, last.key, range.len())]
        }
        (steps, _) => {
            steps.iter().map(|step| format!("{} {}", step.key, compared(step, merges))).collect()
        }
    });
    told.collect()
}

/// How an epoch compares, without its version; of what is damaged, each has its own words.
fn alike(step: &Step) -> Option<&'static str> {
    let target = step.target.as_ref().and_then(Entry::value)?;
    let Some(source) = &step.source else { return Some("is only in the target") };
    Some(match compare_values(source, target) {
        KeyStatus::Same => "is identical",
        KeyStatus::Newer => "is newer than the source's",
        KeyStatus::Older => "is older than the source's",
        _ => "has other bytes at the same version",
    })
}

/// How the key compares.
fn compared(step: &Step, merges: bool) -> String {
    match (&step.source, &step.target) {
        (_, None) => "is missing".to_owned(),
        (_, Some(Entry::Damaged { reason, .. })) => reason.clone(),
        (None, Some(Entry::Intact(target, _))) => {
            format!("is only in the target, at version {}", target.version)
        }
        (Some(source), Some(Entry::Intact(target, _))) => {
            let (ours, theirs) = (source.version, target.version);
            let is_merged = merges && step.key == Key::NodesConfig;
            match compare_values(source, target) {
                KeyStatus::Older if is_merged => {
                    format!("is at version {theirs}, and becomes a merge of both at version {ours}")
                }
                KeyStatus::Same => format!("is identical, at version {theirs}"),
                KeyStatus::Newer => format!("is newer: version {theirs}, the source has {ours}"),
                KeyStatus::Older => format!("is older: version {theirs}, the source has {ours}"),
                _ => format!("has other bytes at the same version {theirs}"),
            }
        }
    }
}
