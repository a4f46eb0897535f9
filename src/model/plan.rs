//! The plan for each key: an action, and the values on both sides.

use std::sync::Arc;

use super::change::{Change, Effect};
use super::key::Key;
use super::value::{Entry, Value};

/// The action for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The key is not in the target.
    Create,
    /// The target has the same version and content.
    Skip,
    /// The target has something else, which is replaced.
    Overwrite,
    /// The key is only in the target, and is removed.
    Delete,
    /// The target has it, and nothing permits to touch it.
    Conflict,
}

impl Action {
    /// Returns the name in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Skip => "skip",
            Action::Overwrite => "overwrite",
            Action::Delete => "delete",
            Action::Conflict => "conflict",
        }
    }
}

/// One key of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The key.
    pub key: Key,
    /// The action.
    pub action: Action,
    /// The source's value.
    pub source: Option<Value>,
    /// The target's entry.
    pub target: Option<Entry>,
}

impl Step {
    /// Returns whether the target holds the version and bytes of the source.
    pub fn is_identical(&self) -> bool {
        self.source.is_some() && self.target.as_ref().and_then(Entry::value) == self.source.as_ref()
    }

    /// Returns the conditional write of this step, where it has one.
    pub fn change(&self) -> Option<Change> {
        let effect = match (self.action, &self.source, &self.target) {
            (Action::Create, Some(value), None) => Effect::Create(value.clone()),
            (Action::Overwrite, Some(value), Some(found)) => {
                Effect::Overwrite(value.clone(), found.tag().clone())
            }
            (Action::Delete, None, Some(found)) => Effect::Delete(found.tag().clone()),
            _ => return None,
        };
        Some(Change { key: self.key.clone(), effect })
    }
}

/// The steps of a run, one for each key, in the order of keys. Clones share them: there may be tens of thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each key that source or target have.
    pub steps: Arc<Vec<Step>>,
}

impl Plan {
    /// Creates a plan of these steps, which are in the order of keys.
    pub fn new(steps: Vec<Step>) -> Self {
        Plan { steps: Arc::new(steps) }
    }

    /// Returns the step of this key.
    pub fn step(&self, key: &Key) -> Option<&Step> {
        self.step_index(key).ok().and_then(|place| self.steps.get(place))
    }

    /// Finds the index of the key's step, or where it belongs.
    fn step_index(&self, key: &Key) -> Result<usize, usize> {
        self.steps.binary_search_by(|step| step.key.cmp(key))
    }

    /// Takes over what a later plan copies; what was to be done at first remains. A key that was deleted and comes again is
    /// overwritten.
    pub fn merge_later(&mut self, later: Plan) {
        for step in Arc::unwrap_or_clone(later.steps) {
            let place = self.step_index(&step.key);
            let steps = Arc::make_mut(&mut self.steps);
            match place {
                Ok(place) => {
                    if let Some(earlier) = steps.get_mut(place) {
                        earlier.action = match (earlier.action, step.action) {
                            (Action::Skip, later) => later,
                            (Action::Delete, Action::Create) => Action::Overwrite,
                            (first, _) => first,
                        };
                        earlier.source = step.source;
                    }
                }
                Err(place) => steps.insert(place, step),
            }
        }
    }

    /// Returns the plan without the step of this key.
    pub fn without(&self, key: &Key) -> Plan {
        let others = self.steps.iter().filter(|step| step.key != *key);
        Plan::new(others.cloned().collect())
    }

    /// Returns the steps that conflict.
    pub fn conflicts(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::Conflict)
    }

    /// Counts the steps with this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// Returns the writes, in the order of keys.
    pub fn changes(&self) -> Vec<Change> {
        self.steps.iter().filter_map(Step::change).collect()
    }
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::{CasToken, Version};

    #[test]
    fn key_that_was_deleted_and_comes_again_is_overwritten() {
        let value = |version| Value { version: Version(version), bytes: Bytes::new() };
        let held = Entry::Intact(value(7), CasToken::Version(Version(7)));
        let step = |action, source: Option<Value>, target: Option<Entry>| {
            Plan::new(vec![Step { key: Key::RuleBook, action, source, target }])
        };
        let mut plan = step(Action::Delete, None, Some(held.clone()));
        plan.merge_later(step(Action::Create, Some(value(1)), None));
        assert_eq!(plan, step(Action::Overwrite, Some(value(1)), Some(held)));
    }
}
