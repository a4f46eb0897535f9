//! Writes the package's files other than the program: a manual page for each command, and completions.
//! `make package` runs it before cargo-deb.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use restatectl::cli::Cli;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/packaging".to_owned());
    write_files(Path::new(&folder))
}

/// Writes into `man` and `completions` below the folder, creating them if they are missing.
pub fn write_files(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    let mut top = Cli::command().disable_help_subcommand(true);
    top.build();
    write_pages(&top, &man)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "restatectl", &completions)?;
    }
    Ok(())
}

/// Writes the pages of the command and of its subcommands. The manual's name is short, so that the
/// longest page's heading fits into 80 columns. The date is a blank, since an empty one would be
/// omitted and shift the fields after it.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_pages(below, folder)?;
    }
    let source = concat!("restatectl ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).date(" ").source(source).manual("Restate");
    let mut text = Vec::new();
    page.render(&mut text)?;
    // The examples are lines to copy: they are neither filled nor hyphenated.
    let text = String::from_utf8_lossy(&text);
    let text = text.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n");
    std::fs::write(folder.join(page.get_filename()), text)
}
