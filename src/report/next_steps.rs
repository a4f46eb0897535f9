//! The next steps after a migration, as text.

/// Renders the steps as a numbered list. On a terminal, the first line of each step is wrapped at this
/// many columns; the lines below it are commands and configuration, printed as they are to be copied.
pub(super) fn render_next_steps(heading: &str, steps: &[String], columns: Option<usize>) -> String {
    let mut text = format!("✅ {heading}\n");
    for (index, step) in steps.iter().enumerate() {
        let number = format!("{}. ", index + 1);
        let indent = " ".repeat(number.len());
        let mut lines = step.lines();
        let prose = lines.next().unwrap_or_default();
        let prose = wrap_words(prose, columns.unwrap_or(usize::MAX).saturating_sub(indent.len()));
        text.push_str(&format!("\n{number}{}\n", prose.join(&format!("\n{indent}"))));
        for line in lines {
            text.push_str(format!("{indent}{line}").trim_end());
            text.push('\n');
        }
    }
    text
}

/// Splits text into lines of at most this many columns. A longer word has a line of its own.
fn wrap_words(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
