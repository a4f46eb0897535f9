//! Environment variables that override a server's configuration file, and where access came from.

use crate::config::Section;
use crate::model::{AccessOrigins, Origin};
use crate::visible::escape_line;

/// The beginning of the variables that set fields of the section.
const SECTION_PREFIX: &str = "RESTATE_METADATA_CLIENT__";

/// The variable that sets the section as a whole.
const SECTION: &str = "RESTATE_METADATA_CLIENT";

/// The variable that sets the roles of a node.
const ROLES: &str = "RESTATE_ROLES";

/// Returns the names of the variables in our environment that would make a server use something
/// else than the section, sorted; their values may be secrets.
pub(super) fn list_overrides(section: &Section) -> Vec<String> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.to_string_lossy().into_owned());
        is_override(&name, &value, section).then_some(name)
    });
    let mut names: Vec<_> = variables.collect();
    names.sort();
    names
}

/// Returns whether the variable sets something else; servers read names in any case of letters.
fn is_override(name: &str, value: &str, section: &Section) -> bool {
    let name = name.to_ascii_uppercase();
    match name.strip_prefix(SECTION_PREFIX) {
        Some(field) => {
            let field = field.to_ascii_lowercase().replace('_', "-");
            section.text(&field) != Some(value)
        }
        None => [SECTION, ROLES].contains(&name.as_str()),
    }
}

/// Describes what in the servers' environment would undo the change of their files.
pub(super) fn describe_override_step(section: &Section) -> String {
    let seen = match list_overrides(section).as_slice() {
        [] => String::new(),
        names => format!(" This environment sets {}.", escape_line(&names.join(", "))),
    };
    format!(
        "Make sure that no {SECTION_PREFIX}* and no {ROLES} variable is set where the servers start: \
         in the servers' environment, they override the file.{seen}"
    )
}

/// Describes where the access to an AWS store came from, which the servers need as well.
pub(super) fn describe_origins(origins: &AccessOrigins) -> String {
    format!(
        "Give the servers the same AWS access as this run had: identity from {}, region from {}, \
         endpoint from {}.",
        describe_origin(&origins.identity),
        describe_origin(&origins.region),
        describe_origin(&origins.endpoint)
    )
}

fn describe_origin(origin: &Origin) -> String {
    match origin {
        Origin::File => "the [metadata-client] section".to_owned(),
        Origin::Profile(name) => format!("the profile {}", escape_line(name)),
        Origin::Variable(name) => format!("{name} in the environment"),
        Origin::DefaultChain => {
            "the SDK's default chain (default profile, container or instance role)".to_owned()
        }
        Origin::Service => "the service itself".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_overrides_unless_it_says_what_the_section_says() {
        let text = "[metadata-client]\ntype = \"etcd\"\naddresses = [\"a:1\"]";
        let section = crate::config::parse(text, "f").unwrap().section;
        for (name, value, overrides) in [
            ("RESTATE_METADATA_CLIENT__TYPE", "etcd", false),
            ("RESTATE_METADATA_CLIENT__TYPE", "replicated", true),
            ("restate_metadata_client__type", "replicated", true),
            ("RESTATE_METADATA_CLIENT__ADDRESSES", "[\"b:1\"]", true),
            ("RESTATE_METADATA_CLIENT__CONNECT_TIMEOUT", "9s", true),
            ("RESTATE_METADATA_CLIENT", "{}", true),
            ("RESTATE_METADATA_CLIENT_TYPE", "replicated", false),
            ("RESTATE_ROLES", "[admin]", true),
            ("RESTATE_NODE_NAME", "n1", false),
        ] {
            assert_eq!(is_override(name, value, &section), overrides, "{name}={value}");
        }
    }
}
