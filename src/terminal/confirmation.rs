//! Questions before what can't be taken back: asked on a terminal, answered by `--yes` or `CI`, and otherwise
//! not asked, so that a script never waits for an answer that nobody gives.

use std::io::{self, BufRead, IsTerminal, Write};

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Do not.
    No,
    /// There was nobody to ask.
    NotAsked,
}

/// Whether every question is answered with yes beforehand: by `--yes`, or by the variable CI, which
/// build machines set.
pub fn is_given(yes: bool) -> bool {
    yes || std::env::var("CI").is_ok_and(|value| means_yes(&value))
}

fn means_yes(value: &str) -> bool {
    !["", "0", "false"].contains(&value.trim().to_ascii_lowercase().as_str())
}

/// Asks on standard error and reads standard input, where both are a terminal, unless the answer
/// [is given](is_given). Waits on a thread of its own, which nobody waits for, so that a signal ends the
/// program at once.
///
/// # Errors
/// Where the terminal fails.
pub async fn ask(question: String, yes: bool) -> io::Result<Answer> {
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let yes = is_given(yes);
    if yes || !terminal {
        return Ok(if yes { Answer::Yes } else { Answer::NotAsked });
    }
    let (answered, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let said = converse(&question, &mut io::stdin().lock(), &mut io::stderr());
        let _ = answered.send(said);
    });
    answer.await.map_err(io::Error::other)?
}

/// Asks until the answer is one. No answer is no.
fn converse(
    question: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Answer> {
    loop {
        write!(output, "{question} [y/N] ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Answer::No);
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::Yes),
            "" | "n" | "no" => return Ok(Answer::No),
            _ => writeln!(output, "Please answer y or n.")?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(typed: &str) -> (Answer, String) {
        let mut shown = Vec::new();
        let answer = converse("Go on?", &mut typed.as_bytes(), &mut shown).unwrap();
        (answer, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for yes in ["y\n", "Yes\n", " YES \r\n", "y"] {
            assert_eq!(answered(yes).0, Answer::Yes, "{yes:?}");
        }
        for no in ["n\n", "no\n", "\n", ""] {
            assert_eq!(answered(no).0, Answer::No, "{no:?}");
        }
        let (answer, shown) = answered("maybe\ny\n");
        assert_eq!(answer, Answer::Yes);
        assert_eq!(shown, "Go on? [y/N] Please answer y or n.\nGo on? [y/N] ");
        assert_eq!(answered("maybe\n").0, Answer::No);
    }

    #[test]
    fn ci_is_a_yes_unless_it_says_no() {
        for (value, yes) in
            [("true", true), ("1", true), ("", false), ("0", false), ("False", false)]
        {
            assert_eq!(means_yes(value), yes, "{value:?}");
        }
    }

    #[tokio::test]
    async fn tests_have_no_terminal() {
        assert_eq!(ask("Go on?".to_owned(), true).await.unwrap(), Answer::Yes);
        if !io::stdin().is_terminal() && !is_given(false) {
            assert_eq!(ask("Go on?".to_owned(), false).await.unwrap(), Answer::NotAsked);
        }
    }
}
