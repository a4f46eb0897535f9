//! The syntax that the server reads: TOML 1.0, where our own parser reads 1.1 as well.

use toml_1_0::{ImDocument, TomlError};

/// Checks that a server can read the file, which it reads as a whole.
///
/// # Errors
/// The position of what only later versions of TOML have, if it is known, and the reason.
pub(super) fn check_syntax(text: &str) -> Result<(), (Option<usize>, String)> {
    let describe = |error: &TomlError| {
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        (error.span().map(|span| span.start), format!("servers read TOML 1.0: {reason}"))
    };
    ImDocument::parse(text).map(|_| ()).map_err(|error| describe(&error))
}
