//! Migrations, however they ended.

use std::collections::BTreeMap;

use super::*;
use crate::model::Quorum;
use crate::outcome::{Migration, MigrationOutcome};
use crate::pipeline::checks;
use crate::pipeline::plan::{OnExisting, decide_plan};

fn observed_node() -> ObservedNode {
    ObservedNode {
        id: 1,
        name: "n1".into(),
        address: "http://n1:5122/".into(),
        state: NodeState::NormalRoles(vec!["worker".into()]),
    }
}

fn member_count() -> MemberCount {
    MemberCount { responding: 1, members: 1, needed: 1, leader: Some(1), ..MemberCount::default() }
}

fn migration(on_existing: OnExisting, dry_run: bool) -> Migration {
    let plan = decide_plan(&source_entries(), &target_entries(), on_existing);
    Migration {
        source: Some(source_name()),
        target: Some(target_name()),
        checks: vec![
            checks::check_migration_mode(&[observed_node()], &[], dry_run),
            checks::check_quorum(&Quorum::Held(member_count())),
            checks::check_target_keys(&plan, false),
        ],
        nodes: vec![observed_node()],
        quorum: Some(member_count()),
        ready: Some(false),
        plan,
        elapsed_ms: 12,
        ..Migration::default()
    }
}

fn migration_outcome(migration: Migration, failure: Option<Failure>) -> Outcome {
    Outcome { result: Some(CommandResult::Migrate(Box::new(migration))), failure }
}

#[test]
fn migrate_shows_the_plan_of_a_planned_or_refused_run() {
    let planned = migration(OnExisting::ResumeAndOverwrite, true);
    let planned = Migration { outcome: MigrationOutcome::Planned, ..planned };
    insta::assert_snapshot!("planned", render_both(&migration_outcome(planned, None)));
    let refused = migration(OnExisting::Refuse, false);
    let failure = checks::refusal(&refused.checks);
    insta::assert_snapshot!("refused", render_both(&migration_outcome(refused, failure)));
}

#[test]
fn migrate_shows_written_keys_or_next_steps() {
    let failure = Failure::new(Code::TargetConflict, "etcd a:2379 was changed by another writer")
        .hint("the source is untouched; resume with: restatectl … --resume")
        .after_writing();
    let stopped = Migration {
        outcome: MigrationOutcome::Failed,
        writes: BTreeMap::from([
            (Key::PartitionEpoch(0), WriteState::Written),
            (Key::NodesConfig, WriteState::Unknown),
        ]),
        ..migration(OnExisting::Overwrite, true)
    };
    insta::assert_snapshot!("stopped", render_both(&migration_outcome(stopped, Some(failure))));
    let migrated = Migration {
        outcome: MigrationOutcome::Migrated,
        verified: true,
        writes: source_entries().into_keys().map(|key| (key, WriteState::Written)).collect(),
        next_steps: vec![
            "Update with\n[metadata-client]\ntype = \"etcd\"".into(),
            "Restart".into(),
            "Stop every node".into(),
            "Verify".into(),
        ],
        ..migration(OnExisting::Overwrite, true)
    };
    insta::assert_snapshot!("migrated", render_both(&migration_outcome(migrated, None)));
}

#[test]
fn next_steps_are_wrapped_on_a_terminal_but_not_their_commands() {
    let command = "restatectl --address http://localhost:5122/ metadata verify --toml etcd.toml";
    let step = format!("Verify the copy once more before any of the nodes is started:\n{command}");
    let migrated = Migration {
        outcome: MigrationOutcome::Migrated,
        next_steps: vec!["Update".into(), "Restart".into(), step.clone()],
        ..migration(OnExisting::Overwrite, true)
    };
    let outcome = migration_outcome(migrated, None);
    let render_at = |columns| {
        String::from_utf8(render(&outcome, Style { columns, ..Style::PLAIN }).out).unwrap()
    };
    let prose = "3. Verify the copy once more before any\n   of the nodes is started:\n";
    let wrapped = format!("{prose}   {command}\n");
    assert!(render_at(Some(40)).ends_with(&wrapped), "{}", render_at(Some(40)));
    assert!(render_at(None).ends_with(&format!("3. {}\n", step.replace('\n', "\n   "))));
    assert!(render_at(Some(0)).contains("3. Verify\n   the\n"));
}
