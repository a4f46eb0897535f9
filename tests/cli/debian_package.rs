//! The Debian package: its files, and its programs once it is installed.

use std::path::Path;

use tempfile::TempDir;

#[path = "../../examples/packaging.rs"]
#[allow(dead_code)]
mod example;

use crate::support::package::{NAME, PackageBuild, Root};
use crate::support::project;
use crate::support::tool::{command, restatectl, run};

#[test]
fn package_installs_runs_and_uninstalls_cleanly() {
    let bench = PackageBuild::new(example::write_files);
    let root = Root::empty();
    root.dpkg(&["-i", bench.build_package().to_str().unwrap()]).expect(0);
    assert!(root.dpkg(&["-s", NAME]).expect(0).out.contains("Status: install ok installed"));
    assert_files(&root);
    assert_documents_that_readme_names(&root);
    assert_program_runs(&root);
    assert_manual_pages(&root);
    assert_completions(&root);
    root.dpkg(&["--purge", NAME]).expect(0);
    assert_eq!(root.installed_files(), [""; 0]);
    assert!(!root.path("usr").exists());
}

fn assert_files(root: &Root) {
    let (documents, files): (Vec<_>, Vec<_>) =
        root.installed_files().into_iter().partition(|file| file.contains("/docs/"));
    insta::assert_snapshot!(files.join("\n"), @"
    755 usr/bin/restatectl
    644 usr/share/bash-completion/completions/restatectl
    644 usr/share/doc/restatectl-metadata/CHANGELOG.md
    644 usr/share/doc/restatectl-metadata/CONTRIBUTING.md
    644 usr/share/doc/restatectl-metadata/README.md
    644 usr/share/doc/restatectl-metadata/copyright
    644 usr/share/fish/vendor_completions.d/restatectl.fish
    644 usr/share/man/man1/restatectl-completions.1.gz
    644 usr/share/man/man1/restatectl-metadata-backup.1.gz
    644 usr/share/man/man1/restatectl-metadata-check.1.gz
    644 usr/share/man/man1/restatectl-metadata-describe.1.gz
    644 usr/share/man/man1/restatectl-metadata-get.1.gz
    644 usr/share/man/man1/restatectl-metadata-list.1.gz
    644 usr/share/man/man1/restatectl-metadata-migrate.1.gz
    644 usr/share/man/man1/restatectl-metadata-patch.1.gz
    644 usr/share/man/man1/restatectl-metadata-put.1.gz
    644 usr/share/man/man1/restatectl-metadata-undo.1.gz
    644 usr/share/man/man1/restatectl-metadata-verify.1.gz
    644 usr/share/man/man1/restatectl-metadata.1.gz
    644 usr/share/man/man1/restatectl-nodes-list.1.gz
    644 usr/share/man/man1/restatectl-nodes.1.gz
    644 usr/share/man/man1/restatectl-status.1.gz
    644 usr/share/man/man1/restatectl-wait.1.gz
    644 usr/share/man/man1/restatectl.1.gz
    644 usr/share/zsh/vendor-completions/_restatectl
    ");
    assert!(documents.iter().all(|file| file.starts_with("644 ")), "{documents:?}");
    let licence = root.path(&format!("usr/share/doc/{NAME}/copyright"));
    assert!(std::fs::read_to_string(licence).unwrap().contains("License: Apache-2.0"));
}

/// Checks that every document that the README names is installed, and those that they name in turn.
fn assert_documents_that_readme_names(root: &Root) {
    let mut pages = vec![root.path(&format!("usr/share/doc/{NAME}/README.md"))];
    let mut links = 0;
    for page in root.path(&format!("usr/share/doc/{NAME}/docs")).read_dir().unwrap() {
        pages.push(page.unwrap().path());
    }
    for page in pages.iter().filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                let named = page.parent().unwrap().join(file);
                assert!(named.exists(), "{} names {file}, which is not there", page.display());
                links += 1;
            }
        }
    }
    assert!(links > 20, "{links}");
}

fn assert_program_runs(root: &Root) {
    let installed = root.path("usr/bin/restatectl");
    let version = run(command(&installed, &["--version"]), "").expect(0).out;
    assert_eq!(version, restatectl(&["--version"]).expect(0).out);
}

/// Checks that `man` shows each page without any of groff's warnings.
fn assert_manual_pages(root: &Root) {
    let (home, manual) = (TempDir::new().unwrap(), root.path("usr/share/man"));
    let mut shown = 0;
    for page in manual.join("man1").read_dir().unwrap() {
        let file = page.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".1.gz").unwrap();
        let manual = manual.to_str().unwrap();
        let mut man =
            root.machine_command("man", &["--warnings=w", "-M", manual, name], home.path());
        man.env("MANWIDTH", "80");
        let page = run(man, "").expect(0);
        assert_eq!(page.err, "", "{name}");
        assert!(page.out.starts_with(&format!("{name}(1)")), "{name}: {}", page.out);
        for heading in ["\nNAME\n", "\nSYNOPSIS\n", "\nEXAMPLES\n"] {
            assert!(page.out.contains(heading), "{name} has no {heading:?}: {}", page.out);
        }
        shown += 1;
    }
    assert_eq!(shown, 15);
    let args = ["-M", manual.to_str().unwrap(), "restatectl-metadata-verify"];
    let page = run(root.machine_command("man", &args, home.path()), "").expect(0).out;
    let whole = "verify --from before.jsonl --toml etcd.toml --allow-newer\n";
    assert!(page.contains(whole), "an example is not one line: {page}");
}

fn assert_completions(root: &Root) {
    let home = TempDir::new().unwrap();
    let text = |name: &str| project().join("tests/support").join(name);
    std::fs::copy(text("zshrc.zsh"), home.path().join(".zshrc")).unwrap();
    let (bash, zsh) = (text("complete.bash"), text("complete.zsh"));
    for (typed, whole) in
        [("mig", "migrate"), ("migrate --d", "--dry-run"), ("verify --al", "--allow-newer")]
    {
        let line = format!("restatectl metadata {typed}");
        let words: Vec<_> = line.split(' ').collect();
        let args = [&["--norc", bash.to_str().unwrap()], &words[..]].concat();
        let found = run(root.machine_command("bash", &args, home.path()), "").expect(0);
        assert_eq!(found.out, format!("{whole}\n"), "bash: {found:?}");
        let found = run(fish_command(root, &line, home.path()), "").expect(0);
        let first = found.out.split('\t').next().unwrap();
        assert!(first == whole && found.out.lines().count() == 1, "fish: {found:?}");
        let mut zsh =
            root.machine_command("zsh", &["-f", zsh.to_str().unwrap(), &line], home.path());
        zsh.env("COMPLETIONS", root.path("usr/share/zsh/vendor-completions"));
        let found = run(zsh, "").expect(0);
        let before = words[..words.len() - 1].join(" ");
        assert_eq!(found.out, format!("{before} {whole} \n"), "zsh: {found:?}");
    }
}

fn fish_command(root: &Root, line: &str, home: &Path) -> std::process::Command {
    root.machine_command("fish", &["-c", &format!("complete -C '{line}'")], home)
}
