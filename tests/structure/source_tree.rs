//! The files of src/ as a graph of imports, read with `syn`; test code is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Item, ItemMod, ItemUse, UseTree, Visibility};

/// A path such as `crate::model::Key`, as its segments.
type Segments = Vec<String>;

/// One file of src/.
pub struct SourceFile {
    /// The module, such as `["pipeline", "checks"]`; empty for lib.rs.
    pub module: Segments,
    pub syntax: syn::File,
    /// The names that `pub use` passes on, with the full path of each.
    reexports: BTreeMap<String, Segments>,
    /// Every path that the code mentions, from `crate` on.
    mentions: BTreeSet<Segments>,
}

/// All files of src/, by their path from the project's folder.
pub struct SourceTree {
    pub files: BTreeMap<PathBuf, SourceFile>,
    by_module: BTreeMap<Segments, PathBuf>,
}

impl SourceTree {
    /// Parses every file below `src`, which is a path from the folder `project`.
    pub fn parse(project: &Path, src: &str) -> Self {
        let mut paths = Vec::new();
        collect_files(&project.join(src), &mut paths);
        let mut files = BTreeMap::new();
        for path in paths {
            let short = path.strip_prefix(project).unwrap().to_owned();
            let module = module_of(short.strip_prefix(src).unwrap());
            let text = fs::read_to_string(&path).unwrap();
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            files.insert(short, SourceFile::new(module, syntax));
        }
        let by_module =
            files.iter().map(|(path, file)| (file.module.clone(), path.clone())).collect();
        let mut tree = SourceTree { files, by_module };
        tree.add_child_mentions();
        tree
    }

    /// Returns the files that each file imports items of, through re-exports.
    pub fn imports(&self, path: &Path) -> BTreeSet<&Path> {
        let file = &self.files[path];
        let found = file.mentions.iter().filter_map(|mention| self.resolve(mention, 0));
        found.filter(|found| *found != path).collect()
    }

    /// Expands each path that begins with the name of a child module.
    fn add_child_mentions(&mut self) {
        let modules: BTreeSet<Segments> = self.by_module.keys().cloned().collect();
        for file in self.files.values_mut() {
            let mut visitor =
                Mentions { module: &file.module, modules: &modules, found: BTreeSet::new() };
            visitor.visit_file(&file.syntax);
            file.mentions = visitor.found;
        }
    }

    /// Returns the file that defines the last item of a path from the crate's root.
    fn resolve(&self, mention: &[String], depth: usize) -> Option<&Path> {
        for length in (0..=mention.len()).rev() {
            let Some(path) = self.by_module.get(&mention[..length]) else { continue };
            let passed_on =
                mention.get(length).and_then(|name| self.files[path].reexports.get(name));
            return match passed_on {
                Some(full) if depth < 8 => self.resolve(full, depth + 1).or(Some(path)),
                _ => Some(path),
            };
        }
        None
    }
}

impl SourceFile {
    fn new(module: Segments, mut syntax: syn::File) -> Self {
        syntax.items.retain(|item| !is_test_only(item));
        let mut reexports = BTreeMap::new();
        for item in &syntax.items {
            let Item::Use(item) = item else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                continue;
            }
            for leaf in use_leaves(&item.tree) {
                let full =
                    absolute(&leaf, &module).unwrap_or_else(|| [module.clone(), leaf].concat());
                reexports.insert(full.last().unwrap().clone(), full);
            }
        }
        SourceFile { module, syntax, reexports, mentions: BTreeSet::new() }
    }
}

/// Collects the paths that a file mentions, but for what it re-exports.
struct Mentions<'a> {
    module: &'a Segments,
    modules: &'a BTreeSet<Segments>,
    found: BTreeSet<Segments>,
}

impl Mentions<'_> {
    fn add(&mut self, segments: Segments) {
        let of_child = || {
            let child = [self.module.clone(), vec![segments[0].clone()]].concat();
            let full = [self.module.clone(), segments.clone()].concat();
            (segments.len() > 1 && self.modules.contains(&child)).then_some(full)
        };
        let full = absolute(&segments, self.module).or_else(of_child);
        self.found.extend(full);
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if matches!(item.vis, Visibility::Inherited) {
            use_leaves(&item.tree).into_iter().for_each(|leaf| self.add(leaf));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !has_test_attribute(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    /// `pub(super)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
}

/// Returns the path from the crate's root, if the path begins with `crate`, `self` or `super`.
fn absolute(segments: &[String], module: &Segments) -> Option<Segments> {
    let (mut base, mut rest) = match segments.first()?.as_str() {
        "crate" => (Vec::new(), &segments[1..]),
        "self" => (module.clone(), &segments[1..]),
        "super" => (module.clone(), segments),
        _ => return None,
    };
    while rest.first().is_some_and(|segment| segment == "super") {
        base.pop();
        rest = &rest[1..];
    }
    Some([base, rest.to_vec()].concat())
}

/// Flattens `a::{b, c::{self, d}}` into the path of each leaf.
fn use_leaves(tree: &UseTree) -> Vec<Segments> {
    match tree {
        UseTree::Path(path) => use_leaves(&path.tree)
            .into_iter()
            .map(|rest| [vec![path.ident.to_string()], rest].concat())
            .collect(),
        UseTree::Name(name) if name.ident == "self" => vec![Vec::new()],
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(rename) => vec![vec![rename.ident.to_string()]],
        UseTree::Glob(_) => vec![Vec::new()],
        UseTree::Group(group) => group.items.iter().flat_map(use_leaves).collect(),
    }
}

/// Returns whether the item is compiled for tests only.
fn is_test_only(item: &Item) -> bool {
    match item {
        Item::Mod(item) => has_test_attribute(&item.attrs),
        Item::Use(item) => has_test_attribute(&item.attrs),
        _ => false,
    }
}

fn has_test_attribute(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn module_of(path: &Path) -> Segments {
    let path = path.with_extension("");
    let segments = path.iter().map(|part| part.to_str().unwrap().to_owned());
    segments.filter(|part| part != "mod").collect()
}

/// Crate roots, which import nothing, and files that are compiled for tests only.
const NOT_SHIPPED: [&str; 4] = ["main.rs", "lib.rs", "tests.rs", "fuzz.rs"];

/// Adds the Rust files below the folder, but for those that hold tests.
fn collect_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true if name != "tests" => collect_files(&path, found),
            false if name.ends_with(".rs") && !NOT_SHIPPED.contains(&name.as_str()) => {
                found.push(path)
            }
            _ => {}
        }
    }
}
