//! docs/official-tool.md against the help of the official tool.

use crate::support::project;
use crate::support::tool::official;

/// Returns the long options that a help text names.
fn long_options(help: &str) -> Vec<String> {
    let words = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long = words.filter_map(|line| {
        line.split([' ', ',', '=', '.']).find(|word| word.starts_with("--")).map(ToOwned::to_owned)
    });
    long.collect()
}

#[test]
fn every_official_metadata_command_and_option_is_documented() {
    let page = std::fs::read_to_string(project().join("docs/official-tool.md")).unwrap();
    let metadata = official(&["metadata", "--help"]).expect(0).out;
    let commands = metadata.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<_> =
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(names.contains(&"migrate"), "{names:?}");
    for name in names.into_iter().filter(|name| !name.is_empty() && *name != "help") {
        assert!(page.contains(&format!("`metadata {name}")), "{name} is missing");
        let help = official(&["metadata", name, "--help"]).expect(0).out;
        for option in long_options(&help).into_iter().filter(|option| option != "--help") {
            let long = match option.as_str() {
                "--verbose" => "`-v`",
                "--quiet" => "`-q`",
                long => long,
            };
            assert!(page.contains(long), "{option} of {name} is missing");
        }
    }
}
