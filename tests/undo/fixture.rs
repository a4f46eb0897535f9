//! A folder with a source, a target and a report, and the commands over them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::generated::{generate_snapshot, save_generated};
use crate::support::schema;
use crate::support::store_toml::write_file;
use crate::support::tool::{Run, command, program, run};

/// A folder in which runs leave their files.
pub struct UndoFixture {
    pub folder: TempDir,
    sources: TempDir,
}

impl UndoFixture {
    pub fn new() -> UndoFixture {
        UndoFixture { folder: TempDir::new().unwrap(), sources: TempDir::new().unwrap() }
    }

    /// Saves a generated store with so many epochs as a backup file, and returns its path.
    pub fn source(&self, epochs: u16) -> String {
        let path = save_generated(&self.sources, &generate_snapshot(epochs));
        let named = self.sources.path().join(format!("{epochs}.jsonl"));
        fs::rename(path, &named).unwrap();
        named.to_str().unwrap().to_owned()
    }

    pub fn toml(&self, name: &str, section: &str) -> String {
        write_file(&self.folder, name, section)
    }

    pub fn report(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    /// Returns the report, which is checked against the schema.
    pub fn read_report(&self) -> Json {
        let document = serde_json::from_slice(&fs::read(self.report()).unwrap()).unwrap();
        schema::check(&document);
        document
    }

    fn in_folder(&self, args: &[&str]) -> std::process::Command {
        let mut command = command(&program(), args);
        command.current_dir(self.folder.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        run(self.in_folder(args), "")
    }

    /// Migrates the source to the target, with the report.
    pub fn migrate(&self, source: &str, toml: &str, more: &[&str]) -> Run {
        self.run(&[&migrate_words(source, toml)[..], more].concat())
    }

    /// Takes back, without a question, what the report lists.
    pub fn undo(&self, toml: &str, more: &[&str]) -> Run {
        self.run(&[&undo_words(toml)[..], more].concat())
    }

    /// Starts a command whose output is kept.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.in_folder(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

pub fn migrate_words<'a>(source: &'a str, toml: &'a str) -> [&'a str; 8] {
    ["metadata", "migrate", "--from", source, "--toml", toml, "--report", "report.json"]
}

pub fn undo_words(toml: &str) -> [&str; 9] {
    ["metadata", "undo", "--report", "report.json", "--toml", toml, "-y", "-o", "json"]
}

/// Returns the keys of a document that have this action.
pub fn keys_with(document: &Json, action: &str) -> Vec<String> {
    let rows = document["keys"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["action"] == action);
    rows.map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

/// Returns the version and digest of every key in a store.
pub fn read_digests(fixture: &UndoFixture, toml: &str) -> BTreeMap<String, String> {
    let listing = fixture.run(&["metadata", "list", "--from", toml, "-o", "json"]).expect(0).json();
    let keys = listing["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        (key["key"].as_str().unwrap().to_owned(), format!("{} {}", key["version"], key["sha256"]))
    })
    .collect()
}
