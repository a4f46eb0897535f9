//! A mounted file system in which every look-up hangs, as on a network file system whose server is gone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::project;

pub struct HangingFileSystem {
    folder: TempDir,
    server: Child,
}

impl HangingFileSystem {
    /// Mounts it, which takes the privileges of root.
    pub fn mount() -> HangingFileSystem {
        let folder = TempDir::new().unwrap();
        let script = project().join("tests/support/hanging_fs.py");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "python3"]).arg(script).arg(folder.path());
        let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "no file system is mounted");
        HangingFileSystem { folder, server }
    }

    /// Returns the path of a file in it.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for HangingFileSystem {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
