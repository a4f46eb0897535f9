//! Reading what an argument names: a file, or standard input for `-`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::blocking::run_detached;
use crate::commands::Context;
use crate::events::Event;
use crate::shell::quote_word;

/// A way to read an input to its end, within its limits.
pub(super) type ReadInput = fn(&mut dyn Read) -> io::Result<Vec<u8>>;

/// Returns whether the argument means standard input.
pub(super) fn is_standard_input(argument: &OsStr) -> bool {
    argument == "-"
}

/// Returns the name of the input in messages.
pub(super) fn name_input(argument: &OsStr) -> String {
    if is_standard_input(argument) {
        return "standard input".to_owned();
    }
    quote_word(argument)
}

/// Reads the file, or standard input, that the argument names.
///
/// A pipe without a writer, a terminal and a file system that hangs may let the program wait for any time:
/// the operator is told whom it waits for, and a signal ends the wait.
///
/// # Errors
/// Those of the system, and of `read`.
pub(super) async fn read_input(
    argument: &OsStr,
    read: ReadInput,
    context: &Context<'_>,
) -> io::Result<Vec<u8>> {
    let name = name_input(argument);
    let is_typed = is_standard_input(argument) && io::stdin().is_terminal();
    context.events.emit(Event::Reading { name: &name, is_typed });
    let path = Path::new(argument).to_owned();
    let read = move || match is_standard_input(path.as_os_str()) {
        true => read(&mut io::stdin().lock()),
        false => read(&mut File::open(path)?),
    };
    let bytes = run_detached(read).await.flatten();
    context.events.emit(Event::Read);
    bytes
}
