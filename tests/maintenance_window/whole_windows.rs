//! There and back, while invocations go on.

use std::fs;

use crate::support::invocations::Invocations;
use crate::support::window::{Reply, Window};

#[test]
fn window_moves_a_cluster_there_and_back_while_invocations_go_on() {
    let mut window = Window::start();
    let invocations = Invocations::start(window.cluster.nodes[0].ingress_port());
    refuse_wrong_files(&mut window, &[]);
    let run = window.run(&[], "", |_, _| Reply::Perform).expect(0);
    assert!(run.out.contains("DONE. The cluster was down for at most"), "{}", run.out);
    window.assert_runs_on_target();
    let folder = window.last_folder();
    for name in ["nodes.jsonl", "dry-run.json", "migrate.json", "source.jsonl", "verify.json"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    for name in ["verify-after.json", "window.log", "point-of-no-return"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    let log = fs::read_to_string(folder.join("window.log")).unwrap();
    assert!(log.contains("Metadata migration completed") && log.ends_with(&last_line(&run.out)));
    assert_only_owner_reads(&folder);
    assert!(window.cluster.count(1) == 6);

    refuse_wrong_files(&mut window, &["--back"]);
    // To another store it is moved by hand: the replicated one is out of date.
    let other = "[metadata-client]\ntype = \"etcd\"\naddresses = [\"127.0.0.1:1\"]\n";
    window.write("other.toml", other);
    let run = window.run(&[], "target=other.toml", Window::perform_untouched).expect(1);
    assert!(run.out.contains("does not run on the replicated store"), "{}", run.out);
    // As on a terminal that is stopped.
    window.is_unread = true;
    window.run(&["--back"], "", |_, _| Reply::Perform).expect(0);
    let log = fs::read_to_string(window.last_folder().join("window.log")).unwrap();
    assert!(log.contains("DONE"), "{log}");
    assert_eq!(window.cluster.count(1), 7);

    // From the folders of the stopped nodes, over the copy that the way back has left.
    window.is_unread = false;
    let settings = format!("{}\nmigrate_options=(--force)", window.folders_setting());
    let run = window.run(&[], &settings, |_, step| {
        assert_ne!(step.name, "start_nodes_in_migration_mode");
        Reply::Perform
    });
    assert!(run.expect(0).out.contains("the folders are those of a majority"));
    window.assert_runs_on_target();
    assert_eq!(window.cluster.count(1), 8);
    let counted = invocations.finish();
    println!("the longest time without an answered invocation: {:?}", counted.longest_gap);
}

/// Asserts that a file which does not lead to the replicated store is found while the cluster runs.
fn refuse_wrong_files(window: &mut Window, options: &[&str]) {
    let misspelt =
        "[metadata-client]\ntype = \"replicated\"\nadresses = [\"http://127.0.0.1:1\"]\n";
    window.write("misspelt.toml", misspelt);
    for name in ["misspelt.toml", "etcd.toml"] {
        let run = window.run(options, &format!("before={name}"), Window::perform_untouched);
        assert!(run.expect(1).out.contains("FAILED: no node was touched"), "{name}");
    }
}

fn last_line(text: &str) -> String {
    format!("{}\n", text.lines().last().unwrap())
}

fn assert_only_owner_reads(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.chain([folder.to_owned()]) {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}
