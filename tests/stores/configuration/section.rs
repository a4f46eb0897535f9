//! One section of the table, and how the table writes many of them.

/// A `[metadata-client]` section.
pub(super) struct Section {
    pub(super) body: String,
    /// `Some` where the server takes the section, and ends at its start: we refuse it.
    pub(super) fatal: Option<Fatal>,
}

/// The end of a server at its start.
#[derive(Clone, Copy)]
pub(super) struct Fatal {
    /// The words of the server.
    pub(super) words: &'static str,
    /// The reason, in our words.
    pub(super) reason: &'static str,
}

/// Sections that differ in one value only.
pub(super) struct Group {
    /// The section, with `{}` where the value stands.
    pub(super) template: &'static str,
    /// Values of which we must think as the server does.
    pub(super) values: &'static [&'static str],
    /// Values that the server takes, and ends with at its start.
    pub(super) fatal: &'static [(&'static str, Fatal)],
}

impl Group {
    pub(super) fn sections(&self) -> impl Iterator<Item = Section> {
        let write = |value: &str| self.template.replace("{}", value);
        let values = self.values.iter().map(move |value| (write(value), None));
        let fatal = self.fatal.iter().map(move |(value, fatal)| (write(value), Some(*fatal)));
        values.chain(fatal).map(|(body, fatal)| Section { body, fatal })
    }
}
