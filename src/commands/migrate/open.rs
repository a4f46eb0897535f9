//! The stores that the arguments name, opened; all that can be refused before a store is asked.

use crate::commands::Context;
use crate::commands::cluster_options;
use crate::commands::input::is_standard_input;
use crate::commands::open_store::{self, OpenTarget};
use crate::commands::store_arg::{self, StoreArg, is_same_store};
use crate::config::StoreFile;
use crate::outcome::{Code, Failure};
use crate::shell::quote_word;

use super::args::MigrateArgs;

/// The target, opened, and the argument of `--from`.
pub(super) struct OpenedStores {
    pub(super) from: Option<StoreArg>,
    pub(super) target: OpenTarget,
    pub(super) target_file: Box<StoreFile>,
}

/// Opens the target, and refuses arguments that contradict each other.
///
/// # Errors
/// [`Code::Usage`], [`Code::ConfigInvalid`], [`Code::SameStore`], or what opening a store says.
pub(super) async fn open_stores(
    args: &MigrateArgs,
    context: &Context<'_>,
) -> Result<OpenedStores, Failure> {
    check_combination(args, context)?;
    let to = store_arg::load_store(&args.toml, context).await?;
    let from = store_arg::load_optional(args.from.as_deref(), context).await?;
    if from.as_ref().is_some_and(|from| is_same_store(from, &to)) {
        return Err(Failure::new(Code::SameStore, "--from and --toml name the same store"));
    }
    let is_cluster = open_store::cluster_options_for(Some(&to), context)?.is_some();
    let target_file = match to {
        StoreArg::Config(file) => file,
        StoreArg::Backup(_) => {
            let reason =
                format!("{} is a backup file, which is not a valid target", quote_word(&args.toml));
            return Err(Failure::new(Code::ConfigInvalid, reason)
                .hint("to make a backup file, use `metadata backup --to FILE`"));
        }
        StoreArg::Folders(folders) => {
            let reason = format!("{} can't be a target: folders are only read", folders.name());
            return Err(Failure::new(Code::Usage, reason)
                .hint("name an etcd, an object store or DynamoDB, to which the nodes are to go"));
        }
    };
    if is_cluster {
        if open_store::cluster_options_for(from.as_ref(), context)?.is_some() {
            return Err(cluster_as_both_sides(&target_file));
        }
        check_rollback_arguments(args)?;
    }
    let target = open_store::open_target(&target_file, context).await?;
    Ok(OpenedStores { from, target, target_file })
}

fn check_combination(args: &MigrateArgs, context: &Context<'_>) -> Result<(), Failure> {
    // Also where no cluster is named: the nodes of a store are asked with them.
    cluster_options::tls_options(context.options)?;
    let usage = |reason: &str| Err(Failure::new(Code::Usage, reason));
    if context.options.single_address.is_some() && !args.ignore_node.is_empty() {
        return usage("--ignore-node has to ask that node; leave out --single-address");
    }
    if args.backup.as_ref().is_some_and(|file| is_standard_input(file.as_os_str())) {
        return usage(
            "--backup requires the name of a file: a backup can't be written to standard output",
        );
    }
    if is_standard_input(&args.toml) && args.from.as_deref().is_some_and(is_standard_input) {
        return usage("only one of --toml and --from can be read from standard input");
    }
    Ok(())
}

fn cluster_as_both_sides(target_file: &StoreFile) -> Failure {
    let reason = format!(
        "{}: [metadata-client] {}: the target is the running cluster, which can't be the source as well",
        target_file.file,
        target_file.says_replicated()
    );
    Failure::new(Code::Usage, reason)
        .hint(
            "if another store is meant, give its section a type: \"etcd\", \"object-store\" or \
             \"dynamo-db\"",
        )
        .hint(
            "to roll back, name with --from the store that the cluster used last, such as etcd.toml",
        )
}

/// Refuses what makes no sense where the target is the running cluster.
fn check_rollback_arguments(args: &MigrateArgs) -> Result<(), Failure> {
    if args.ignore_node.is_empty() {
        return Ok(());
    }
    let reason = "--ignore-node does not apply where the target is the running cluster: only a node \
                  that runs there is known not to run on the source";
    Err(Failure::new(Code::Usage, reason).hint(
        "remove a node that is permanently gone from the cluster while the cluster still runs on the \
         source",
    ))
}
