//! Writes what a package holds beside the program: a manual page for each command, and completions.
//! `cargo run --example packaging -- target/packaging`, then `cargo deb`.

use std::io;
use std::path::Path;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use restatectl::cli::Cli;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/packaging".to_owned());
    write(Path::new(&folder))
}

/// Into `man` and `completions` of the folder, which is made where it is missing.
pub fn write(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &man)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "restatectl", &completions)?;
    }
    Ok(())
}
