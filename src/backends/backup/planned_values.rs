//! The mark of a backup that `migrate --force` made: what it was about to write in place of the entries.
//!
//! A run that is interrupted leaves a target that holds old and new values. By the mark, a later run knows
//! them from the values of another night.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Action, Key, Plan, Value};

/// The keys that a run was to write, each with its new value, or with none if it was to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlannedValues(BTreeMap<String, Option<PlannedValue>>);

/// A value, by its version and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PlannedValue {
    version: u32,
    sha256: String,
}

impl PlannedValue {
    fn new(value: &Value) -> Self {
        PlannedValue { version: value.version.0, sha256: value.sha256() }
    }
}

impl PlannedValues {
    /// Collects what the plan writes and deletes.
    pub fn from_plan(plan: &Plan) -> Self {
        let is_written = |action| !matches!(action, Action::Skip | Action::Conflict);
        let steps = plan.steps.iter().filter(|step| is_written(step.action));
        let values = steps
            .map(|step| (step.key.to_string(), step.source.as_ref().map(PlannedValue::new)))
            .collect();
        PlannedValues(values)
    }

    /// Returns whether the run was to write exactly this value.
    pub fn contains(&self, key: &Key, value: &Value) -> bool {
        let planned = self.0.get(&key.to_string()).and_then(Option::as_ref);
        planned.is_some_and(|planned| *planned == PlannedValue::new(value))
    }
}
