//! A plan as a table: epochs of partitions with the same fate are one row, so that thousands of them
//! can be taken in, and nothing that is in the way or lost hides between others.

use std::cmp::Ordering;

use indicatif::HumanBytes;

use super::style::Style;
use super::text::{counts, drawn, side, table};
use crate::model::{Action, Entry, Key, Plan, Step};

/// Steps that are one row.
struct PlanRow<'a> {
    steps: Vec<&'a Step>,
    /// Whether others lie between them, which have rows of their own.
    has_gaps: bool,
}

/// The table, and a line with the totals.
pub(super) fn plan_table(plan: &Plan, style: Style) -> String {
    let header = ["KEY", "COUNT", "ACTION", "VERSION", "BYTES", "IN TARGET"];
    let mut table = table(style, &header, &[1, 3, 4, 5]);
    for row in rows(plan) {
        table.add_row(row.cells());
    }
    let written: u64 = plan.steps.iter().filter(|step| writes(step)).map(bytes).sum();
    let conflicts = plan.count(Action::Conflict);
    let mut totals = Vec::new();
    if conflicts < plan.steps.len() {
        totals.push(counts(plan, false));
    }
    if written > 0 {
        totals.push(format!("{} to write", HumanBytes(written)));
    }
    if conflicts > 0 {
        totals.push(format!("{conflicts} in the way"));
    }
    format!("{}{} keys: {}\n", drawn(&table), plan.steps.len(), totals.join(", "))
}

fn writes(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Overwrite)
}

fn bytes(step: &Step) -> u64 {
    step.source.as_ref().map_or(0, |value| value.bytes.len() as u64)
}

fn rows(plan: &Plan) -> Vec<PlanRow<'_>> {
    let mut rows: Vec<PlanRow<'_>> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| plan.steps.get(index));
        let same = rows.iter_mut().find(|row| row.takes(step, before));
        match same {
            Some(row) => {
                let last = row.steps.last().map(|last| &last.key);
                row.has_gaps = row.has_gaps || before.map(|before| &before.key) != last;
                row.steps.push(step);
            }
            None => rows.push(PlanRow { steps: vec![step], has_gaps: false }),
        }
    }
    rows
}

impl PlanRow<'_> {
    /// Only epochs are gathered. What is created or skipped may lie anywhere; the rest of a row is
    /// exactly the keys from its first to its last, and they all compare in the same way.
    fn takes(&self, step: &Step, before: Option<&Step>) -> bool {
        let is_epoch = |step: &Step| matches!(step.key, Key::PartitionEpoch(_));
        let Some((first, last)) = self.steps.first().zip(self.steps.last()) else { return false };
        let harmless = matches!(step.action, Action::Create | Action::Skip);
        let follows = before.is_some_and(|before| before.key == last.key);
        is_epoch(step)
            && is_epoch(first)
            && first.action == step.action
            && (harmless || follows && compared(first) == compared(step))
    }

    fn cells(&self) -> [String; 6] {
        let (first, last) = (self.steps.first(), self.steps.last());
        let key = |step: Option<&&Step>| step.map(|step| step.key.to_string()).unwrap_or_default();
        let name = match self.steps.len() {
            1 => key(first),
            _ if self.has_gaps => format!("of {} … {}", key(first), key(last)),
            _ => format!("{} … {}", key(first), key(last)),
        };
        let source = self.steps.iter().map(|step| step.source.as_ref().map(|v| v.version.0));
        let total: u64 = self.steps.iter().copied().map(bytes).sum();
        let has_source = self.steps.iter().any(|step| step.source.is_some());
        [
            name,
            self.steps.len().to_string(),
            first.map(|step| step.action.name().to_owned()).unwrap_or_default(),
            range(source),
            if has_source { total.to_string() } else { "-".to_owned() },
            self.in_target(),
        ]
    }

    fn in_target(&self) -> String {
        let damaged = |step: &&Step| matches!(step.target, Some(Entry::Damaged { .. }));
        match self.steps.as_slice() {
            [one] => side(one.target.as_ref()).0,
            many if many.iter().any(damaged) => "damaged".to_owned(),
            many => range(many.iter().map(|step| {
                step.target.as_ref().and_then(Entry::value).map(|value| value.version.0)
            })),
        }
    }
}

/// How the two sides stand to each other: identical, versions, and what is missing or damaged.
fn compared(step: &Step) -> (bool, Option<Ordering>, bool, bool) {
    let found = step.target.as_ref().and_then(Entry::value);
    let versions =
        step.source.as_ref().zip(found).map(|(ours, theirs)| ours.version.cmp(&theirs.version));
    let damaged = matches!(step.target, Some(Entry::Damaged { .. }));
    (step.is_identical(), versions, step.source.is_some(), damaged)
}

/// The lowest and the highest version.
fn range(versions: impl Iterator<Item = Option<u32>>) -> String {
    let versions: Vec<_> = versions.flatten().collect();
    match (versions.iter().min(), versions.iter().max()) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}-{high}"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Snapshot, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide};

    fn entry(version: u32) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"\x05{}") };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    fn epochs(numbers: std::ops::Range<u16>, version: u32) -> Snapshot {
        numbers.map(|number| (Key::PartitionEpoch(number), entry(version))).collect()
    }

    #[test]
    fn thousands_of_epochs_are_one_row() {
        let mut source = epochs(0..2048, 2);
        source.insert(Key::NodesConfig, entry(4));
        source.insert(Key::PartitionEpoch(7), entry(9));
        let plan = decide(&source, &Snapshot::new(), OnExisting::Refuse);
        insta::assert_snapshot!(plan_table(&plan, Style::PLAIN), @"
         KEY                         COUNT  ACTION  VERSION  BYTES  IN TARGET
         nodes_config                    1  create        4      3          -
         pp_epoch_0 … pp_epoch_2047   2048  create      2-9   6144          -
        2049 keys: 2049 to create, 6.00 KiB to write
        ");
    }

    #[test]
    fn what_is_in_the_way_or_lost_is_not_hidden_between_others() {
        let mut target = epochs(100..103, 2);
        target.insert(Key::PartitionEpoch(500), entry(3));
        target.insert(Key::PartitionEpoch(3000), entry(1));
        let lines = |on_existing| -> Vec<String> {
            let table =
                plan_table(&decide(&epochs(0..2048, 2), &target, on_existing), Style::PLAIN);
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            table.lines().skip(1).map(words).collect()
        };
        assert_eq!(
            lines(OnExisting::Refuse),
            [
                "of pp_epoch_0 … pp_epoch_2047 2044 create 2 6132 -",
                "pp_epoch_100 … pp_epoch_102 3 conflict 2 9 2",
                "pp_epoch_500 1 conflict 2 3 3",
                "pp_epoch_3000 1 conflict - - 1",
                "2049 keys: 2044 to create, 5.99 KiB to write, 5 in the way",
            ]
        );
        assert_eq!(
            lines(OnExisting::ResumeAndOverwrite),
            [
                "of pp_epoch_0 … pp_epoch_2047 2044 create 2 6132 -",
                "pp_epoch_100 … pp_epoch_102 3 skip 2 9 2",
                "pp_epoch_500 1 overwrite 2 3 3",
                "pp_epoch_3000 1 delete - - 1",
                "2049 keys: 2044 to create, 3 to skip, 1 to overwrite, 1 to delete, 5.99 KiB to write",
            ]
        );
    }
}
