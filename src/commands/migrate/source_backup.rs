//! `--backup`: the source in a file, as it was copied.

use std::path::{Path, PathBuf};

use super::job::Job;
use super::prepared::Prepared;
use super::prior_report::PriorReport;
use super::prior_run::{has_digest, is_backup_of, is_backup_of_store, read_backup};
use super::sides::Sides;
use crate::backends::backup::{BackupOrigin, Destination};
use crate::codec;
use crate::commands::save_backup::{check_destination, save_entries};
use crate::events::Event;
use crate::model::Snapshot;
use crate::outcome::{Code, Failure};
use crate::pipeline::checks::refusal;
use crate::pipeline::succession::describe_loss;
use crate::shell::quote_word;

/// Checks that the source could be saved to the file of `--backup`: also in a dry run, and before the operator
/// is asked. A run that is refused anyway saves nothing.
///
/// # Errors
/// [`Code::BackupFailed`].
pub(super) fn check_file(job: &Job<'_>, sides: &Sides) -> Result<(), Failure> {
    let (Some(file), Ok(source)) = (&job.args.backup, &sides.source.snapshot) else {
        return Ok(());
    };
    if refusal(&job.state.findings()).is_some() || is_backup_of(file, source) {
        return Ok(());
    }
    check_destination(&choose_destination(file, find_own_digest(job, file).as_deref(), source)?)
}

/// Saves the source before the first write. A file that holds exactly that already, which a run before may have
/// left, is as good.
///
/// # Errors
/// [`Code::BackupFailed`].
pub(super) fn save_source(job: &Job<'_>, prepared: &Prepared) -> Result<(), Failure> {
    let Some(file) = &job.args.backup else { return Ok(()) };
    let source = &prepared.source_snapshot;
    let own = find_own_digest(job, file);
    if is_backup_of(file, source) {
        record_file(job, file.clone(), own.filter(|own| has_digest(file, own)), source);
        return Ok(());
    }
    save(job, prepared, source, &choose_destination(file, own.as_deref(), source)?)
}

/// Saves the source anew after it has changed and was copied again.
///
/// # Errors
/// [`Code::BackupFailed`], also if the file is not what this run has saved.
pub(super) fn save_source_again(
    job: &Job<'_>,
    prepared: &Prepared,
    now: &Snapshot,
) -> Result<(), Failure> {
    let Some(file) = &job.args.backup else { return Ok(()) };
    let own = job.state.source_digest();
    save(job, prepared, now, &choose_destination(file, own.as_deref(), now)?)
}

/// Chooses to replace the file if it has this digest; otherwise it must be new.
///
/// # Errors
/// [`Code::BackupFailed`] if it would be replaced by less than it holds: since it was saved, the cluster may have
/// been lost, and another made at its address, so that the file is the only copy.
fn choose_destination(
    file: &Path,
    own: Option<&str>,
    source: &Snapshot,
) -> Result<Destination, Failure> {
    if !own.is_some_and(|own| has_digest(file, own)) {
        return Ok(Destination::File(file.to_owned()));
    }
    match describe_file_loss(file, source) {
        None => Ok(Destination::Replacing(file.to_owned())),
        Some(reason) => {
            let reason = format!("failed to save a backup to {}: {reason}", quote_word(file));
            Err(Failure::new(Code::BackupFailed, reason)
                .hint("keep this file: it may be the only copy of what it holds")
                .hint("make sure that the source is the right one, and name another file with --backup"))
        }
    }
}

/// Describes what would be lost if a backup of this source replaced the file.
fn describe_file_loss(file: &Path, source: &Snapshot) -> Option<String> {
    match read_backup(file) {
        Some(backup) => describe_loss(backup.entries(), source),
        None => Some("it can't be read".to_owned()),
    }
}

/// Finds the digest that the file has if the run that this one resumes has saved the same source there.
fn find_own_digest(job: &Job<'_>, file: &Path) -> Option<String> {
    let is_of_source = |source: String| is_backup_of_store(file, &source);
    let is_resumed = job.args.resume && job.state.source_name().is_some_and(is_of_source);
    // What describes the run must not wait for a file system, so that the report is free before one is asked.
    let saved = job.state.prior_report().as_ref().and_then(PriorReport::saved_source);
    let (prior, digest) = saved.filter(|_| is_resumed)?;
    let is_same = prior.canonicalize().ok()? == file.canonicalize().ok()?;
    is_same.then_some(digest)
}

fn save(
    job: &Job<'_>,
    prepared: &Prepared,
    source: &Snapshot,
    destination: &Destination,
) -> Result<(), Failure> {
    let origin = BackupOrigin {
        store: prepared.source.source().name(),
        cluster: codec::cluster_of(source),
        complete: prepared.source_is_complete,
        data_loss: prepared.source.source().data_loss(),
        overwritten_with: None,
    };
    let saved = save_entries(destination, &origin, source, job.context.events);
    let saved = saved.map_err(|failure| failure.hint("name another file with --backup"))?;
    record_file(job, saved.path, Some(saved.sha256), source);
    Ok(())
}

fn record_file(job: &Job<'_>, file: PathBuf, digest: Option<String>, source: &Snapshot) {
    job.context.events.emit(Event::SourceSaved(&file, source.len()));
    job.state.set_source_backup(file, digest);
}
