//! The variables of the environment that AWS clients read.

use std::env;

/// Returns an environment variable that is set and not empty.
pub(in super::super) fn read_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
