//! The error catalogue, the exit codes and the schema of the documents against the program.

use clap::Parser;
use clap::error::ErrorKind;
use restatectl::cli::Cli;
use restatectl::model::FindingClass;
use restatectl::outcome::Code;
use serde_json::{Value as Json, json};

use crate::support::{project, schema};

fn read_page(name: &str) -> String {
    std::fs::read_to_string(project().join("docs").join(name)).unwrap()
}

#[test]
fn error_catalogue_equals_the_error_codes() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    let catalogue = read_page("errors.md");
    let sections: Vec<_> = catalogue.split("\n## `").skip(1).collect();
    let titles: Vec<_> = sections.iter().map(|text| text.split('`').next().unwrap()).collect();
    assert_eq!(titles, codes);
    for section in sections {
        let example = section.split("```").nth(1).unwrap_or_default();
        assert!(example.contains("error: "), "no example of a message in\n{section}");
        assert!(section.contains("\n**Means:** "), "what does it mean?\n{section}");
        assert!(section.contains("\n**Do:** "), "what is to be done?\n{section}");
    }
    let page = read_page("exit-codes.md");
    let table = page.split("## Error codes").nth(1).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut rows: Vec<_> = rows.filter(|name| *name != "error.code").collect();
    let mut sorted = codes.clone();
    rows.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(rows, sorted);
    let schema: Json = serde_json::from_str(&read_page("documents.schema.json")).unwrap();
    assert_eq!(schema["$defs"]["error"]["properties"]["code"]["enum"], json!(codes));
}

#[test]
fn classes_of_findings_are_those_of_the_page_and_of_the_schema() {
    let classes = FindingClass::ALL.iter();
    let classes: Vec<_> = classes.map(|class| (class.name(), class.level().name())).collect();
    let page = read_page("checking.md");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    });
    assert_eq!(rows.collect::<Vec<_>>(), classes);
    let schema: Json = serde_json::from_str(&read_page("documents.schema.json")).unwrap();
    let finding = &schema["$defs"]["check_result"]["properties"]["findings"]["items"];
    let names: Vec<_> = classes.iter().map(|(name, _)| *name).collect();
    assert_eq!(finding["properties"]["code"]["enum"], json!(names));
}

#[test]
fn schema_rejects_other_documents() {
    let good = json!({"format": 1, "error": {"code": "usage", "message": "wrong", "hints": []}});
    schema::check(&good);
    for (place, value) in [
        ("/format", json!(2)),
        ("/error/code", json!("unheard-of")),
        ("/error/hints", json!("text")),
        ("/error", json!({"code": "usage", "message": "wrong", "hints": [], "more": 1})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(std::panic::catch_unwind(|| schema::check(&bad)).is_err(), "{bad}");
    }
}

/// Returns every `restatectl …` of a text, on a separate line or inline.
fn find_commands(text: &str) -> Vec<String> {
    let inline = regex::Regex::new(r"`(restatectl [^`…]+)`").unwrap();
    let line = regex::Regex::new(r"(?m)^\s*(?:\$ )?(restatectl [^`…\n]+)$").unwrap();
    let found = inline.captures_iter(text).chain(line.captures_iter(text));
    found.map(|captures| captures[1].to_owned()).collect()
}

#[test]
fn every_documented_command_parses() {
    let folder = project().join("docs").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let pages = folder.chain([project().join("README.md")]);
    let mut count = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|end| end == "md")) {
        for command in find_commands(&std::fs::read_to_string(&page).unwrap()) {
            let words = shlex::split(&command).unwrap_or_else(|| panic!("{command}"));
            let ends = |word: &String| {
                word.starts_with(['|', '&', '>', '<', ';', '#']) || word.starts_with("2>")
            };
            let words = words.into_iter().take_while(|word| !ends(word));
            count += 1;
            let Err(error) = Cli::try_parse_from(words) else { continue };
            let meant = [
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayVersion,
                ErrorKind::MissingRequiredArgument,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            assert!(meant.contains(&error.kind()), "{}: {command}\n{error}", page.display());
        }
    }
    assert!(count > 30, "{count} commands found");
}
