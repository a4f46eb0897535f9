//! Every file below tests/ is part of the one test binary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

#[test]
fn every_rust_file_below_tests_is_reachable_from_main() {
    let tests = project().join("tests");
    let mut reached = BTreeSet::new();
    collect_modules(&tests.join("main.rs"), &mut reached);
    let mut present = BTreeSet::new();
    collect_rust_files(&tests, &mut present);
    let forgotten: Vec<_> = present.difference(&reached).collect();
    assert!(forgotten.is_empty(), "no `mod` declaration leads to {forgotten:#?}");
    assert_eq!(present, reached);
}

/// Adds the file and, by its `mod` declarations, all files below it.
fn collect_modules(file: &Path, reached: &mut BTreeSet<PathBuf>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    reached.insert(file.to_owned());
    let folder = match file.file_stem().unwrap().to_str().unwrap() {
        "main" | "mod" => file.parent().unwrap().to_owned(),
        stem => file.with_file_name(stem),
    };
    let mut has_own_path = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = declared_module(line) {
            // A module with a path of its own is not a file of this folder.
            if !has_own_path {
                let [flat, nested] =
                    [format!("{name}.rs"), format!("{name}/mod.rs")].map(|file| folder.join(file));
                collect_modules(if flat.exists() { &flat } else { &nested }, reached);
            }
        }
        // Other attributes may stand between the path and the module.
        has_own_path = line.starts_with("#[path") || has_own_path && line.starts_with("#[");
    }
}

/// Returns the name in `mod name;`, with or without `pub`.
fn declared_module(line: &str) -> Option<&str> {
    let declaration = line.trim();
    let declaration = declaration.strip_prefix("pub ").unwrap_or(declaration);
    declaration.strip_prefix("mod ")?.strip_suffix(';')
}

/// Adds every `.rs` file of the folder and of those below it.
fn collect_rust_files(folder: &Path, present: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_rust_files(&path, present);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            present.insert(path);
        }
    }
}
