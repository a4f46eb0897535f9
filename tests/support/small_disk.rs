//! A file system with little space, which only the program under test sees.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command};

use tempfile::TempDir;

use super::tool::{command, program};

/// Mounts the file system, runs the program, and copies what is left there.
const SCRIPT: &str = "disk=$1 size=$2 kept=$3; shift 3; mount -t tmpfs -o size=$size tmpfs $disk || exit 99; \
                      \"$@\"; code=$?; cp -a $disk/. $kept/; exit $code";

/// A folder that is a file system of this size for each command that is run on it, empty at its start.
pub struct SmallDisk {
    folder: TempDir,
    size: &'static str,
}

impl SmallDisk {
    pub fn new(size: &'static str) -> SmallDisk {
        let folder = TempDir::new().unwrap();
        for name in ["disk", "kept"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        SmallDisk { folder, size }
    }

    /// Returns the path of this file on the disk; of the disk itself for an empty name.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join("disk").join(name).to_str().unwrap().to_owned()
    }

    /// Returns our program, to be run with the disk.
    pub fn command(&self, args: &[&str]) -> Command {
        let (disk, kept) = (self.path(""), self.kept(""));
        let private = ["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"];
        let program = program();
        let ours = [&disk, self.size, kept.to_str().unwrap(), program.to_str().unwrap()];
        command("unshare".as_ref(), &[&private[..], &ours, args].concat())
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.folder.path().join("kept").join(name)
    }

    /// Returns the names of all files that the command has left.
    pub fn list_left(&self) -> Vec<String> {
        let files = fs::read_dir(self.kept("")).unwrap();
        let mut names: Vec<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Reads a file that the command has left.
    pub fn read_left(&self, name: &str) -> Vec<u8> {
        fs::read(self.kept(name)).unwrap()
    }

    /// Reads a file on the disk of a running command.
    pub fn read(&self, child: &Child, name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        File::open(self.seen_by(child, name)).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    /// Fills the disk of a running command to its last byte.
    pub fn fill(&self, child: &Child) {
        let mut file = File::create(self.seen_by(child, "filler")).unwrap();
        let full = loop {
            match file.write_all(&[0; 512]) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    fn seen_by(&self, child: &Child, name: &str) -> String {
        format!("/proc/{}/root{}", child.id(), self.path(name))
    }
}
