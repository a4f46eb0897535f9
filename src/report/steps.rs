//! The next steps after a migration, as text.

/// Returns the numbered list. On a terminal prose is folded at words; commands and sections are not,
/// so that they can be copied.
pub(super) fn next_steps(steps: &[String], columns: Option<usize>) -> String {
    let mut text = "✅ Metadata migration completed\n".to_owned();
    for (index, step) in steps.iter().enumerate() {
        let (lead, gap) = (format!("{}.", index + 1), "\n");
        let mut lines = step.lines();
        let prose = lines.next().unwrap_or_default();
        let prose = folded(prose, columns.unwrap_or(usize::MAX).saturating_sub(STEP_INDENT));
        text.push_str(&format!("{gap}{lead} {}\n", prose.join("\n   ")));
        for line in lines {
            text.push_str(format!("   {line}").trim_end());
            text.push('\n');
        }
    }
    text
}

const STEP_INDENT: usize = 3;

/// Lines of whole words that have this many columns at most, but for words that have more.
fn folded(text: &str, columns: usize) -> Vec<String> {
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
