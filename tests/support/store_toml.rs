//! The TOML of stores: files, and sections with a changed line.

use tempfile::TempDir;

/// Writes the text to a file in the folder and returns its path.
pub fn write_file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Returns the section with the line of this field replaced; an empty line removes it.
pub fn replace_line(section: &str, field: &str, line: &str) -> String {
    let lines = section.lines().map(|l| if l.starts_with(field) { line } else { l });
    lines.collect::<Vec<_>>().join("\n")
}
