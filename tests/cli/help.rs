//! The printed help of every command, the version and the completions.

use crate::support::tool::{command, program, restatectl, run};

#[test]
fn help_of_every_command_matches_its_snapshot() {
    for (name, args) in [
        ("top", &["--help"][..]),
        ("metadata", &["metadata", "--help"]),
        ("migrate", &["metadata", "migrate", "--help"]),
        ("verify", &["metadata", "verify", "--help"]),
        ("undo", &["metadata", "undo", "--help"]),
        ("list", &["metadata", "list", "-h"]),
        ("get", &["metadata", "get", "-h"]),
        ("backup", &["metadata", "backup", "-h"]),
        ("check", &["metadata", "check", "-h"]),
        ("describe", &["metadata", "describe", "-h"]),
        ("patch", &["metadata", "patch", "-h"]),
        ("put", &["metadata", "put", "-h"]),
        ("status", &["status", "--help"]),
        ("nodes", &["nodes", "-h"]),
        ("nodes_list", &["nodes", "list", "-h"]),
        ("wait", &["wait", "--help"]),
        ("completions", &["completions", "-h"]),
    ] {
        insta::assert_snapshot!(format!("help_{name}"), restatectl(args).expect(0).out);
    }
}

#[test]
fn version_names_commit_and_target() {
    let long = restatectl(&["--version"]).expect(0).out;
    let version = env!("CARGO_PKG_VERSION");
    assert!(long.starts_with(&format!("restatectl {version} (commit ")), "{long}");
    assert!(long.contains(std::env::consts::ARCH), "{long}");
    assert_eq!(restatectl(&["-V"]).expect(0).out, format!("restatectl {version}\n"));
}

#[test]
fn usage_line_names_only_missing_arguments() {
    let mut missing = command(&program(), &["metadata", "migrate"]);
    missing.env("RESTATECTL_ADDRESS", "http://node:1").env("RESTATECTL_TLS_CA", "ca.pem");
    let run = run(missing, "").expect(2);
    assert!(
        run.err.contains("Usage: restatectl metadata migrate [OPTIONS] --toml <STORE>\n"),
        "{}",
        run.err
    );
}

#[test]
fn help_shows_target_for_the_target_and_no_alias_of_from() {
    for command in ["migrate", "verify"] {
        let help = restatectl(&["metadata", command, "--help"]).expect(0).out;
        assert!(help.contains("[alias: --target]"), "{help}");
    }
    for command in ["list", "get", "check", "describe", "backup", "patch", "put"] {
        let help = restatectl(&["metadata", command, "-h"]).expect(0).out;
        assert!(!help.contains("--toml"), "{help}");
    }
    let run = restatectl(&["metadata", "verify", "--target", "absent.toml"]).expect(2);
    assert!(run.err.contains("failed to read absent.toml"), "{}", run.err);
}

#[test]
fn completions_are_generated_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = restatectl(&["completions", shell]).expect(0).out;
        assert!(script.contains("dry-run"), "{shell}");
    }
}
