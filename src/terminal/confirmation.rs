//! Confirmation of what can't be undone: asked for on a terminal, given by `--yes` or `CI`, and otherwise
//! not asked for, so that a script never waits for an operator.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::blocking::run_detached;
use crate::visible::escape_text;

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

/// Asks on standard error and reads standard input if both are terminals, unless the question [is
/// confirmed beforehand](is_pre_confirmed).
///
/// Reads on a detached thread, so that a signal ends the program at once.
///
/// # Errors
/// Any error of the terminal.
pub async fn ask_to_confirm(question: String, yes: bool) -> io::Result<Confirmation> {
    if is_pre_confirmed(yes) {
        return Ok(Confirmation::Given);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(Confirmation::NotAsked);
    }
    let question = escape_text(&question).into_owned();
    let ask = move || read_answer(&question, &mut io::stdin().lock(), &mut io::stderr());
    run_detached(ask).await?
}

/// Asks until the answer is yes or no. The end of the input is no.
fn read_answer(
    question: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Confirmation> {
    loop {
        write!(output, "{question} [y/N] ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Confirmation::Declined);
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Confirmation::Given),
            "" | "n" | "no" => return Ok(Confirmation::Declined),
            _ => writeln!(output, "Please answer y or n.")?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_answer(typed: &str) -> (Confirmation, String) {
        let mut output = Vec::new();
        let answer = read_answer("Continue?", &mut typed.as_bytes(), &mut output).unwrap();
        (answer, String::from_utf8(output).unwrap())
    }

    #[test]
    fn confirmation_is_given_only_by_a_clear_yes() {
        for yes in ["y\n", "Yes\n", " YES \r\n", "y"] {
            assert_eq!(type_answer(yes).0, Confirmation::Given, "{yes:?}");
        }
        for no in ["n\n", "no\n", "\n", ""] {
            assert_eq!(type_answer(no).0, Confirmation::Declined, "{no:?}");
        }
        let (answer, shown) = type_answer("maybe\ny\n");
        assert_eq!(answer, Confirmation::Given);
        assert_eq!(shown, "Continue? [y/N] Please answer y or n.\nContinue? [y/N] ");
        assert_eq!(type_answer("maybe\n").0, Confirmation::Declined);
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
        assert_eq!(
            ask_to_confirm("Continue?".to_owned(), true).await.unwrap(),
            Confirmation::Given
        );
        if !io::stdin().is_terminal() && !is_pre_confirmed(false) {
            assert_eq!(
                ask_to_confirm("Continue?".to_owned(), false).await.unwrap(),
                Confirmation::NotAsked
            );
        }
    }
}
