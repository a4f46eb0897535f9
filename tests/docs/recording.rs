//! The recording at the top of the README: complete, and with commands that parse.

use clap::Parser;
use restatectl::cli::Cli;

use crate::support::tool::{command, run};
use crate::support::{project, python_program};

const LARGEST: u64 = 500 << 10;

/// Returns the lines of text in the drawing, as an XML parser reads them.
fn drawn_lines() -> Vec<String> {
    const READ: &str = "import sys, xml.etree.ElementTree as tree\n\
        ns = '{http://www.w3.org/2000/svg}'\n\
        for row in tree.parse(sys.argv[1]).iter(ns + 'g'):\n\
        \x20   print(' '.join(text.text for text in row.findall(ns + 'text')))";
    let file = project().join("docs/recording.svg");
    assert!(file.metadata().unwrap().len() < LARGEST);
    let mut python = command(&python_program("python"), &["-c", READ, file.to_str().unwrap()]);
    python.env("PYTHONIOENCODING", "utf-8");
    run(python, "").expect(0).out.lines().map(ToOwned::to_owned).collect()
}

/// Returns the commands that the operator's script types.
fn typed_commands() -> Vec<String> {
    let script = project().join("scripts/recording-operator.sh");
    let script = std::fs::read_to_string(script).unwrap();
    let lines = script.lines().filter_map(|line| line.strip_prefix("enter \"")?.split('"').next());
    lines.map(ToOwned::to_owned).collect()
}

#[test]
fn readme_recording_shows_commands_that_parse() {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let first_screen: Vec<_> = readme.lines().take(15).collect();
    assert!(first_screen.join("\n").contains("](docs/recording.svg)"), "{first_screen:#?}");
    let (lines, typed) = (drawn_lines(), typed_commands());
    assert_eq!(typed.len(), 7);
    for command in typed {
        assert!(lines.contains(&format!("$ {command}")), "{command} is not in the recording");
        if let Err(error) = Cli::try_parse_from(command.split(' ')) {
            panic!("{command}: {error}");
        }
    }
    for end in [
        "Dry run: nothing was written.",
        "migration-mode",
        "Metadata migration completed",
        "stopped",
        "running",
        "runs on etcd 127.0.0.1:2379: yes",
    ] {
        assert!(lines.iter().any(|line| line == end), "no line {end:?}");
    }
    assert!(lines.iter().any(|line| line.ends_with(" newer")), "the two sides were not compared");
    // Nothing of the machine it was recorded on.
    assert!(!lines.iter().any(|line| line.contains("/tmp") || line.contains("/home")));
}
