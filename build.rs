//! Compiles the cluster's gRPC services from `proto/`; needs `protoc` (see docs/install.md). Tells
//! the program its commit and target.

use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    tell_version();
    tonic_prost_build::configure().build_server(false).bytes(".").compile_protos(
        &[
            "proto/metadata_proxy_svc.proto",
            "proto/node_ctl_svc.proto",
            "proto/metadata_server_svc.proto",
            "proto/cluster_ctrl_svc.proto",
        ],
        &["proto"],
    )?;
    Ok(())
}

/// `RESTATECTL_COMMIT` is taken from the environment, where a package is built outside git.
fn tell_version() {
    println!("cargo:rerun-if-env-changed=RESTATECTL_COMMIT");
    let given = std::env::var("RESTATECTL_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(commit).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=RESTATECTL_COMMIT={commit}");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=RESTATECTL_TARGET={target}");
}

/// Of the repository whose top this folder is, and no other that it may lie in.
fn commit() -> Option<String> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let here = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    // What a commit or a switch of branches changes.
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
