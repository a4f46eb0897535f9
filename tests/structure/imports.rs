//! The direction of imports in src/: the arrows of docs/architecture.md, no circles, few parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use super::source_tree::SourceTree;
use crate::support::project;

/// The most parameters of a function, `self` aside.
const MOST_PARAMETERS: usize = 4;

/// The arrows of the table: each module with those that it may import.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_are_the_arrows_that_the_architecture_page_shows() {
    let table = read_table(&project().join("docs/architecture.md"));
    let tree = SourceTree::parse(project(), "src");
    let mut found: Arrows = table.keys().map(|module| (module.clone(), BTreeSet::new())).collect();
    let mut new = Vec::new();
    for path in tree.files.keys() {
        let from =
            row_of(&table, path).unwrap_or_else(|| panic!("no row in the table for {path:?}"));
        for imported in tree.imports(path) {
            let Some(to) = row_of(&table, imported).filter(|to| *to != from) else { continue };
            if !table[from].contains(to) {
                new.push(format!(
                    "{} imports {} ({from} -> {to})",
                    path.display(),
                    imported.display()
                ));
            }
            found.get_mut(from).unwrap().insert(to.to_owned());
        }
    }
    assert!(new.is_empty(), "arrows that docs/architecture.md does not have:\n{}", new.join("\n"));
    assert_eq!(found, table, "docs/architecture.md shows arrows that no file has");
}

#[test]
fn no_circle_of_files_imports_each_other() {
    let tree = SourceTree::parse(project(), "src");
    let circles = find_circles(&tree);
    assert!(circles.is_empty(), "files that import each other: {circles:#?}");
}

#[test]
fn no_function_has_more_than_four_parameters() {
    let tree = SourceTree::parse(project(), "src");
    let mut long = Vec::new();
    for (path, file) in &tree.files {
        let mut visitor = Signatures { long: Vec::new() };
        visitor.visit_file(&file.syntax);
        long.extend(visitor.long.into_iter().map(|name| format!("{}: {name}", path.display())));
    }
    assert!(long.is_empty(), "functions with more than {MOST_PARAMETERS} parameters: {long:#?}");
}

#[test]
fn only_wording_and_report_use_the_drawing_crates() {
    let project = project();
    for path in SourceTree::parse(project, "src").files.keys() {
        let text = fs::read_to_string(project.join(path)).unwrap();
        let draws = ["indicatif::", "comfy_table::"].iter().any(|name| text.contains(name));
        let may_draw = path.starts_with("src/report") || path.ends_with("wording.rs");
        assert!(may_draw || !draws, "{} uses a crate that draws", path.display());
    }
}

/// Reads the rows `| module | modules |` below the heading "Arrows".
fn read_table(page: &Path) -> Arrows {
    let text = fs::read_to_string(page).unwrap();
    let (_, section) = text.split_once("\n## Arrows\n").expect("a heading Arrows");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let table: Arrows = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(code_words).collect();
            (cells[0].first().expect("a module").clone(), cells[1].iter().cloned().collect())
        })
        .collect();
    assert!(table.len() > 5, "the table of arrows could not be read: {table:?}");
    table
}

/// Returns the words between backticks.
fn code_words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// Returns the row of the table that a file belongs to: the longest that its module begins with.
fn row_of<'a>(table: &'a Arrows, path: &Path) -> Option<&'a str> {
    let module = path.strip_prefix("src").unwrap().with_extension("");
    let module: Vec<_> =
        module.iter().map(|part| part.to_str().unwrap()).filter(|part| *part != "mod").collect();
    let module = module.join("::");
    let belongs = |row: &&String| {
        module == **row
            || module.strip_prefix(row.as_str()).is_some_and(|rest| rest.starts_with("::"))
    };
    table.keys().filter(belongs).max_by_key(|row| row.len()).map(String::as_str)
}

/// Returns each set of files that reach each other by imports.
fn find_circles(tree: &SourceTree) -> Vec<Vec<PathBuf>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        tree.files.keys().map(|path| (path.as_path(), reach(tree, path))).collect();
    let mut circles = BTreeSet::new();
    for (path, reach) in &reached {
        let circle: BTreeSet<PathBuf> = reach
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(path)))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().map(|circle| circle.into_iter().collect()).collect()
}

/// Returns every file that this one imports, and those that they import.
fn reach<'a>(tree: &'a SourceTree, path: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Path> = tree.imports(path).into_iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(tree.imports(next));
        }
    }
    reached
}

/// Collects the functions with too many parameters; those that another crate's trait asks for are left
/// out.
struct Signatures {
    long: Vec<String>,
}

impl<'ast> Visit<'ast> for Signatures {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if item.trait_.is_none() {
            syn::visit::visit_item_impl(self, item);
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let parameters =
            signature.inputs.iter().filter(|input| matches!(input, syn::FnArg::Typed(_))).count();
        if parameters > MOST_PARAMETERS {
            self.long.push(format!("{} has {parameters}", signature.ident));
        }
    }
}
