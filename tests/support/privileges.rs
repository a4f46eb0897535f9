//! Our program as a user whom file permissions stop.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::tool::{command, program};

/// Returns a command that runs our program without the capabilities that let root bypass file
/// permissions.
pub fn without_privileges(args: &[impl AsRef<OsStr>]) -> Command {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return command(&program(), args);
    }
    let program = program();
    let none = ["--bounding-set=-all", "--inh-caps=-all"].map(OsStr::new);
    let args = args.iter().map(AsRef::as_ref);
    let words: Vec<&OsStr> = none.into_iter().chain([program.as_os_str()]).chain(args).collect();
    command("setpriv".as_ref(), &words)
}
