//! Windows that fail: before the point of no return the cluster is put back, after it the script stops.

use std::time::Duration;

use crate::support::delay_proxy::DelayProxy;
use crate::support::pseudo_terminal::send_signal;
use crate::support::restate::Mode;
use crate::support::tool::restatectl;
use crate::support::window::{Reply, Step, Window};
use crate::support::{block_on, wait_for};

#[test]
fn window_that_fails_puts_the_cluster_back_until_a_node_was_started_on_the_target() {
    let mut window = Window::start();
    put_back_when_a_node_does_not_come(&mut window);
    stop_when_the_cluster_does_not_lead_on_the_target(&mut window);
    assert_eq!(window.cluster.count(1), 7);
}

#[test]
fn window_leaves_the_cluster_on_the_store_on_which_it_runs() {
    let mut window = Window::start();
    put_back_when_a_signal_comes_while_migrate_writes(&mut window);
    put_back_when_a_node_returns_to_its_folder(&mut window);
    stop_when_the_nodes_come_up_on_the_old_store(&mut window);
    assert_eq!(window.cluster.count(1), 7);
}

fn put_back_when_a_node_does_not_come(window: &mut Window) {
    let without_a_node = |window: &mut Window, step: &Step| match step.name.as_str() {
        "start_nodes_in_migration_mode" => {
            window.cluster.start_node(0, &Mode::Migration);
            window.cluster.start_node(1, &Mode::Migration);
            Reply::Performed
        }
        name if name.contains("--for migration-mode") => Reply::Shorten,
        _ => Reply::Perform,
    };
    let run = window.run(&[], "", without_a_node).expect(3);
    assert!(run.out.contains(" (node-3, "), "{}", run.out);
    assert!(run.out.contains("FAILED: the cluster was put back as it was"), "{}", run.out);
    assert!(!run.out.contains("WARNING"), "{}", run.out);
    window.assert_put_back();
    assert_eq!(window.cluster.count(1), 6);
}

fn put_back_when_a_signal_comes_while_migrate_writes(window: &mut Window) {
    // Slow enough that the signal comes before the end.
    let proxy = DelayProxy::start(&window.etcd.address(), Duration::from_millis(200));
    window.go_through(&proxy.address());
    let run = window.run(&[], "", signal_after_the_first_write).expect(3);
    assert!(run.out.contains("SIGTERM: the window is given up"), "{}", run.out);
    assert!(run.out.contains("Taken back"), "{}", run.out);
    window.assert_put_back();
    assert_eq!(window.cluster.count(1), 6);
    let address = window.etcd.address();
    window.go_through(&address);
}

fn put_back_when_a_node_returns_to_its_folder(window: &mut Window) {
    let settings = window.folders_setting();
    let first = window.cluster.base_folder(0);
    let returning = |window: &mut Window, step: &Step| {
        if step.name.starts_with("metadata migrate --from") {
            window.cluster.start_node(0, &Mode::Normal);
            wait_for("the node to hold its folder", Duration::from_secs(60), || {
                (restatectl(&["metadata", "list", "--from", &first]).code != 0).then_some(())
            });
        }
        Reply::Perform
    };
    let run = window.run(&[], &settings, returning).expect(3);
    assert!(run.out.contains("is in use"), "{}", run.out);
    window.assert_put_back();
}

fn signal_after_the_first_write(window: &mut Window, step: &Step) -> Reply {
    let writes = step.name.starts_with("metadata migrate") && !step.name.contains("--dry-run");
    if writes {
        let (script, etcd) = (step.script, window.etcd.address());
        std::thread::spawn(move || {
            wait_for("the first key in the target", Duration::from_secs(60), || {
                has_keys(&etcd).then_some(())
            });
            send_signal(script, "TERM");
        });
    }
    Reply::Perform
}

fn has_keys(etcd: &str) -> bool {
    block_on(async {
        let mut client = etcd_client::Client::connect([etcd], None).await.unwrap();
        let all = etcd_client::GetOptions::new().with_all_keys().with_count_only();
        client.get("", Some(all)).await.unwrap().count() > 0
    })
}

fn stop_when_the_nodes_come_up_on_the_old_store(window: &mut Window) {
    let as_before = |window: &mut Window, step: &Step| match step.name.as_str() {
        "start_nodes_on_target" => {
            window.perform("start_nodes_as_before");
            window.cluster.wait_until_running(&[]);
            Reply::Performed
        }
        name if name.contains("--for running --on") => Reply::Shorten,
        _ => Reply::Perform,
    };
    let run = window.run(&[], "", as_before).expect(4);
    assert!(run.out.contains("and have not left it"), "{}", run.out);
    let printed = run.out.lines().find(|line| line.contains("Take back the copy: ")).unwrap();
    let undo = printed.split_once("Take back the copy: ").unwrap().1;
    window.run_printed(&undo.replace("metadata undo", "metadata undo -y"));
    // Asked again, the script does not send the nodes to the store that is empty now, nor back from there.
    let folder = window.last_folder().display().to_string();
    let again = window.run(&["--put-back", &folder], "", Window::perform_untouched).expect(4);
    assert!(again.out.contains("and have not left it"), "{}", again.out);
    assert!(!again.out.contains("Take back the copy"), "{}", again.out);
    let back = window.run(&["--back"], "", Window::perform_untouched).expect(1);
    assert!(back.out.contains("nothing to go back from"), "{}", back.out);
    window.assert_put_back();
}

fn stop_when_the_cluster_does_not_lead_on_the_target(window: &mut Window) {
    let only_one = |window: &mut Window, step: &Step| match step.name.as_str() {
        "start_nodes_on_target" => {
            // As if something had started the others again in the meantime: a majority of the old store.
            window.cluster.start_node(1, &Mode::Migration);
            window.cluster.start_node(2, &Mode::Migration);
            window.cluster.start_node(0, &Mode::External(window.section.clone()));
            Reply::Performed
        }
        name if name.contains("--for running --on") => Reply::Shorten,
        _ => Reply::Perform,
    };
    let run = window.run(&[], "", only_one).expect(4);
    for name in [" (node-2, ", " (node-3, "] {
        assert!(run.out.contains(name), "{}", run.out);
    }
    assert!(run.out.contains("Do not start any node on the replicated store"), "{}", run.out);
    assert!(window.last_folder().join("point-of-no-return").exists());
    // Nor does it later.
    let folder = window.last_folder().display().to_string();
    let again = window.run(&["--put-back", &folder], "", |_, step| {
        assert!(step.name.starts_with("status --on"), "{}", step.name);
        Reply::Perform
    });
    assert!(again.expect(4).out.contains("FAILED, AND THE CLUSTER NEEDS YOU"));
    // What it says to do.
    window.cluster.stop();
    window.perform("start_nodes_on_target");
    window.cluster.wait_until_led();
    window.assert_runs_on_target();
}
