//! The report of a run before this one, in the file of `--report`: what that run wrote stays known, since `undo`
//! takes it back by that.

use std::path::{Path, PathBuf};

use crate::commands::run_report::RunReport;
use crate::model::{Action, Key, Plan, RecordedWrite, WriteState};
use crate::outcome::{Migration, StoreName};

/// The report of the run before, as long as the documents of this run have its keys.
pub(super) struct PriorReport {
    run: RunReport,
    /// `true` if this run begins anew with its first write.
    is_replaced: bool,
}

impl PriorReport {
    pub(super) fn new(run: RunReport) -> Self {
        PriorReport { run, is_replaced: false }
    }

    /// Records that this run begins anew with its first write.
    pub(super) fn replace(&mut self) {
        self.is_replaced = true;
    }

    pub(super) fn is_of_target(&self, target: &StoreName) -> bool {
        self.run.is_of_target(target)
    }

    /// Returns the file to which that run has saved its source, with its digest, if it did not come to its end.
    pub(super) fn saved_source(&self) -> Option<(PathBuf, String)> {
        self.run.source_backup.clone().zip(self.run.source_backup_sha256.clone())
    }

    /// Returns whether that run has saved what it replaced to this file. It may be found by another path.
    pub(super) fn has_backup(&self, file: &Path) -> bool {
        let backup = self.run.backup.as_ref();
        backup.is_some_and(|backup| backup.file_name() == file.file_name())
    }

    /// Returns whether the target has lost keys since that run: what it held before is then no state to come back to.
    ///
    /// The plan creates what that run has left there. A `nodes_config` that is replaced is deleted first, and
    /// nothing says that a key was left whose creation is unconfirmed. Where a run has only created keys, there is
    /// nothing to come back to in any case.
    pub(super) fn lacks_left_keys(&self, plan: &Plan) -> bool {
        let has_left = |key: &Key| {
            self.run.keys.get(key).is_some_and(|write| match write.action {
                Action::Overwrite if *key != Key::NodesConfig => true,
                Action::Create | Action::Overwrite => write.state == WriteState::Written,
                Action::Skip | Action::Conflict => true,
                Action::Delete => false,
            })
        };
        let replaces = |write: &RecordedWrite| {
            write.may_be_done() && matches!(write.action, Action::Overwrite | Action::Delete)
        };
        let mut created = plan.steps.iter().filter(|step| step.action == Action::Create);
        self.run.keys.values().any(replaces) && created.any(|step| has_left(&step.key))
    }

    /// Adds what that run did to the description of this one. `is_writing` tells whether this run may have
    /// written.
    pub(super) fn add_to(&self, migration: &mut Migration, is_writing: bool) {
        if self.is_replaced && is_writing {
            return;
        }
        let mut earlier = self.run.keys.clone();
        earlier.retain(|_, write| write.may_be_done());
        for (key, own) in std::mem::take(&mut migration.earlier) {
            let combined = match earlier.remove(&key) {
                Some(before) => before.followed_by(own),
                None => own,
            };
            earlier.insert(key, combined);
        }
        migration.earlier = earlier;
        migration.continues_earlier = true;
        let is_of_target = |own: &StoreName| self.run.is_of_target(own);
        if self.run.target.is_some() && !migration.target.as_ref().is_some_and(is_of_target) {
            migration.target.clone_from(&self.run.target);
        }
        migration.backup = self.run.backup.clone().or(migration.backup.take());
        if migration.source_backup.is_none() {
            migration.source_backup.clone_from(&self.run.source_backup);
            migration.source_backup_sha256.clone_from(&self.run.source_backup_sha256);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Step;

    fn store(name: &str) -> StoreName {
        StoreName { kind: "etcd".into(), name: name.into(), stopped: None }
    }

    #[test]
    fn keys_of_the_run_before_stay_until_this_run_writes_anew() {
        let write = RecordedWrite {
            action: Action::Create,
            value: None,
            earlier: Vec::new(),
            state: WriteState::Written,
        };
        let run = RunReport {
            target: Some(store("etcd a:1")),
            keys: [(Key::RuleBook, write)].into(),
            ..RunReport::default()
        };
        let mut prior = PriorReport::new(run);
        let describe = |prior: &PriorReport, target: &str, is_writing: bool| {
            let target = Some(store(target));
            let mut migration = Migration { target, ..Migration::default() };
            prior.add_to(&mut migration, is_writing);
            let name =
                migration.target.as_ref().map(|target| target.name.clone()).unwrap_or_default();
            (migration.recorded_writes().len(), migration.continues_earlier, name)
        };
        for is_writing in [false, true] {
            let described = describe(&prior, "etcd b:1,a:1", is_writing);
            assert_eq!(described, (1, true, "etcd b:1,a:1".to_owned()));
        }
        prior.replace();
        // A run that certainly wrote nothing has them still.
        assert_eq!(describe(&prior, "etcd a:1", false), (1, true, "etcd a:1".to_owned()));
        assert_eq!(describe(&prior, "etcd a:1", true), (0, false, "etcd a:1".to_owned()));
        // They are never said to be in another store.
        assert_eq!(describe(&prior, "etcd b:1", false), (1, true, "etcd a:1".to_owned()));
    }

    #[test]
    fn target_has_lost_keys_where_the_plan_creates_what_the_run_before_left() {
        use WriteState::{NotWritten, Unknown, Written};
        let decide = |rows: &[(Key, Action, WriteState)], created: Key| {
            let keys = rows.iter().map(|(key, action, state)| {
                let (action, state) = (*action, *state);
                (key.clone(), RecordedWrite { action, value: None, earlier: Vec::new(), state })
            });
            let run = RunReport { keys: keys.collect(), ..RunReport::default() };
            let (action, source, target) = (Action::Create, None, None);
            let steps = vec![Step { key: created, action, source, target }];
            PriorReport::new(run).lacks_left_keys(&Plan::new(steps))
        };
        let deleted = (Key::PartitionEpoch(9), Action::Delete, Written);
        for (action, state, expected) in [
            (Action::Overwrite, Written, true),
            (Action::Overwrite, Unknown, true),
            (Action::Create, Written, true),
            (Action::Create, Unknown, false),
            (Action::Skip, NotWritten, true),
            (Action::Delete, Written, false),
        ] {
            let rows = [deleted.clone(), (Key::RuleBook, action, state)];
            assert_eq!(decide(&rows, Key::RuleBook), expected, "{action:?} {state:?}");
            assert!(!decide(&rows, Key::Schema));
        }
        for (state, expected) in [(Unknown, false), (Written, true)] {
            let rows = [deleted.clone(), (Key::NodesConfig, Action::Overwrite, state)];
            assert_eq!(decide(&rows, Key::NodesConfig), expected);
        }
        // It has replaced nothing.
        assert!(!decide(&[(Key::RuleBook, Action::Create, Written)], Key::RuleBook));
    }
}
