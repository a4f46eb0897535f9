//! The inputs of an undo: the report, the target that it names, and the backup of what was replaced.

use std::path::{Path, PathBuf};

use super::args::UndoArgs;
use super::job::UndoInputs;
use super::kept_reports::add_kept_report;
use crate::backends::Target;
use crate::backends::backup::Backup;
use crate::blocking::run_detached;
use crate::commands::Context;
use crate::commands::cluster_options;
use crate::commands::input::{is_standard_input, name_input, read_input};
use crate::commands::open_store::{self, OpenTarget, store_name};
use crate::commands::run_report::{RunReport, read_report_bytes};
use crate::commands::store_arg::{self, StoreArg};
use crate::config::StoreConfig;
use crate::model::Snapshot;
use crate::outcome::{Code, Failure, StoreName};
use crate::pipeline::undo::find_unsaved_keys;
use crate::shell::quote_word;
use crate::wording::join_first;

/// Reads the report, opens the target, and reads the backup of the run.
///
/// # Errors
/// [`Code::Usage`] for a file that is no report, a report of another target, and a target that is a running
/// cluster; what opening a store says; [`Code::BackupDamaged`].
pub(super) async fn open_inputs(
    args: &UndoArgs,
    context: &Context<'_>,
) -> Result<UndoInputs, Failure> {
    if is_standard_input(&args.report) && is_standard_input(&args.toml) {
        return Err(usage("only one of --report and --toml can be read from standard input"));
    }
    cluster_options::tls_options(context.options)?;
    let run = read_report(args, context).await?;
    let target = open_target(args, context).await?;
    let store = store_name(target.as_ref());
    if run.target.is_some() && !run.is_of_target(&store) {
        let named = run.target.as_ref().map(ToString::to_string).unwrap_or_default();
        let report = name_input(&args.report);
        let reason =
            format!("{report} is the report of a run to {named}, and --toml names {store}");
        let failure = usage(&reason).hint("name the target of that run with --toml");
        return Err(add_kept_report(failure, args).await);
    }
    let before = read_backup(&run, &store, args, context).await?;
    Ok(UndoInputs { run, before, target })
}

fn usage(reason: &str) -> Failure {
    Failure::new(Code::Usage, reason)
}

async fn read_report(args: &UndoArgs, context: &Context<'_>) -> Result<RunReport, Failure> {
    let hint = "name the file that `migrate --report` wrote";
    let name = name_input(&args.report);
    let bytes = read_input(&args.report, read_report_bytes, context).await;
    let bytes = bytes.map_err(|error| usage(&format!("failed to read {name}: {error}")));
    let run = bytes.and_then(|bytes| {
        RunReport::parse(&bytes).map_err(|reason| usage(&format!("{name} {reason}")))
    });
    match run {
        Ok(run) => Ok(run),
        Err(failure) => Err(add_kept_report(failure.hint(hint), args).await),
    }
}

async fn open_target(args: &UndoArgs, context: &Context<'_>) -> Result<Box<dyn Target>, Failure> {
    let name = name_input(&args.toml);
    let file = match store_arg::load_store(&args.toml, context).await? {
        StoreArg::Config(file) => file,
        StoreArg::Backup(_) => {
            return Err(usage(&format!("{name} is a backup file, which is never changed"))
                .hint("name the target of the run with --toml"));
        }
        StoreArg::Folders(folders) => {
            return Err(usage(&format!(
                "{} can't be a target: folders are only read",
                folders.name()
            ))
            .hint("name the target of the run with --toml"));
        }
    };
    let live = || {
        usage(&format!("{name}: the target is a running cluster, from which nothing is taken back"))
            .hint("to go on from there, see how to roll back: `metadata migrate --from`")
    };
    if matches!(file.store, StoreConfig::Replicated(_)) {
        return Err(live());
    }
    match open_store::open_target(&file, context).await? {
        OpenTarget::Store(store) => Ok(store),
        OpenTarget::Cluster(_) => Err(live()),
    }
}

/// Reads what the target held before the run; nothing if the run has replaced and deleted no key.
async fn read_backup(
    run: &RunReport,
    store: &StoreName,
    args: &UndoArgs,
    context: &Context<'_>,
) -> Result<Snapshot, Failure> {
    if find_unsaved_keys(&run.keys, &Snapshot::new()).is_empty() {
        return Ok(Snapshot::new());
    }
    let report = name_input(&args.report);
    let Some(named) = &run.backup else {
        return Err(usage(&format!("{report} lists replaced keys, and no backup of them")));
    };
    let file = find_backup(named, args).await?;
    let StoreArg::Backup(backup) = store_arg::load_store(file.as_os_str(), context).await? else {
        return Err(usage(&format!("{} is not a backup file", quote_word(&file))));
    };
    check_backup(&backup, run, store).map_err(|reason| {
        let reason = format!("{} is not the backup of that run: {reason}", quote_word(&file));
        usage(&reason)
    })?;
    Ok(backup.entries().clone())
}

/// Finds the backup file: where the report says, else beside the report, else in the folder of `--backup-dir`.
async fn find_backup(named: &Path, args: &UndoArgs) -> Result<PathBuf, Failure> {
    let beside = Path::new(&args.report).parent().map(Path::to_owned);
    let folders = beside.into_iter().chain([args.backup_dir.clone()]);
    // The name is plain, and a folder that is no text is quoted, up to the end of the name.
    let name =
        named.file_name().and_then(|name| name.to_str()).map(|name| name.trim_end_matches('\''));
    let in_folders = folders.filter_map(|folder| Some(folder.join(name?)));
    let places: Vec<PathBuf> = [named.to_owned()].into_iter().chain(in_folders).collect();
    let found = run_detached(move || places.into_iter().find(|place| place.is_file())).await;
    found.ok().flatten().ok_or_else(|| {
        let named = quote_word(named);
        usage(&format!("the backup file of the run, {named}, is not there"))
            .hint("name the folder that holds it with --backup-dir")
    })
}

/// Checks that the backup is of this target and holds every key that the run has replaced.
fn check_backup(backup: &Backup, run: &RunReport, store: &StoreName) -> Result<(), String> {
    let (kind, name) = (store.kind.clone(), backup.header().store.clone());
    let saved = StoreName { kind, name, stopped: None };
    if !run.is_of_target(&saved) {
        return Err(format!("it was made of {saved}"));
    }
    match find_unsaved_keys(&run.keys, backup.entries()).as_slice() {
        [] => Ok(()),
        keys => {
            Err(format!("it does not hold {}", join_first(keys.iter().map(ToString::to_string))))
        }
    }
}
