//! Values that nobody filled in: placeholders of templates, and the word that this program prints in place of a
//! secret.
//!
//! Servers replace nothing in their configuration, so that each is taken as it is (seen with 1.7.12). A bucket or
//! a password may be called almost anything, which is why a placeholder is a warning. The word of this program is
//! a fault: nothing is really called so.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section::{REDACTED, is_secret};

/// What placeholders begin and end with, and how messages call the form.
const ENCLOSED: [(&str, &str, &str); 4] =
    [("{{", "}}", "{{…}}"), ("${", "}", "${…}"), ("$(", ")", "$(…)"), ("<", ">", "<…>")];

/// Words for what is still to be filled in, in capitals and without the characters between their parts.
const WORDS: [&str; 5] = ["CHANGEME", "CHANGETHIS", "REPLACEME", "FILLMEIN", "PLACEHOLDER"];

/// Words that could be a name in lower case.
const CAPITAL_WORDS: [&str; 3] = ["TODO", "FIXME", "TBD"];

/// A value that nobody filled in.
pub(super) struct UnfilledValue {
    /// The position in the text.
    pub(super) offset: usize,
    /// The field, with those around it.
    field: String,
    /// The form of the placeholder; the value itself may be a secret.
    form: &'static str,
}

impl UnfilledValue {
    /// Describes the placeholder, for a warning.
    pub(super) fn describe(&self) -> String {
        let UnfilledValue { field, form, .. } = self;
        format!(
            "{field} has the placeholder {form}, which nobody filled in: servers take it as it is"
        )
    }
}

/// Returns every value that nobody filled in, in the order of the text.
pub(super) fn find_unfilled_values(table: &DeTable<'_>) -> Vec<UnfilledValue> {
    let mut found = Vec::new();
    collect_from_table(table, "", &mut found);
    found.sort_by_key(|value| value.offset);
    found
}

/// Describes the values that this program has printed in place of secrets, if there are any, with the position of
/// the first.
pub(super) fn describe_redacted(unfilled: &[UnfilledValue]) -> Option<(usize, String)> {
    let mut redacted = unfilled.iter().filter(|value| value.form == REDACTED);
    let first = redacted.next()?;
    let mut reason = format!(
        "{} has {REDACTED}, which this program prints in place of a secret, as in its next steps: put the real \
         value there",
        first.field
    );
    let others: Vec<_> = redacted.map(|value| value.field.as_str()).collect();
    if !others.is_empty() {
        reason.push_str(&format!("; the same applies to {}", others.join(", ")));
    }
    Some((first.offset, reason))
}

fn collect_from_table(table: &DeTable<'_>, around: &str, found: &mut Vec<UnfilledValue>) {
    for (name, value) in table {
        let name = name.get_ref();
        let field = if around.is_empty() { name.to_string() } else { format!("{around}.{name}") };
        collect_from_value(value, &field, found);
    }
}

fn collect_from_value(value: &Spanned<DeValue<'_>>, field: &str, found: &mut Vec<UnfilledValue>) {
    match value.get_ref() {
        DeValue::String(text) => {
            let form = find_placeholder(text, is_secret(field));
            let offset = value.span().start;
            let unfilled = |form| UnfilledValue { offset, field: field.to_owned(), form };
            found.extend(form.map(unfilled));
        }
        DeValue::Array(items) => {
            items.iter().for_each(|item| collect_from_value(item, field, found));
        }
        DeValue::Table(table) => collect_from_table(table, field, found),
        _ => {}
    }
}

/// Returns the form of the placeholder in a text. A secret holds any characters: it counts only if it is nothing
/// but the placeholder.
fn find_placeholder(text: &str, is_secret: bool) -> Option<&'static str> {
    if text.contains(REDACTED) {
        return Some(REDACTED);
    }
    let enclosed = ENCLOSED.iter().find(|(start, end, _)| match is_secret {
        true => text.starts_with(start) && text.ends_with(end) && has_name(text, start, end),
        false => has_name(text, start, end),
    });
    let is_separator = |c: char| !is_secret && !c.is_ascii_alphanumeric() && !"_-$".contains(c);
    enclosed.map(|(_, _, form)| *form).or_else(|| text.split(is_separator).find_map(form_of_word))
}

/// Returns whether there is something between start and end that could be a name.
fn has_name(text: &str, start: &str, end: &str) -> bool {
    let inside = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    inside.is_some_and(|(name, _)| {
        name.trim_start().starts_with(|c: char| c.is_alphabetic() || "_.$".contains(c))
    })
}

fn form_of_word(word: &str) -> Option<&'static str> {
    let plain = word.replace(['-', '_'], "").to_ascii_uppercase();
    if let Some(known) = WORDS.iter().find(|known| **known == plain) {
        return Some(known);
    }
    if let Some(known) = CAPITAL_WORDS.iter().find(|known| **known == word) {
        return Some(known);
    }
    let is_variable = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    match word {
        _ if plain.len() >= 3 && plain.chars().all(|c| c == 'X') => Some("xxx"),
        _ if word.strip_prefix('$').is_some_and(is_variable) => Some("$NAME"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_and_legal_values_are_not() {
        for (text, form) in [
            ("s3://${BUCKET}/p", "${…}"),
            ("${{ secrets.KEY }}", "{{…}}"),
            ("s3://{{ bucket }}/p", "{{…}}"),
            ("{{ .Values.bucket }}", "{{…}}"),
            ("$(cat region)", "$(…)"),
            ("<your-bucket>", "<…>"),
            ("http://<host>:9000", "<…>"),
            ("s3://change-me/p", "CHANGEME"),
            ("CHANGE_ME:2379", "CHANGEME"),
            ("TODO", "TODO"),
            ("s3://xxxx/p", "xxx"),
            ("$AWS_REGION", "$NAME"),
            ("http://<redacted>@host/", REDACTED),
        ] {
            assert_eq!(find_placeholder(text, false), Some(form), "{text}");
        }
        for text in [
            "s3://bucket/a%20b",
            "todo",
            "s3://todo/metadata",
            "exchangeme",
            "eu-central-1",
            "<1>",
            "a$b",
            "cost-$5",
            "{a}",
            "xx",
            "http://[::1]:2379",
            "",
        ] {
            assert_eq!(find_placeholder(text, false), None, "{text}");
        }
    }

    #[test]
    fn secret_is_a_placeholder_only_as_a_whole() {
        for text in ["a<b>c", "TODO/x", "a${b}", "x/CHANGEME", "p$ABC", "wJal/xxx/K7"] {
            assert_eq!(find_placeholder(text, true), None, "{text}");
        }
        for (text, form) in [("<secret key>", "<…>"), ("changeme", "CHANGEME"), ("${KEY}", "${…}")]
        {
            assert_eq!(find_placeholder(text, true), Some(form), "{text}");
        }
        assert_eq!(find_placeholder("a<redacted>", true), Some(REDACTED));
    }
}
