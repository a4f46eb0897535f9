//! Sequences of writes to one key, by runs that go on from what they find: whichever of the unconfirmed ones are
//! carried out, and when, the record accounts for what the target holds in the end.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::bytes::Bytes;

use super::*;
use crate::model::{CasToken, Version, WriteState};

/// What comes of a write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Acknowledged,
    /// Carried out, and the answer is lost.
    AnswerLost,
    /// On its way: it may still arrive.
    Delayed,
    Refused,
}

/// One run: the version that its source has, what comes of its write, and whether a delayed write of an earlier
/// run arrives before it.
#[derive(Clone, Debug)]
struct OneRun {
    source: Option<u32>,
    fate: Fate,
    delayed_arrives: bool,
}

/// A delayed write, with what it requires.
#[derive(Clone, Copy)]
struct Delayed {
    required: Option<u32>,
    written: Option<u32>,
}

/// A target of one key, and the record of all runs.
struct OneKey {
    held: Option<u32>,
    delayed: Option<Delayed>,
    sent: Vec<u32>,
    record: Option<RecordedWrite>,
}

impl OneKey {
    fn deliver(&mut self) {
        if let Some(delayed) = self.delayed.take_if(|delayed| delayed.required == self.held) {
            self.held = delayed.written;
        }
    }

    fn run(&mut self, run: &OneRun) {
        let action = match (run.source, self.held) {
            (None, None) => return,
            (Some(_), None) => Action::Create,
            (None, Some(_)) => Action::Delete,
            (Some(source), Some(held)) if source == held => Action::Skip,
            (Some(_), Some(_)) => Action::Overwrite,
        };
        let (source, target) = (run.source.map(value), self.held.map(entry));
        let step = Step { key: Key::RuleBook, action, source, target };
        let required = self.held;
        if run.delayed_arrives {
            self.deliver();
        }
        let state = match action {
            Action::Skip => WriteState::NotWritten,
            _ => self.write(Delayed { required, written: run.source }, run.fate),
        };
        let own = RecordedWrite::from_step(&step, state);
        self.record = Some(match self.record.take() {
            Some(earlier) => earlier.followed_by(own),
            None => own,
        });
    }

    fn write(&mut self, write: Delayed, fate: Fate) -> WriteState {
        let is_refused = write.required != self.held;
        match fate {
            Fate::Refused => return WriteState::NotWritten,
            // Its answer is on its way as well.
            Fate::Delayed => self.delayed = Some(write),
            Fate::Acknowledged if is_refused => return WriteState::NotWritten,
            Fate::AnswerLost if is_refused => {}
            Fate::Acknowledged | Fate::AnswerLost => self.held = write.written,
        }
        self.sent.extend(write.written);
        match fate {
            Fate::Acknowledged => WriteState::Written,
            _ => WriteState::Unknown,
        }
    }

    /// Decides how to undo all runs where the target holds this now.
    fn decide(&self, before: Option<u32>, held: Option<u32>) -> Step {
        let snapshot = |version: Option<u32>| -> Snapshot {
            version.map(|version| (Key::RuleBook, entry(version))).into_iter().collect()
        };
        let record = self.record.clone();
        let run = record.map(|record| (Key::RuleBook, record)).into_iter().collect();
        let (before, held) = (snapshot(before), snapshot(held));
        let plan = decide_undo(UndoInput { run: &run, before: &before, held: &held });
        let untouched =
            Step { key: Key::RuleBook, action: Action::Skip, source: None, target: None };
        plan.steps.first().cloned().unwrap_or(untouched)
    }
}

fn value(version: u32) -> Value {
    Value { version: Version(version), bytes: Bytes::from_static(b"x") }
}

fn entry(version: u32) -> Entry {
    Entry::Intact(value(version), CasToken::Version(Version(version)))
}

fn any_run() -> impl Strategy<Value = OneRun> {
    let fate = prop_oneof![
        3 => Just(Fate::Acknowledged),
        3 => Just(Fate::AnswerLost),
        3 => Just(Fate::Delayed),
        1 => Just(Fate::Refused),
    ];
    (option::weighted(0.7, 1..4_u32), fate, any::<bool>())
        .prop_map(|(source, fate, delayed_arrives)| OneRun { source, fate, delayed_arrives })
}

/// Returns what the target holds once the step is carried out.
fn carry_out(step: &Step, held: Option<u32>) -> Option<u32> {
    match step.action {
        Action::Skip | Action::Conflict => held,
        _ => step.source.as_ref().map(|value| value.version.0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_state_that_runs_may_leave_is_taken_back(
        before in option::of(1..4_u32),
        runs in vec(any_run(), 1..7),
    ) {
        let mut key = OneKey { held: before, delayed: None, sent: Vec::new(), record: None };
        runs.iter().for_each(|run| key.run(run));
        for _ in 0..2 {
            let step = key.decide(before, key.held);
            prop_assert_ne!(step.action, Action::Conflict, "{:?} of {:?}", key.held, key.record);
            prop_assert_eq!(carry_out(&step, key.held), before, "{:?}", key.record);
            // What is still on its way is taken back as well.
            key.deliver();
        }
        // Nothing else is: what no run has sent was written by somebody else.
        let is_touched = key.record.as_ref().is_some_and(RecordedWrite::may_be_done);
        let unsent = (1..5).filter(|version| !key.sent.contains(version) && Some(*version) != before);
        for version in unsent.filter(|_| is_touched) {
            prop_assert_eq!(key.decide(before, Some(version)).action, Action::Conflict);
        }
    }
}
