//! Confirmation of what can't be undone: asked for on a terminal, given by `--yes` or `CI`, and otherwise
//! not asked for, so that a script never waits for an operator.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::blocking::run_detached;
use crate::visible::escape_text;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 1024;

/// The operator's response to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The operator, or an option, said yes.
    Given,
    /// The operator said no.
    Declined,
    /// There is no terminal to ask on.
    NotAsked,
}

/// Returns whether every question is confirmed beforehand: by `--yes`, or by the variable `CI`, which
/// build machines set.
pub fn is_pre_confirmed(yes: bool) -> bool {
    yes || std::env::var("CI").is_ok_and(|value| means_yes(&value))
}

fn means_yes(value: &str) -> bool {
    !["", "0", "false"].contains(&value.trim().to_ascii_lowercase().as_str())
}

/// Asks by `show` and reads standard input, if standard error and standard input are terminals, unless the
/// question [is confirmed beforehand](is_pre_confirmed). Asks again until the answer is yes or no.
///
/// # Errors
/// Any error of the terminal.
pub async fn ask_to_confirm(
    question: &str,
    yes: bool,
    show: &(dyn Fn(&str) + Sync),
) -> io::Result<Confirmation> {
    if is_pre_confirmed(yes) {
        return Ok(Confirmation::Given);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(Confirmation::NotAsked);
    }
    let question = escape_text(question);
    let mut prompt = format!("{question} [y/N] ");
    loop {
        show(&prompt);
        if let Some(answer) = interpret_answer(&run_detached(read_line).await??) {
            return Ok(answer);
        }
        prompt = format!("Please answer y or n.\n{question} [y/N] ");
    }
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line)?;
    Ok(line)
}

/// Returns what the line means, if that is clear. The end of the input is no.
fn interpret_answer(line: &str) -> Option<Confirmation> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(Confirmation::Given),
        "" | "n" | "no" => Some(Confirmation::Declined),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmation_is_given_only_by_a_clear_yes() {
        for yes in ["y\n", "Yes\n", " YES \r\n", "y"] {
            assert_eq!(interpret_answer(yes), Some(Confirmation::Given), "{yes:?}");
        }
        for no in ["n\n", "no\n", "\n", ""] {
            assert_eq!(interpret_answer(no), Some(Confirmation::Declined), "{no:?}");
        }
        assert_eq!(interpret_answer("maybe\n"), None);
    }

    #[test]
    fn ci_confirms_unless_it_is_false() {
        for (value, yes) in
            [("true", true), ("1", true), ("", false), ("0", false), ("False", false)]
        {
            assert_eq!(means_yes(value), yes, "{value:?}");
        }
    }

    #[tokio::test]
    async fn confirmation_is_not_asked_for_without_a_terminal() {
        assert_eq!(ask_to_confirm("Continue?", true, &|_| {}).await.unwrap(), Confirmation::Given);
        if !io::stdin().is_terminal() && !is_pre_confirmed(false) {
            assert_eq!(
                ask_to_confirm("Continue?", false, &|_| {}).await.unwrap(),
                Confirmation::NotAsked
            );
        }
    }
}
