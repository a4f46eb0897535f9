//! The steps after a migration: one list, in the order of doing, each command of which works as printed.

use std::ffi::OsString;
use std::path::Path;

use super::command_lines::{CommandLine, probe_option, undo_command};
use super::environment::{describe_origins, describe_override_step};
use super::job::Job;
use super::prepared::Prepared;
use super::prior_run::{is_backup_of, list_damaged_keys};
use crate::codec::{self, Node, NodesConfiguration};
use crate::model::{DataLoss, Snapshot};
use crate::pipeline::checks::Membership;
use crate::shell::quote_word;
use crate::visible::escape_line;

/// Describes what the operator does next, one text a step; commands are lines of their own.
///
/// `copied` is the source as it was copied last.
pub(super) fn describe_next_steps(
    job: &Job<'_>,
    prepared: &Prepared,
    copied: &Snapshot,
) -> Vec<String> {
    if job.target_store().is_live_cluster() {
        return roll_back_steps(job, prepared);
    }
    let reference = Reference::choose(job, prepared, copied);
    // Also nodes that have joined during the run.
    let nodes = codec::nodes_of(copied).unwrap_or_else(|| prepared.nodes.clone());
    let mut steps = vec![verify_before_start(job, &reference)];
    steps.push(stop_all_nodes(&nodes, SECOND_CLUSTER_WARNING));
    steps.extend(prepared.data_loss.as_ref().and_then(name_lost_nodes));
    steps.push(update_config(job));
    let servers = list_metadata_servers(&nodes);
    if !servers.is_empty() {
        steps.push(format!(
            "Remove the \"metadata-server\" role and any [metadata-server] section from the config \
             of: {servers}. If `roles` is not set, set it explicitly: the default includes \
             metadata-server."
        ));
    }
    steps.push(describe_override_step(&job.target_file.section));
    steps.extend(job.target_store().access_origins().map(describe_origins));
    steps.push(PROVISIONING_STEP.to_owned());
    steps.extend(job.target_store().operator_advice().map(ToOwned::to_owned));
    steps.push(RESTART_STEP.to_owned());
    steps.push(check_after_start(job, prepared, &reference));
    // Last: who works down the list must not meet it on the way.
    steps.extend(describe_undo(job, prepared));
    steps
}

const RESTART_STEP: &str = "Restart all nodes without the --metadata-migration-mode";

const PROVISIONING_STEP: &str = "Set auto-provision = false on every node until the cluster is up. Do not use the admin \
                                 API until the cluster is up.";

const SECOND_CLUSTER_WARNING: &str =
    "A node still using the old store would form a second, diverging cluster.";

fn update_config(job: &Job<'_>) -> String {
    format!("Please make sure to update all nodes config with\n{}", job.target_file.section)
}

fn stop_all_nodes(nodes: &NodesConfiguration, warning: &str) -> String {
    let nodes: Vec<_> = nodes.nodes.iter().map(name_node).collect();
    format!("{warning} Stop every node before starting any: {}.", nodes.join(", "))
}

/// Describes which nodes must not come back, where the metadata was read without them.
fn name_lost_nodes(loss: &DataLoss) -> Option<String> {
    let missing = loss.list_missing();
    (!missing.is_empty()).then(|| {
        format!(
            "The metadata of {} was not read. Never start these nodes on it again, such as from an old volume with the \
             old config: they would form a second, diverging cluster.",
            escape_line(&missing)
        )
    })
}

fn name_node(node: &Node) -> String {
    format!("N{} {}", node.id, escape_line(&node.name))
}

fn list_metadata_servers(nodes: &NodesConfiguration) -> String {
    let servers = nodes.nodes.iter().filter(|node| node.has_role("metadata-server"));
    servers.map(name_node).collect::<Vec<_>>().join(", ")
}

/// The store that the target is compared with after the cutover.
struct Reference {
    kind: ReferenceKind,
    /// The argument that names it.
    file: OsString,
    /// The name in a sentence.
    name: String,
}

enum ReferenceKind {
    /// The source itself, which is not a cluster, or the file that this run has saved of it.
    Source,
    /// A backup file that holds what was copied.
    ExistingBackup,
    /// A backup file that is still to be made.
    NewBackup,
}

/// The name of the backup file that the runbook makes before a migration.
const BACKUP_FILE: &str = "before.jsonl";

impl Reference {
    /// Chooses the file that this run has saved; without one, the source itself, or, where that is a cluster, a
    /// backup file of it.
    fn choose(job: &Job<'_>, prepared: &Prepared, copied: &Snapshot) -> Self {
        if let Some(file) = job.state.source_backup_path() {
            let kind = match (&job.args.from, prepared.source.cluster()) {
                (Some(_), None) => ReferenceKind::Source,
                _ => ReferenceKind::ExistingBackup,
            };
            return Reference { kind, file: file.into(), name: "the backup".to_owned() };
        }
        if let (Some(from), None) = (&job.args.from, prepared.source.cluster()) {
            let name = escape_line(prepared.source.source().name()).into_owned();
            return Reference { kind: ReferenceKind::Source, file: from.clone(), name };
        }
        let name = "the backup".to_owned();
        match is_backup_of(Path::new(BACKUP_FILE), copied) {
            true => {
                Reference { kind: ReferenceKind::ExistingBackup, file: BACKUP_FILE.into(), name }
            }
            false => {
                let file = free_file_name(Path::new("")).into();
                Reference { kind: ReferenceKind::NewBackup, file, name }
            }
        }
    }
}

/// Returns a name for a backup file that does not exist in the folder yet.
fn free_file_name(folder: &Path) -> String {
    let names = (1..).map(|number| match number {
        1 => BACKUP_FILE.to_owned(),
        _ => format!("before-{number}.jsonl"),
    });
    let is_free = |name: &String| folder.join(name).symlink_metadata().is_err();
    names.take(1_000).find(is_free).unwrap_or_else(|| "before-migration.jsonl".to_owned())
}

/// Returns the command that compares the target with this store.
fn verify_stores(from: &OsString, job: &Job<'_>) -> CommandLine {
    let line = CommandLine::over_stores(job.context).add(["verify", "--from"]).add([from]);
    line.add(["--toml"]).add([&job.args.toml])
}

fn verify_before_start(job: &Job<'_>, reference: &Reference) -> String {
    let from = job.args.from.iter().flat_map(|from| [OsString::from("--from"), from.clone()]);
    let with_source = |command: &str, option: &str, file: &OsString| {
        let line = CommandLine::over_cluster(job.context).add([command, option]).add([file]);
        line.add(from.clone())
    };
    let verify = with_source("verify", "--toml", &job.args.toml);
    match reference.kind {
        ReferenceKind::Source => {
            let verify = verify_stores(&reference.file, job);
            format!("Verify the copy again before any node starts on it:\n{verify}")
        }
        ReferenceKind::ExistingBackup => format!(
            "Verify the copy again, while the nodes are still running in migration mode:\n{verify}"
        ),
        ReferenceKind::NewBackup => format!(
            "Save the source to a backup file, and verify the copy again, while the nodes are still running \
             in migration mode:\n{}\n{verify}",
            with_source("backup", "--to", &reference.file)
        ),
    }
}

/// Describes how the cutover is proved: the cluster runs on the target, and nothing is lost.
fn check_after_start(job: &Job<'_>, prepared: &Prepared, reference: &Reference) -> String {
    let verify = verify_stores(&reference.file, job).add(["--allow-newer"]);
    let name = &reference.name;
    // It is not known how to reach a cluster that is not the source.
    if prepared.source.cluster().is_none() {
        return format!(
            "Once the cluster is up, check that no key is missing or older than in {name}, and that the \
             cluster uses the target: exit code 0 without a warning shows both:\n{verify}"
        );
    }
    let status = CommandLine::of_all_nodes(job.context).add(["status", "--on"]);
    let skipped =
        job.args.ignore_node.iter().flat_map(|id| ["--ignore-node".to_owned(), format!("N{id}")]);
    let status = status.add([&job.args.toml]).add(skipped);
    format!(
        "Once the cluster is up, check that it runs on the target, and that no key is missing or older than in \
         {name}. Exit code 0 of each command shows it:\n{status}\n{verify}"
    )
}

const UNDO_STEP: &str =
    "To undo this migration instead, before any node has started on the target:";

/// Describes how to take the migration back, where that is one command: by its report, or, without one, by the
/// backup of what `--force` has replaced.
fn describe_undo(job: &Job<'_>, prepared: &Prepared) -> Option<String> {
    match undo_command(job) {
        Some(command) => Some(format!("{UNDO_STEP}\n{command}")),
        None => job.state.backup_path().map(|file| describe_restoration(&file, job, prepared)),
    }
}

/// Describes how to restore what `--force` has replaced.
fn describe_restoration(file: &Path, job: &Job<'_>, prepared: &Prepared) -> String {
    let damaged = list_damaged_keys(file);
    if !damaged.is_empty() {
        return format!(
            "What was there before is saved in {}. Damaged keys ({}) cannot be restored by `migrate`.",
            quote_word(file),
            escape_line(&damaged.join(", "))
        );
    }
    let line = CommandLine::over_stores_of_nodes(job.context);
    let line = line.add(["migrate", "--from"]).add([file]);
    let line = line.add(["--toml"]).add([&job.args.toml]).add(["--force", "--overwrite-newer"]);
    let line = line.add(probe_option(job));
    let command = match job.args.overwrite_cluster {
        Some(_) => line.add(["--overwrite-cluster", &prepared.nodes.cluster_name]),
        None => line,
    };
    format!("{UNDO_STEP}\n{command}")
}

/// Describes the steps for a cluster that goes back to its own replicated store.
fn roll_back_steps(job: &Job<'_>, prepared: &Prepared) -> Vec<String> {
    let source = escape_line(prepared.source.source().name());
    let servers = list_metadata_servers(&prepared.desired_nodes());
    let from = job.args.from.as_deref().unwrap_or_default();
    let saved = job.state.source_backup_path();
    let from = saved.as_deref().map_or(from, Path::as_os_str);
    let verify = CommandLine::over_cluster(job.context).add(["verify", "--from"]).add([from]);
    let verify = verify.add(["--toml"]).add([&job.args.toml]).add(["--allow-newer"]);
    let warning = format!(
        "Do not start any node on {source} again: it would form a second, diverging cluster. Keep it \
         unchanged until the cluster is up."
    );
    let mut steps = vec![
        warning,
        stop_all_nodes(
            &prepared.nodes,
            "Metadata servers that saw a generation above their own have stopped by themselves; other nodes \
             may still run.",
        ),
        update_config(job),
        format!(
            "Give the \"metadata-server\" role and the [metadata-server] section back to: {servers}. They \
             are the members of the replicated store."
        ),
        describe_override_step(&job.target_file.section),
        PROVISIONING_STEP.to_owned(),
        RESTART_STEP.to_owned(),
    ];
    steps.push(format!(
        "Once the cluster is up, check that no key is missing or older than in {source}:\n{verify}"
    ));
    steps.extend(prepared.membership.as_ref().and_then(describe_removed_members));
    steps
}

/// Describes the members of the replicated store whose nodes are removed, if there are any.
fn describe_removed_members(membership: &Membership) -> Option<String> {
    if membership.removed.is_empty() {
        return None;
    }
    let nodes: Vec<_> = membership.removed.iter().map(|(_, node)| node.as_str()).collect();
    let nodes = nodes.join(", ");
    let nodes = escape_line(&nodes);
    Some(format!(
        "The replicated store still counts these removed nodes among its members, which needs a majority of \
         all: {nodes}. Keep the others running, or add new ones with the official tool's `metadata-server \
         add-node`."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_is_one_that_does_not_exist() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["before.jsonl", "before-2.jsonl", "before-3.jsonl"] {
            assert_eq!(free_file_name(folder.path()), name);
            std::fs::write(folder.path().join(name), "").unwrap();
        }
    }
}
