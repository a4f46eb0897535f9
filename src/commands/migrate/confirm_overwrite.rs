//! The question before `--force` replaces anything: what would be lost, and where it is saved to.

use std::path::Path;

use super::MigrateArgs;
use super::state::MigrationState;
use crate::backends::Target;
use crate::codec;
use crate::commands::Context;
use crate::model::{Action, Entry, Key, KeyStatus, Plan, Snapshot, Step};
use crate::outcome::{Code, Failure};
use crate::pipeline::checks;
use crate::pipeline::verify::compare_values;
use crate::terminal::confirmation::Answer;

/// Asks, where all checks hold and the plan replaces or deletes. A dry run only shows the plan.
pub(super) async fn ask(
    args: &MigrateArgs,
    target: &dyn Target,
    (source, held): (Option<&Snapshot>, Option<&Snapshot>),
    former: Option<&Path>,
    context: &Context<'_>,
    record: &MigrationState,
) -> Result<(), Failure> {
    let plan = record.plan();
    let replaces = plan.count(Action::Overwrite) + plan.count(Action::Delete) > 0;
    let refused = checks::refusal(&record.checks()).is_some();
    let (Some(source), Some(held), true, false) = (source, held, replaces, refused || args.dry_run)
    else {
        return Ok(());
    };
    let saved = match former {
        Some(file) => format!("it is saved in {} already", file.display()),
        None => format!("all of it is saved to a file in {} first", folder(&args.backup_dir)),
    };
    let question = format!("{}\n - {saved}\nReplace it?", loss(target.name(), source, held, &plan));
    let what = format!("--force would replace what {} holds", target.name());
    let refused = |how: &str| {
        Failure::new(Code::TargetKeysExist, format!("nothing was written: {what}, and {how}"))
    };
    match context.ask(question).await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(refused("the question was not answered with yes")),
        Answer::NotAsked => Err(refused("there is no terminal to ask on")
            .hint("look at what is lost with --dry-run, then add -y to answer yes beforehand")),
    }
}

/// As a path from the root, where it has one.
fn folder(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// What the target holds and the plan takes from it.
fn loss(target: &str, source: &Snapshot, held: &Snapshot, plan: &Plan) -> String {
    let (ours, theirs) = (codec::cluster_of(source), codec::cluster_of(held));
    let cluster = match &theirs {
        Some((name, Some(fingerprint))) => format!("cluster {name}, fingerprint {fingerprint}"),
        Some((name, None)) => format!("cluster {name}, without a fingerprint"),
        None => "keys that do not say whose they are".to_owned(),
    };
    let mut text = format!("--force replaces what {target} holds ({cluster}):");
    if let (Some((name, _)), Some(_)) = (&ours, &theirs)
        && ours != theirs
    {
        text.push_str(&format!(
            "\n - this is ANOTHER cluster than the source, {name}: it is lost to whoever runs on it"
        ));
    }
    for (action, does) in [(Action::Overwrite, "overwritten"), (Action::Delete, "deleted")] {
        let steps: Vec<_> = plan.steps.iter().filter(|step| step.action == action).collect();
        if !steps.is_empty() {
            text.push_str(&format!("\n - {} {does}: {}", keys(steps.len()), versions(&steps)));
        }
    }
    for (status, does) in [
        (KeyStatus::Newer, "newer here than in the source"),
        (KeyStatus::Same, "identical in both"),
    ] {
        let count = plan.steps.iter().filter(|step| compared(step) == Some(status)).count();
        if count > 0 {
            text.push_str(&format!("\n - of the overwritten, {count} {does}"));
        }
    }
    text
}

/// How a key that is overwritten compares.
fn compared(step: &Step) -> Option<KeyStatus> {
    let theirs = step.target.as_ref().and_then(Entry::value)?;
    (step.action == Action::Overwrite)
        .then(|| Some(compare_values(step.source.as_ref()?, theirs)))?
}

fn keys(count: usize) -> String {
    if count == 1 { "1 key is".to_owned() } else { format!("{count} keys are") }
}

/// Each key with its version in the target, the epochs of partitions by their newest.
fn versions(steps: &[&Step]) -> String {
    let version = |step: &Step| match step.target.as_ref().and_then(Entry::value) {
        Some(value) => format!("version {}", value.version),
        None => "damaged".to_owned(),
    };
    let is_epoch = |step: &&&Step| matches!(step.key, Key::PartitionEpoch(_));
    let is_sound_epoch =
        |step: &&&Step| is_epoch(step) && !matches!(step.target, Some(Entry::Damaged { .. }));
    let (epochs, others): (Vec<&&Step>, Vec<&&Step>) = steps.iter().partition(is_sound_epoch);
    let mut told: Vec<_> =
        others.iter().map(|step| format!("{} ({})", step.key, version(step))).collect();
    let newest = epochs
        .iter()
        .max_by_key(|step| step.target.as_ref().and_then(Entry::value).map(|value| value.version));
    match (epochs.as_slice(), newest) {
        ([one], _) => told.push(format!("{} ({})", one.key, version(one))),
        (many, Some(newest)) => told.push(format!(
            "{} epochs of partitions (the newest {}, {})",
            many.len(),
            newest.key,
            version(newest)
        )),
        _ => {}
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide};

    fn entry(version: u32, bytes: &[u8]) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::copy_from_slice(bytes) };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    #[test]
    fn what_is_lost_is_told_with_counts_names_and_newest_versions() {
        const NODES: &[u8] =
            b"\x05{\"version\":9,\"cluster_name\":\"prod\",\"cluster_fingerprint\":7,\"nodes\":[]}";
        let mut held = Snapshot::from([
            (Key::NodesConfig, entry(9, NODES)),
            (Key::RuleBook, entry(4, b"\x05{}")),
        ]);
        let source = Snapshot::from([(Key::NodesConfig, entry(2, b"\x05{}"))]);
        held.extend((0..3).map(|n| (Key::PartitionEpoch(n), entry(u32::from(n) + 5, b"\x05{}"))));
        let plan = decide(&source, &held, OnExisting::Overwrite);
        insta::assert_snapshot!(loss("etcd a:1", &source, &held, &plan), @"
        --force replaces what etcd a:1 holds (cluster prod, fingerprint 7):
         - 1 key is overwritten: nodes_config (version 9)
         - 4 keys are deleted: rule_book (version 4), 3 epochs of partitions (the newest pp_epoch_2, version 7)
         - of the overwritten, 1 newer here than in the source
        ");
        const OTHER: &[u8] =
            b"\x05{\"version\":9,\"cluster_name\":\"demo\",\"cluster_fingerprint\":8,\"nodes\":[]}";
        let other = Snapshot::from([(Key::NodesConfig, entry(9, OTHER))]);
        let told = loss("etcd a:1", &other, &held, &decide(&other, &held, OnExisting::Overwrite));
        assert!(told.contains("this is ANOTHER cluster than the source, demo"), "{told}");
    }
}
