//! Real servers for the tests and the demo: started on free ports, stopped by their process ids. A
//! missing server fails the test that needs it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod aws_access;
pub mod behind_proxy;
pub mod certificates;
pub mod conformance;
pub mod delay_proxy;
pub mod dynamo;
pub mod edit;
pub mod encodings;
pub mod etcd;
pub mod etcd_cluster;
pub mod faulty_proxy;
pub mod full_pipe;
pub mod full_port;
pub mod generated;
pub mod grpc_proxy;
pub mod hanging_fs;
pub mod holding_proxy;
pub mod hostile_node;
pub mod hostile_text;
pub mod http;
pub mod http_proxy;
pub mod image;
pub mod invocations;
pub mod listing;
pub mod migration;
pub mod open_store;
pub mod oracle;
pub mod package;
pub mod page;
pub mod peak_memory;
pub mod policy;
pub mod ports;
pub mod privileges;
pub mod process;
pub mod pseudo_terminal;
pub mod restate;
pub mod route;
pub mod s3;
pub mod s3_answers;
pub mod saved_key;
pub mod schema;
pub mod screen;
pub mod shell;
pub mod silent_port;
pub mod small_backup;
pub mod small_disk;
pub mod store_toml;
pub mod terminal;
pub mod tls_proxy;
pub mod tool;
pub mod window;
pub mod window_script;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Returns the project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of a program that `make setup` installs in `.cache/npm`.
pub fn npm_program(path: &str) -> PathBuf {
    let program = project().join(".cache/npm/node_modules").join(path);
    assert!(program.exists(), "{} is missing: run `make setup`", program.display());
    program
}

/// Returns the path of a program that `make setup` installs in `.cache/python`.
pub fn python_program(program: &str) -> PathBuf {
    let path = project().join(".cache/python/bin").join(program);
    assert!(path.exists(), "{} is missing: run `make setup`", path.display());
    path
}

/// Returns the folder of a package that `make setup` installs in `.cache/python`.
pub fn python_package(package: &str) -> PathBuf {
    let lib = project().join(".cache/python/lib");
    let mut versions = std::fs::read_dir(&lib).into_iter().flatten().flatten();
    let path = versions.find_map(|version| {
        let path = version.path().join("site-packages").join(package);
        path.exists().then_some(path)
    });
    path.unwrap_or_else(|| panic!("{package} is missing in {}: run `make setup`", lib.display()))
}

/// Returns the path of a program that `make setup` builds in `.cache/cargo`.
pub fn cargo_program(program: &str) -> PathBuf {
    let path = project().join(".cache/cargo/bin").join(program);
    assert!(path.exists(), "{} is missing: run `make setup`", path.display());
    path
}

/// Waits until `probe` returns a value; fails with `what` if it does not in time.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs something up to three times until it ends within the limit: a busy machine is slow now and then, a program that
/// waits for too long is so each time.
#[track_caller]
pub fn run_within<T>(limit: Duration, mut run: impl FnMut() -> T) -> T {
    let mut took = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let value = run();
        took.push(started.elapsed());
        if started.elapsed() < limit {
            return value;
        }
    }
    panic!("not once within {limit:?}: {took:?}");
}

/// Writes a program that can be executed at once. Another process writes it: while a program that another test starts had a
/// copy of our descriptor, it would be busy.
pub fn write_program(path: &Path, text: &str) {
    let write = ["-c", "printf %s \"$2\" >\"$1\" && chmod 755 \"$1\"", "sh"];
    let status = std::process::Command::new("sh").args(write).arg(path).arg(text).status();
    assert!(status.unwrap().success());
}

/// Runs a future to its end on a new runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Returns `short` in `make test`, `long` in `make soak`.
pub fn scale_count(short: usize, long: usize) -> usize {
    if std::env::var_os("RESTATECTL_SOAK").is_some() { long } else { short }
}

/// Returns `short` in `make test`, in `make soak` what a slice is given, or `long` without that.
pub fn slice_count(short: usize, long: usize) -> usize {
    let given = std::env::var("RESTATECTL_SOAK_SLICE").ok();
    scale_count(short, given.and_then(|count| count.parse().ok()).unwrap_or(long))
}

/// Seeds the random numbers of this test with RESTATECTL_SOAK_SEED, or anew, and prints the seed for a repeat.
pub fn seed_random(test: &str) {
    let given = std::env::var("RESTATECTL_SOAK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    fastrand::seed(seed);
    println!("{test}: RESTATECTL_SOAK_SEED={seed}");
}
