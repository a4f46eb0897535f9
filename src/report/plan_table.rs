//! A plan as a table. Partition epochs with the same action are one row, so that a table of thousands
//! of them stays readable; conflicts, overwrites and deletions are never hidden between other keys.

use std::cmp::Ordering;

use super::plan_summary::summarize_actions;
use super::style::Style;
use super::table::{EMPTY_CELL, EntryCells, add_row, draw_table, new_table};
use crate::model::{Action, Entry, Key, Plan, Step};

use crate::wording::{format_bytes, plural};

/// Steps that share a row.
struct PlanRow<'a> {
    steps: Vec<&'a Step>,
    /// `true` if steps of other rows lie between these.
    has_gaps: bool,
}

/// Renders the plan as a table, and a line with its totals.
pub(super) fn render_plan(plan: &Plan, style: Style) -> String {
    let header = ["KEY", "COUNT", "ACTION", "VERSION", "BYTES", "IN TARGET"];
    let mut table = new_table(style, &header, &[1, 3, 4, 5]);
    for row in group_steps(plan) {
        add_row(&mut table, &row.to_cells());
    }
    format!("{}{}\n", draw_table(&table), summarize_plan(plan))
}

fn summarize_plan(plan: &Plan) -> String {
    let is_written = |step: &&Step| matches!(step.action, Action::Create | Action::Overwrite);
    let bytes_to_write: u64 = plan.steps.iter().filter(is_written).map(source_bytes).sum();
    let conflicts = plan.count(Action::Conflict);
    let mut totals = Vec::new();
    if conflicts < plan.steps.len() {
        totals.push(summarize_actions(plan, false));
    }
    if bytes_to_write > 0 {
        totals.push(format!("{} to write", format_bytes(bytes_to_write)));
    }
    if conflicts > 0 {
        totals.push(plural(conflicts, "conflict"));
    }
    format!("{}: {}", plural(plan.steps.len(), "key"), totals.join(", "))
}

fn source_bytes(step: &Step) -> u64 {
    step.source.as_ref().map_or(0, |value| value.bytes.len() as u64)
}

fn group_steps(plan: &Plan) -> Vec<PlanRow<'_>> {
    let mut rows: Vec<PlanRow<'_>> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| plan.steps.get(index));
        match rows.iter_mut().find(|row| row.can_include(step, before)) {
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
    /// Returns whether the step can be part of this row. Only epochs share a row. What is created or
    /// skipped may have gaps; any other row is exactly the keys from its first to its last, and they
    /// all compare in the same way.
    fn can_include(&self, step: &Step, before: Option<&Step>) -> bool {
        let is_epoch = |step: &Step| matches!(step.key, Key::PartitionEpoch(_));
        let Some((first, last)) = self.steps.first().zip(self.steps.last()) else { return false };
        let may_have_gaps = matches!(step.action, Action::Create | Action::Skip);
        let is_adjacent = before.is_some_and(|before| before.key == last.key);
        is_epoch(step)
            && is_epoch(first)
            && first.action == step.action
            && (may_have_gaps || is_adjacent && StepRelation::new(first) == StepRelation::new(step))
    }

    fn to_cells(&self) -> [String; 6] {
        let source_versions = self.steps.iter().map(|step| Some(step.source.as_ref()?.version.0));
        let bytes: u64 = self.steps.iter().copied().map(source_bytes).sum();
        let has_source = self.steps.iter().any(|step| step.source.is_some());
        let action = self.steps.first().map(|step| step.action.name());
        [
            self.key_cell(),
            self.steps.len().to_string(),
            action.unwrap_or_default().to_owned(),
            version_range(source_versions),
            if has_source { bytes.to_string() } else { EMPTY_CELL.to_owned() },
            self.target_cell(),
        ]
    }

    fn key_cell(&self) -> String {
        match self.steps.as_slice() {
            [first, .., last] if self.has_gaps => format!("of {} … {}", first.key, last.key),
            [first, .., last] => format!("{} … {}", first.key, last.key),
            steps => steps.iter().map(|step| step.key.to_string()).collect(),
        }
    }

    fn target_cell(&self) -> String {
        let is_damaged = |step: &&Step| matches!(step.target, Some(Entry::Damaged { .. }));
        match self.steps.as_slice() {
            [step] => EntryCells::new(step.target.as_ref()).version,
            steps if steps.iter().any(is_damaged) => "damaged".to_owned(),
            steps => version_range(steps.iter().map(|step| {
                step.target.as_ref().and_then(Entry::value).map(|value| value.version.0)
            })),
        }
    }
}

/// The relation between a step's source and target.
#[derive(PartialEq, Eq)]
struct StepRelation {
    is_identical: bool,
    /// The order of the two versions, if both have one.
    versions: Option<Ordering>,
    has_source: bool,
    is_target_damaged: bool,
}

impl StepRelation {
    fn new(step: &Step) -> Self {
        let target = step.target.as_ref().and_then(Entry::value);
        let both = step.source.as_ref().zip(target);
        StepRelation {
            is_identical: step.is_identical(),
            versions: both.map(|(source, target)| source.version.cmp(&target.version)),
            has_source: step.source.is_some(),
            is_target_damaged: matches!(step.target, Some(Entry::Damaged { .. })),
        }
    }
}

/// Returns the lowest and the highest of the versions.
fn version_range(versions: impl Iterator<Item = Option<u32>>) -> String {
    let versions: Vec<_> = versions.flatten().collect();
    match (versions.iter().min(), versions.iter().max()) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}-{high}"),
        _ => EMPTY_CELL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Snapshot, Value, Version};
    use crate::pipeline::plan::{OnExisting, decide_plan};

    fn entry(version: u32) -> Entry {
        let value = Value { version: Version(version), bytes: Bytes::from_static(b"\x05{}") };
        Entry::Intact(value, CasToken::Version(Version(version)))
    }

    fn epochs(numbers: std::ops::Range<u16>, version: u32) -> Snapshot {
        numbers.map(|number| (Key::PartitionEpoch(number), entry(version))).collect()
    }

    #[test]
    fn epochs_with_the_same_action_share_a_row() {
        let mut source = epochs(0..2048, 2);
        source.insert(Key::NodesConfig, entry(4));
        source.insert(Key::PartitionEpoch(7), entry(9));
        let plan = decide_plan(&source, &Snapshot::new(), OnExisting::Refuse);
        insta::assert_snapshot!(render_plan(&plan, Style::PLAIN), @"
         KEY                         COUNT  ACTION  VERSION  BYTES  IN TARGET
         nodes_config                    1  create        4      3          -
         pp_epoch_0 … pp_epoch_2047   2048  create      2-9   6144          -
        2049 keys: 2049 to create, 6.00 KiB to write
        ");
    }

    #[test]
    fn conflicts_overwrites_and_deletions_have_rows_of_their_own() {
        let mut target = epochs(100..103, 2);
        target.insert(Key::PartitionEpoch(500), entry(3));
        target.insert(Key::PartitionEpoch(3000), entry(1));
        let lines = |on_existing| -> Vec<String> {
            let table =
                render_plan(&decide_plan(&epochs(0..2048, 2), &target, on_existing), Style::PLAIN);
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
                "2049 keys: 2044 to create, 5.99 KiB to write, 5 conflicts",
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
