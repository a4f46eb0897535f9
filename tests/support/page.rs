//! A page of the documentation as a script: its files, its commands with what they print, and what
//! is done between them, in order.
//!
//! - `<!-- file: NAME -->` before a block: the block is that file's content;
//! - a `console` block: commands after `$ `, each with its output; `…` on a line of its own stands
//!   for any lines;
//! - `<!-- done: WORDS -->`: what someone does who follows the page, such as restarting nodes.

use std::path::PathBuf;

use regex::Regex;

use super::project;

/// One step of a page.
#[derive(Debug)]
pub enum Step {
    File { name: String, text: String },
    Done(String),
    Command(Command),
}

/// A command and the output that the page shows for it.
#[derive(Debug)]
pub struct Command {
    pub line: String,
    pub shown: Vec<String>,
    /// The lines of it and of its output in the page, and the indentation of each.
    place: std::ops::Range<usize>,
    indent: String,
}

pub struct Page {
    path: PathBuf,
    lines: Vec<String>,
}

impl Page {
    /// Reads a page of the project.
    pub fn read(name: &str) -> Page {
        let path = project().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        Page { path, lines: text.lines().map(ToOwned::to_owned).collect() }
    }

    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut file = None;
        let mut at = 0;
        while at < self.lines.len() {
            let line = self.lines[at].trim();
            if let Some(name) = parse_comment(line, "file") {
                file = Some(name);
            } else if let Some(words) = parse_comment(line, "done") {
                steps.push(Step::Done(words));
            } else if line.starts_with("```") {
                let end = self.end_of_block(at);
                if let Some(name) = file.take() {
                    let text = self.text(at + 1..end).join("\n") + "\n";
                    steps.push(Step::File { name, text });
                } else if line == "```console" {
                    steps.extend(self.commands(at + 1..end).map(Step::Command));
                }
                at = end;
            }
            at += 1;
        }
        steps
    }

    fn end_of_block(&self, start: usize) -> usize {
        let rest = self.lines.iter().skip(start + 1);
        start + 1 + rest.take_while(|line| line.trim() != "```").count()
    }

    /// Returns the lines of a block without the indentation of its first line.
    fn text(&self, range: std::ops::Range<usize>) -> Vec<String> {
        let indent = self.indent(range.start);
        let lines = self.lines[range].iter();
        lines.map(|line| line.strip_prefix(&indent).unwrap_or(line).to_owned()).collect()
    }

    fn indent(&self, at: usize) -> String {
        self.lines[at].chars().take_while(|c| *c == ' ').collect()
    }

    fn commands(&self, block: std::ops::Range<usize>) -> impl Iterator<Item = Command> {
        let indent = self.indent(block.start);
        let is_command = |at: &usize| self.lines[*at].trim_start().starts_with("$ ");
        let starts: Vec<_> = block.clone().filter(is_command).collect();
        let ends = starts.clone().into_iter().skip(1).chain([block.end]);
        let pairs: Vec<_> = starts.into_iter().zip(ends).collect();
        pairs.into_iter().map(move |(start, end)| Command {
            line: self.lines[start].trim_start().trim_start_matches("$ ").to_owned(),
            shown: self.text(start..end).split_off(1),
            place: start..end,
            indent: indent.clone(),
        })
    }

    /// Writes the page with these commands and outputs, which are in its order, in place of the shown
    /// ones.
    pub fn update(mut self, outputs: &[(Command, Vec<String>)]) {
        for (command, output) in outputs.iter().rev() {
            let first = format!("$ {}", command.line);
            let lines = std::iter::once(&first)
                .chain(output)
                .map(|line| format!("{}{line}", command.indent));
            let lines = lines.map(|line| line.trim_end().to_owned());
            self.lines.splice(command.place.clone(), lines);
        }
        std::fs::write(&self.path, self.lines.join("\n") + "\n").unwrap();
    }
}

fn parse_comment(line: &str, what: &str) -> Option<String> {
    let words = line.strip_prefix(&format!("<!-- {what}: "))?;
    Some(words.strip_suffix(" -->")?.to_owned())
}

/// Returns whether the lines equal the shown ones apart from times, sizes and the like.
pub fn equals_shown(shown: &[String], lines: &[String]) -> bool {
    let (shown, lines) = (normalize_lines(shown), normalize_lines(lines));
    let parts: Vec<_> = shown.split(|line| line == "…").collect();
    let (Some((first, middle)), Some(last)) = (parts.split_first(), parts.last()) else {
        return false;
    };
    if middle.is_empty() {
        return lines == **first;
    }
    if !lines.starts_with(first) || !lines.ends_with(last) {
        return false;
    }
    let mut rest = &lines[first.len()..];
    middle.iter().all(|part| {
        let found = (0..=rest.len()).find(|at| rest[*at..].starts_with(part));
        found.map(|at| rest = &rest[at + part.len()..]).is_some()
    })
}

/// Returns the lines without the parts that vary between runs, such as the keys that a started cluster
/// advances.
fn normalize_lines(lines: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = lines.iter().map(|line| normalize_line(line)).collect();
    // Both sides are read at the same time.
    lines
        .chunk_by_mut(|one, next| one.starts_with("read ") && next.starts_with("read "))
        .for_each(<[_]>::sort);
    lines.dedup_by(|next, last| next == last && last.as_str() == NEWER);
    lines
}

/// The placeholder for the row of a newer key.
const NEWER: &str = "KEY newer";

/// Returns a line without the parts that vary between runs.
fn normalize_line(line: &str) -> String {
    const RULES: &[(&str, &str)] = &[
        (r"\d+\.\d+ s\b", "TIME"),
        (r"\b[\d.]+ (B|KiB|MiB)( |,|$)", "SIZE$2"),
        (r"fingerprint \d+", "fingerprint NUMBER"),
        (r", (leader N\d+|no leader named yet)", ", leader"),
        (r"\d{8}T\d{6}Z(-\d+)?", "TIME"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\bterm \d+, index \d+", "POSITION"),
        (r"\bN\d+\b", "NODE"),
        (r"\bnode-\d+", "node-NUMBER"),
        (r"\b\d+ same, \d+ newer", "NUMBER same, NUMBER newer"),
        (r"\d+ of the target's keys are newer", "NUMBER of the target's keys are newer"),
        (r"\bat version \d+", "at version NUMBER"),
        (r" +", " "),
    ];
    // Before the numbers: one of 1,800 digests has decimal digits only.
    let digest = Regex::new(r"\b[0-9a-f]{16}([0-9a-f]{48})?\b").unwrap();
    let mut line = digest.replace_all(line.trim_end(), "DIGEST").into_owned();
    let newer = Regex::new(r"^ +- \w+ is at version \d+, the source has").unwrap();
    if newer.is_match(&line) || is_row(&line) && line.contains(" newer ") {
        return NEWER.to_owned();
    }
    if is_row(&line) {
        line = Regex::new(r"\b\d+(-\d+)?\b").unwrap().replace_all(&line, "NUMBER").into_owned();
    }
    for (pattern, name) in RULES {
        line = Regex::new(pattern).unwrap().replace_all(&line, *name).into_owned();
    }
    line
}

/// Returns whether the line is a row of a table of keys.
fn is_row(line: &str) -> bool {
    let keys =
        ["nodes_config", "bifrost_config", "partition_table", "schema_registry", "rule_book"];
    let first = line.strip_prefix(' ').and_then(|line| line.split(' ').next());
    first.is_some_and(|first| keys.contains(&first) || first.starts_with("pp_epoch_"))
}
