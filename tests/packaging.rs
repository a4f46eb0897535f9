//! What a Debian package is made of.

use tempfile::TempDir;

#[path = "../examples/packaging.rs"]
#[allow(dead_code)]
mod example;

use crate::support::project;

#[test]
fn there_is_a_page_for_each_command_and_all_that_the_package_takes() {
    let folder = TempDir::new().unwrap();
    example::write(folder.path()).unwrap();
    for command in ["migrate", "verify", "list", "get", "backup", "patch", "put"] {
        let page = folder.path().join(format!("man/restatectl-metadata-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("Examples:"), "no examples for {command}");
    }
    let manifest = std::fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    for asset in assets {
        let source = asset[0].as_str().unwrap();
        let there = match source.strip_prefix("target/packaging/") {
            Some(made) => match made.strip_suffix("/*.1") {
                Some(pages) => folder.path().join(pages).read_dir().unwrap().count() > 8,
                None => folder.path().join(made).exists(),
            },
            None => source == "target/release/restatectl" || project().join(source).exists(),
        };
        assert!(there, "{source} is not made");
    }
}
