//! The confirmation before `--force` replaces anything: what would be lost, and where it is saved.

use std::path::Path;

use super::job::Job;
use super::sides::Sides;
use crate::codec;
use crate::model::{Action, Entry, Key, KeyStatus, Plan, Snapshot, Step};
use crate::outcome::{Code, Failure};
use crate::pipeline::checks::refusal;
use crate::pipeline::verify::compare_values;
use crate::shell::quote_word;
use crate::terminal::confirmation::Confirmation;
use crate::visible::escape_line;
use crate::wording::plural;

/// Asks before the plan replaces or deletes keys; a dry run, and a run that is refused, ask nothing.
///
/// # Errors
/// [`Code::TargetKeysExist`] if the answer is not yes.
pub(super) async fn confirm(
    job: &Job<'_>,
    sides: &Sides,
    prior_backup: Option<&Path>,
) -> Result<(), Failure> {
    let plan = job.state.plan();
    let replaces = plan.count(Action::Overwrite) + plan.count(Action::Delete) > 0;
    let (Ok(source), Ok(held), true) = (&sides.source.snapshot, &sides.target.snapshot, replaces)
    else {
        return Ok(());
    };
    if job.args.dry_run || refusal(&job.state.findings()).is_some() {
        return Ok(());
    }
    let saved = match prior_backup {
        Some(file) => format!("it is already saved in {}", quote_word(file)),
        None => {
            format!("all of it is first saved to a file in {}", absolute_path(&job.args.backup_dir))
        }
    };
    let target = &sides.target.name;
    let described = describe_overwrite(target, source, held, &plan);
    let question = format!("{described}\n - {saved}\nReplace it?");
    let refused = |how: &str| {
        let reason =
            format!("nothing was written: --force would replace what {target} holds, and {how}");
        Failure::new(Code::TargetKeysExist, reason)
    };
    match job.context.ask_to_confirm(question).await? {
        Confirmation::Given => Ok(()),
        Confirmation::Declined => Err(refused("this was not confirmed")),
        Confirmation::NotAsked => Err(refused("there is no terminal to ask for confirmation")
            .hint("review with --dry-run what would be lost, then pass --yes")),
    }
}

fn absolute_path(path: &Path) -> String {
    quote_word(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Describes what the target holds, and what the plan overwrites and deletes.
fn describe_overwrite(target: &str, source: &Snapshot, held: &Snapshot, plan: &Plan) -> String {
    let (ours, theirs) = (codec::cluster_of(source), codec::cluster_of(held));
    let target = escape_line(target);
    let cluster = match &theirs {
        Some((name, Some(fingerprint))) => format!("cluster {name}, fingerprint {fingerprint}"),
        Some((name, None)) => format!("cluster {name}, without a fingerprint"),
        None => "Restate keys but no readable nodes_config: cluster unknown".to_owned(),
    };
    let mut text = format!("--force replaces what {target} holds ({}):", escape_line(&cluster));
    if let (Some((name, _)), Some(_)) = (&ours, &theirs)
        && ours != theirs
    {
        text.push_str(&format!(
            "\n - WARNING: the target belongs to a DIFFERENT cluster than the source ({}); nodes using \
             it will lose their metadata",
            escape_line(name)
        ));
    }
    for (action, does) in [(Action::Overwrite, "overwritten"), (Action::Delete, "deleted")] {
        let steps: Vec<_> = plan.steps.iter().filter(|step| step.action == action).collect();
        if !steps.is_empty() {
            text.push_str(&format!(
                "\n - {} {does}: {}",
                plural(steps.len(), "key"),
                escape_line(&list_versions(&steps))
            ));
        }
    }
    for (status, does) in [
        (KeyStatus::Newer, "newer here than in the source"),
        (KeyStatus::Same, "identical in both"),
    ] {
        let count = plan.steps.iter().filter(|step| compare_step(step) == Some(status)).count();
        if count > 0 {
            text.push_str(&format!("\n - of the overwritten, {count} {does}"));
        }
    }
    text
}

/// Compares both sides of a key that is overwritten.
fn compare_step(step: &Step) -> Option<KeyStatus> {
    let theirs = step.target.as_ref().and_then(Entry::value)?;
    (step.action == Action::Overwrite)
        .then(|| Some(compare_values(&step.key, step.source.as_ref()?, theirs)))?
}

/// Lists each key with its version in the target, and the partition epochs by their newest.
fn list_versions(steps: &[&Step]) -> String {
    let version = |step: &Step| match step.target.as_ref().and_then(Entry::value) {
        Some(value) => format!("version {}", value.version),
        None => "damaged".to_owned(),
    };
    let is_epoch = |step: &&&Step| matches!(step.key, Key::PartitionEpoch(_));
    let is_sound_epoch =
        |step: &&&Step| is_epoch(step) && !matches!(step.target, Some(Entry::Damaged { .. }));
    let (epochs, others): (Vec<&&Step>, Vec<&&Step>) = steps.iter().partition(is_sound_epoch);
    let mut parts: Vec<_> =
        others.iter().map(|step| format!("{} ({})", step.key, version(step))).collect();
    let newest = epochs
        .iter()
        .max_by_key(|step| step.target.as_ref().and_then(Entry::value).map(|value| value.version));
    match (epochs.as_slice(), newest) {
        ([one], _) => parts.push(format!("{} ({})", one.key, version(one))),
        (many, Some(newest)) => parts.push(format!(
            "{} epochs of partitions (the newest {}, {})",
            many.len(),
            newest.key,
            version(newest)
        )),
        _ => {}
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide_plan};

    fn entry(version: u32, bytes: &[u8]) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::copy_from_slice(bytes) };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    #[test]
    fn overwrite_is_described_with_counts_names_and_newest_versions() {
        const NODES: &[u8] =
            b"\x05{\"version\":9,\"cluster_name\":\"prod\",\"cluster_fingerprint\":7,\"nodes\":[]}";
        let mut held = Snapshot::from([
            (Key::NodesConfig, entry(9, NODES)),
            (Key::RuleBook, entry(4, b"\x05{}")),
        ]);
        let source = Snapshot::from([(Key::NodesConfig, entry(2, b"\x05{}"))]);
        held.extend((0..3).map(|n| (Key::PartitionEpoch(n), entry(u32::from(n) + 5, b"\x05{}"))));
        let plan = decide_plan(&source, &held, OnExisting::Overwrite);
        insta::assert_snapshot!(describe_overwrite("etcd a:1", &source, &held, &plan), @"
        --force replaces what etcd a:1 holds (cluster prod, fingerprint 7):
         - 1 key overwritten: nodes_config (version 9)
         - 4 keys deleted: rule_book (version 4), 3 epochs of partitions (the newest pp_epoch_2, version 7)
         - of the overwritten, 1 newer here than in the source
        ");
        const OTHER: &[u8] =
            b"\x05{\"version\":9,\"cluster_name\":\"demo\",\"cluster_fingerprint\":8,\"nodes\":[]}";
        let other = Snapshot::from([(Key::NodesConfig, entry(9, OTHER))]);
        let described = describe_overwrite(
            "etcd a:1",
            &other,
            &held,
            &decide_plan(&other, &held, OnExisting::Overwrite),
        );
        assert!(described.contains("DIFFERENT cluster than the source (demo)"), "{described}");
    }
}
