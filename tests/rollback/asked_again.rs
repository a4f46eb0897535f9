//! A finished roll-back that is asked again: in migration mode, while its servers stop, once they are
//! stopped, and once the cluster runs.

use super::fixture::{RollbackFixture, SERVER, etcd_generations};
use crate::support::restate::{ALL_ROLES, Mode};
use crate::support::scale_count;
use crate::support::tool::Run;

/// Words of every hint that sends an operator back to the start of a roll-back.
const BEGIN_AGAIN: [&str; 3] = ["give them back", "stop all nodes", "--resume"];

/// Asserts that a run found the roll-back done, and wrote nothing.
#[track_caller]
fn assert_already_done(run: &Run) {
    let document = run.json();
    assert!(document.get("error").is_none(), "{document:#}");
    let keys = document["keys"].as_array().unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| key["action"] == "skip"), "{document:#}");
    assert!(keys.iter().all(|key| key["written"] == false), "{document:#}");
    assert_eq!(document["backup"], serde_json::Value::Null);
    assert!(document["checks"].to_string().contains("already done"), "{document:#}");
}

/// Asserts that a run could not ask the target, and says what a finished roll-back needs.
#[track_caller]
fn assert_only_needs_its_nodes(run: &Run) {
    let document = run.json();
    assert_eq!(document["error"]["code"], "target-unavailable", "{document:#}");
    let hints = document["error"]["hints"].to_string();
    assert!(hints.contains("reported completion"), "{hints}");
    assert!(BEGIN_AGAIN.iter().all(|words| !hints.contains(words)), "{hints}");
}

/// The command, as it was asked first and as its hints or the runbook name it.
const COMMANDS: [&[&str]; 3] = [&["--force"], &["--force", "--resume"], &["--resume"]];

#[test]
fn finished_rollback_asked_again_is_already_done_or_unreachable() {
    // One node alone only in `make soak`.
    let clusters = [&[ALL_ROLES, SERVER, SERVER][..], &[ALL_ROLES]];
    for roles in clusters.into_iter().take(scale_count(1, 2)) {
        let mut setting = RollbackFixture::new(roles);
        let starts = etcd_generations(&setting);
        setting.migrate(&["--force"]).expect(0);
        // Some servers may still respond for seconds.
        let at_once = setting.migrate(&["--force", "-o", "json"]);
        println!("asked at once, {} node(s): exit {}", roles.len(), at_once.code);
        match at_once.code {
            0 => assert_already_done(&at_once),
            _ => assert_only_needs_its_nodes(&at_once.expect(6)),
        }
        setting.cluster.wait_until_stopped();
        for command in COMMANDS {
            let down = setting.migrate(&[command, &["-o", "json"]].concat()).expect(6);
            assert_only_needs_its_nodes(&down);
        }
        setting.cluster.stop();
        let down = setting.migrate(&["--force", "-o", "json"]).expect(6);
        assert_only_needs_its_nodes(&down);
        setting.cluster.restart(&Mode::Migration);
        for command in [&[][..], COMMANDS[0], COMMANDS[1], COMMANDS[2]] {
            let again = setting.migrate(&[command, &["-o", "json"]].concat()).expect(0);
            assert_already_done(&again);
            assert_eq!(again.json()["outcome"], "migrated");
        }
        let dry = setting.migrate(&["--force", "--dry-run", "-o", "json"]).expect(0);
        assert_already_done(&dry);
        assert_eq!(dry.json()["outcome"], "planned");
        let text = setting.migrate(&["--force"]).expect(0);
        assert!(text.out.contains("already done"), "{}", text.out);
        setting.cluster.stop();
        setting.assert_works_on_replicated_store(&starts);
        // The cluster has moved on, which no version can tell from a store that diverged.
        let running = setting.migrate(&["--force", "-o", "json"]).expect(5).json();
        let hints = running["error"]["hints"].to_string();
        assert!(hints.contains("reported completion"), "{hints}");
        assert!(BEGIN_AGAIN.iter().all(|words| !hints.contains(words)), "{hints}");
    }
}
