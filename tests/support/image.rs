//! The container image: built by its script from an unoptimised build, and run by buildah, which needs no daemon.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::project;
use super::tool::{Run, command, run, run_within};

/// The time for the build, which compiles every dependency for the static target when it is made first.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
const CONTAINER: &str = "image-test";
/// What the program's machine needs besides the build's tools.
const PATHS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A container of the image, in a storage that is removed with it.
pub struct Container {
    folder: TempDir,
    archive: PathBuf,
}

impl Container {
    /// Builds the image with these certificate authorities, loads its archive, and makes a container of it in which
    /// `name` is an alias of this machine.
    pub fn build(authorities: &Path, name: &str) -> Container {
        let folder = TempDir::new().unwrap();
        let archive = build_archive(authorities, folder.path());
        let container = Container { folder, archive };
        let alias = format!("{name}:127.0.0.1");
        let from = ["from", "--quiet", "--name", CONTAINER, "--add-host", &alias];
        container
            .buildah(
                &[&from[..], &[&format!("docker-archive:{}", container.archive.display())]]
                    .concat(),
            )
            .expect(0);
        container
    }

    /// Returns the configuration of the image: its user, entry point and labels.
    pub fn config(&self) -> Json {
        let described = self.buildah(&["inspect", "--type", "container", CONTAINER]).expect(0);
        serde_json::from_str::<Json>(&described.out).unwrap()["OCIv1"]["config"].take()
    }

    /// Returns the paths of all files in the image, as its archive has them.
    pub fn files(&self) -> Vec<String> {
        // The image has one layer, which is an archive in the archive.
        const LIST: &str = "tar --extract --to-stdout --file \"$1\" \
            \"$(tar --list --file \"$1\" | grep '^[^/]*[.]tar$')\" | tar --list";
        let archive = self.archive.to_str().unwrap();
        let mut list = command(Path::new("sh"), &["-c", LIST, "sh", archive]);
        list.env("PATH", PATHS);
        let listed = run(list, "").expect(0).out;
        let files = listed.lines().filter(|path| !path.ends_with('/'));
        let mut files: Vec<_> = files.map(ToOwned::to_owned).collect();
        files.sort_unstable();
        files
    }

    /// Runs the entry point with these arguments, after options of `buildah run` such as `--volume`.
    pub fn run(&self, options: &[&str], args: &[&str]) -> Run {
        let entry: Vec<String> =
            serde_json::from_value(self.config()["Entrypoint"].take()).unwrap();
        let entry: Vec<_> = entry.iter().map(String::as_str).collect();
        let run = ["run", "--isolation", "chroot"];
        self.buildah(&[&run, options, &[CONTAINER, "--"], &entry, args].concat())
    }

    fn buildah(&self, args: &[&str]) -> Run {
        let mut buildah = command(Path::new("buildah"), &["--storage-driver", "vfs"]);
        buildah.arg("--root").arg(self.folder.path().join("storage"));
        buildah.arg("--runroot").arg(self.folder.path().join("run"));
        buildah.args(args).env("PATH", PATHS).env("HOME", self.folder.path());
        run(buildah, "")
    }
}

/// Runs the script, and returns the archive that it names.
fn build_archive(authorities: &Path, folder: &Path) -> PathBuf {
    let mut script = Command::new(project().join("scripts/image.sh"));
    script.env_clear().env("PROFILE", "dev").env("IMAGE_FOLDER", folder);
    script.env("CA_BUNDLE", authorities);
    for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        script.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let built = run_within(BUILD_LIMIT, script, "").expect(0);
    let archive = built.out.lines().last().and_then(|line| line.strip_prefix("image: ")).unwrap();
    assert_eq!(Path::new(archive).extension(), Some(OsStr::new("tar")));
    archive.into()
}
