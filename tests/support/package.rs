//! The Debian package: built from the program under test, and installed by dpkg into a root of its own.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::tool::{Run, command, program, run};
use super::{cargo_program, project};

pub const NAME: &str = "restatectl-metadata";
/// The system's folders, which dpkg needs as well.
const PATHS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A copy of the project with the program under test in place of a release build.
pub struct PackageBuild(TempDir);

impl PackageBuild {
    /// Copies the project; `make_rest` writes the pages and the completions into the given folder.
    pub fn new(make_rest: impl FnOnce(&Path) -> std::io::Result<()>) -> PackageBuild {
        let folder = TempDir::new().unwrap();
        for entry in project().read_dir().unwrap() {
            let name = entry.unwrap().file_name();
            if name != "target" && name != ".git" {
                symlink(project().join(&name), folder.path().join(&name)).unwrap();
            }
        }
        let release = folder.path().join("target/release");
        std::fs::create_dir_all(&release).unwrap();
        symlink(program(), release.join("restatectl")).unwrap();
        make_rest(&folder.path().join("target/packaging")).unwrap();
        PackageBuild(folder)
    }

    /// Builds the package, without a build of the program and without the network.
    pub fn build_package(&self) -> PathBuf {
        let file = self.0.path().join("built.deb");
        let manifest = self.0.path().join("Cargo.toml");
        let mut build = command(&cargo_program("cargo-deb"), &["deb", "--no-build", "--offline"]);
        build.args(["--locked", "--fast", "--manifest-path"]).arg(manifest).arg("-o").arg(&file);
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            build.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let built = run(build, "").expect(0);
        assert!(!built.err.contains("warning"), "{}", built.err);
        file
    }
}

/// A root folder with no files but dpkg's own.
pub struct Root(TempDir);

impl Root {
    pub fn empty() -> Root {
        let root = TempDir::new().unwrap();
        let database = root.path().join("var/lib/dpkg");
        for folder in ["info", "updates", "triggers"] {
            std::fs::create_dir_all(database.join(folder)).unwrap();
        }
        std::fs::write(database.join("status"), "").unwrap();
        Root(root)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Runs dpkg on the root. The libraries that the package depends on are absent and not needed.
    pub fn dpkg(&self, args: &[&str]) -> Run {
        let mut dpkg = match self.0.path().metadata().unwrap().uid() {
            0 => command(Path::new("dpkg"), &[] as &[&str]),
            // Root of a name space, where the files' owner is to be set.
            _ => command(Path::new("unshare"), &["--map-root-user", "dpkg"]),
        };
        dpkg.env("PATH", PATHS).args(["--force-depends", "--log=/dev/null"]);
        dpkg.arg(format!("--root={}", self.0.path().display())).args(args);
        run(dpkg, "")
    }

    /// Returns a command of the machine that finds the program, its completions and its pages in the
    /// root.
    pub fn machine_command(&self, name: &str, args: &[&str], home: &Path) -> Command {
        let mut machine = command(Path::new(name), args);
        let paths = format!("{}:{PATHS}", self.path("usr/bin").display());
        machine.env("PATH", paths).env("XDG_DATA_DIRS", self.path("usr/share")).env("HOME", home);
        machine.env("LC_ALL", "C.UTF-8").env("TERM", "dumb");
        machine
    }

    /// Returns all installed files with their modes, in order.
    pub fn installed_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let (path, data) = entry.map(|it| (it.path(), it.metadata().unwrap())).unwrap();
                let name = path.strip_prefix(self.0.path()).unwrap().display().to_string();
                match data.is_dir() {
                    true if name == "var" => {}
                    true => folders.push(path),
                    false => found.push(format!("{:o} {name}", data.permissions().mode() & 0o7777)),
                }
            }
        }
        found.sort_by(|a, b| a.split(' ').nth(1).cmp(&b.split(' ').nth(1)));
        found
    }
}
