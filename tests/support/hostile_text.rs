//! A name that steers a terminal, and the check that no output lets it.

use std::path::Path;
use std::process::Stdio;

use regex::Regex;

use super::tool::{Run, command, program, run, wait_for_exit};

/// A name with all kinds of characters that a terminal obeys or does not show, with the program's own colours,
/// and with a line of its own.
pub const HOSTILE: &str = "x\nFORGED \u{1b}[2J\u{1b}]0;t\u{7}\u{1b}[32mgreen\u{1b}[0m\r\u{8}\u{9b}5m\u{85}\u{7f}\t\
                           \u{202e}txt\u{2066}\u{200f}\u{61c}\u{200b}\u{2028}FORGED\u{feff}\u{e0041}é\u{301}";

/// Another one, of a BMP name that a server accepts for its cluster.
pub const HOSTILE_CLUSTER: &str =
    "x\nFORGED \u{1b}[2J\u{1b}]0;t\u{7}\r\u{9b}5m\u{85}\u{202e}txt\u{2028}FORGED";

/// Returns the text as a TOML string without quotes has it.
pub fn escape_toml(text: &str) -> String {
    text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect()
}

/// Asserts that a terminal would obey nothing in this output but line ends and the program's own colours, and
/// that no line begins with what the hostile name put after a line end.
#[track_caller]
pub fn assert_harmless(output: &str) {
    let label = r"(error:|warning:| hint:|ok     |FAILED |warning|skipped|ok|✓)";
    let own = Regex::new(&format!("\u{1b}\\[(31;1|32|33|36)m{label}\u{1b}\\[0m")).unwrap();
    let plain = own.replace_all(output, "$2");
    let obeyed = |c: char| {
        c != '\n'
            && (c.is_control()
                || "\u{61c}\u{200b}\u{200e}\u{200f}\u{feff}\u{e0041}".contains(c)
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    let found: Vec<_> = plain.chars().filter(|c| obeyed(*c)).collect();
    assert!(found.is_empty(), "{found:?} in {output:?}");
    let forged = plain.lines().find(|line| line.trim_start().starts_with("FORGED"));
    assert_eq!(forged, None, "{output}");
}

/// Runs the program with its streams in pipes, and with colours on a terminal, and asserts that each output is
/// harmless. Returns the run without colours.
#[track_caller]
pub fn run_everywhere(args: &[&str], code: i32) -> Run {
    assert_harmless(&run_on_dumb_terminal(args, "").expect(code).out);
    let plain = run(command(&program(), args), "").expect(code);
    assert_harmless(&plain.out);
    assert_harmless(&plain.err);
    plain
}

/// Runs the program on a terminal that moves no cursor, so that there are no progress bars. Returns all that is
/// on the screen as standard output.
#[track_caller]
pub fn run_on_dumb_terminal(args: &[&str], typed: &str) -> Run {
    let line = restatectl::shell::join_words([&[program().to_str().unwrap()], args].concat());
    let mut script = command(Path::new("/usr/bin/script"), &["-qec", &line, "/dev/null"]);
    script.env("TERM", "dumb").env("SHELL", "/bin/bash");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, typed.as_bytes()).unwrap();
    drop(stdin);
    let run = wait_for_exit(child);
    // A terminal sends a carriage return with each line feed.
    Run { out: run.out.replace("\r\n", "\n"), ..run }
}
