//! The help of every command, as it is printed.

use crate::support::tool::restatectl;

#[test]
fn help_of_every_command() {
    for (name, args) in [
        ("top", &["--help"][..]),
        ("metadata", &["metadata", "--help"]),
        ("migrate", &["metadata", "migrate", "--help"]),
        ("verify", &["metadata", "verify", "--help"]),
        ("list", &["metadata", "list", "-h"]),
        ("get", &["metadata", "get", "-h"]),
        ("backup", &["metadata", "backup", "-h"]),
        ("patch", &["metadata", "patch", "-h"]),
        ("put", &["metadata", "put", "-h"]),
        ("completions", &["completions", "-h"]),
    ] {
        insta::assert_snapshot!(format!("help_{name}"), restatectl(args).expect(0).out);
    }
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = restatectl(&["completions", shell]).expect(0).out;
        assert!(script.contains("dry-run"), "{shell}");
    }
}
