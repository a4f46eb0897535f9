//! The look of progress bars, in Unicode or in ASCII.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressState, ProgressStyle};

use crate::wording::plural;

/// The time before which the rate of the first keys says too little for an estimate.
const FIRST_ESTIMATE: Duration = Duration::from_secs(1);

/// The characters that the terminal can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct BarStyle {
    /// `true` if the locale's encoding is UTF-8.
    is_unicode: bool,
}

impl BarStyle {
    /// Returns the style that fits the locale of the environment.
    pub(super) fn from_environment() -> Self {
        BarStyle { is_unicode: is_utf8_locale(|name| std::env::var(name).ok()) }
    }

    /// Returns the sign before a finished stage.
    pub(super) fn tick_sign(self) -> &'static str {
        if self.is_unicode { "✓" } else { "ok" }
    }

    /// Returns the style of a stage whose number of keys is unknown.
    pub(super) fn spinner_style(self) -> ProgressStyle {
        let style = ProgressStyle::with_template("{msg:24} {spinner} {keys} {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let style = style.with_key("keys", |state: &ProgressState, text: &mut dyn fmt::Write| {
            let count = usize::try_from(state.pos()).unwrap_or(usize::MAX);
            let _ = text.write_str(&plural(count, "key"));
        });
        if self.is_unicode { style } else { style.tick_chars("|/-\\ ") }
    }

    /// Returns the style of a condition that is waited for.
    pub(super) fn wait_style(self) -> ProgressStyle {
        let style = ProgressStyle::with_template("waiting for {msg} {spinner} {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        if self.is_unicode { style } else { style.tick_chars("|/-\\ ") }
    }

    /// Returns the style of a stage whose number of keys is known.
    pub(super) fn bar_style(self) -> ProgressStyle {
        let template = "{msg:24} [{wide_bar}] {pos}/{len} {rate:>7} {left:>9}";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{:.0}/s", state.per_sec());
        });
        let style = style.with_key("left", |state: &ProgressState, text: &mut dyn fmt::Write| {
            if state.elapsed() >= FIRST_ESTIMATE {
                let _ = write!(text, "{:#} left", HumanDuration(state.eta()));
            }
        });
        style.progress_chars(if self.is_unicode { "█▌ " } else { "=> " })
    }
}

/// Returns whether the locale's encoding is UTF-8. The first variable that is set decides, as in the C library.
fn is_utf8_locale(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(is_set);
    let locale = name.and_then(variable).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locale_is_chosen_as_by_the_c_library() {
        let is_utf8 = |set: &[(&str, &str)]| {
            is_utf8_locale(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(is_utf8(&[("LANG", "de_DE.UTF-8")]));
        assert!(is_utf8(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(is_utf8(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8")]));
        assert!(!is_utf8(&[]) && !is_utf8(&[("LANG", "C")]));
        assert!(!is_utf8(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]));
    }
}
