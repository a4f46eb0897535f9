//! The writing part of an edit: saves the old value, and writes the new one on the condition that the
//! old one is still stored.

use super::decision::{EditDecision, OldValue};
use super::failures::unexpected_version;
use super::job::EditJob;
use crate::backends::backup::{BackupOrigin, Destination};
use crate::codec;
use crate::commands::save_backup::save_entries;
use crate::model::{Change, Effect, Entry, Snapshot, StoreError, WriteState};
use crate::outcome::Failure;
use crate::pipeline::apply;
use crate::pipeline::difference::diff;

/// Saves the stored value, if there is one, so that `get --from` and `migrate --from` can read it.
///
/// # Errors
/// [`Code::BackupFailed`](crate::outcome::Code).
pub(super) fn save_old_value(job: &EditJob<'_>) -> Result<(), Failure> {
    let Some(entry) = job.stored_entry() else { return Ok(()) };
    let old = Snapshot::from([(job.key.clone(), entry.clone())]);
    let destination = Destination::Folder(job.args.backup_dir.clone());
    let cluster = codec::cluster_of(&job.stored);
    // Only the edited key is saved.
    let store = job.target().name();
    let origin =
        BackupOrigin { store, cluster, complete: false, data_loss: None, overwritten_with: None };
    let saved = save_entries(&destination, &origin, &old, job.context.events)?;
    job.state.set_backup(saved.path);
    Ok(())
}

/// Writes the new value. If the response is lost, reads the store to find out what happened.
///
/// # Errors
/// [`Code::VersionMismatch`](crate::outcome::Code) if another writer was faster, and any failure of the
/// target.
pub(super) async fn write_value(job: &EditJob<'_>, decision: &EditDecision) -> Result<(), Failure> {
    let effect = match &decision.old {
        Some(old) => Effect::Overwrite(decision.value.clone(), old.token.clone()),
        None => Effect::Create(decision.value.clone()),
    };
    job.state.set_write_state(WriteState::Unknown);
    let change = Change { key: decision.key.clone(), effect };
    let state = match apply::write_one(change, job.target()).await {
        Ok(()) => WriteState::Written,
        Err(failed) if failed.may_have_written => {
            settle_write(job, decision, &failed.error).await?
        }
        Err(failed) => return Err(describe_refused_write(job, decision, &failed.error).await),
    };
    job.state.set_write_state(state);
    Ok(())
}

/// Describes a write that the store has refused.
///
/// Where the new value is stored all the same, something on its way may have repeated the request after the first one was
/// carried out, unless the store would recognize that.
async fn describe_refused_write(
    job: &EditJob<'_>,
    decision: &EditDecision,
    error: &StoreError,
) -> Failure {
    let StoreError::Conflict { .. } = error else {
        job.state.set_write_state(WriteState::NotWritten);
        return Failure::of_target(error);
    };
    let current = read_current(job).await;
    let doubt = match &current {
        _ if job.target().recognizes_own_writes() => None,
        Ok(Some(Entry::Intact(value, _))) if *value == decision.value => {
            Some(EQUAL_VALUE.to_owned())
        }
        Err(error) => Some(describe_unread(error)),
        Ok(_) => None,
    };
    if let Some(doubt) = doubt {
        return unconfirmed_write(decision, error, &doubt);
    }
    job.state.set_write_state(WriteState::NotWritten);
    describe_conflict(job, decision, current.ok().flatten())
}

/// What is found where a refused write may have been carried out.
const EQUAL_VALUE: &str = "another writer may have written what is stored now";

/// Reads whether a write whose answer was lost has been carried out.
///
/// # Errors
/// If it can't be read, or is not there: it may then have been replaced since, or still arrive.
async fn settle_write(
    job: &EditJob<'_>,
    decision: &EditDecision,
    error: &StoreError,
) -> Result<WriteState, Failure> {
    // The store has judged a refused one itself, and could not tell.
    let is_refused = matches!(error, StoreError::Conflict { .. });
    let found = match read_current(job).await {
        Ok(Some(Entry::Intact(value, _))) if value == decision.value && is_refused => {
            EQUAL_VALUE.to_owned()
        }
        Ok(Some(Entry::Intact(value, _))) if value == decision.value => {
            return Ok(WriteState::Written);
        }
        Ok(Some(Entry::Intact(value, _))) => format!("version {} is stored now", value.version),
        Ok(Some(Entry::Damaged { reason, .. })) => format!("the stored value {reason} now"),
        Ok(None) => "the key is absent now".to_owned(),
        Err(error) => describe_unread(&error),
    };
    Err(unconfirmed_write(decision, error, &found))
}

async fn read_current(job: &EditJob<'_>) -> Result<Option<Entry>, StoreError> {
    let entries = job.target().read(std::slice::from_ref(&job.key)).await;
    entries.map(|mut entries| entries.pop().flatten())
}

fn describe_unread(error: &StoreError) -> String {
    format!("the key could not be read again ({error})")
}

/// Describes the value of the writer that was faster, with its differences from the one that the edit
/// was made for.
fn describe_conflict(
    job: &EditJob<'_>,
    decision: &EditDecision,
    current: Option<Entry>,
) -> Failure {
    let read = match &decision.old {
        Some(old) => format!("version {} was read", old.version),
        None => "it was absent".to_owned(),
    };
    let (current, differences) = describe_current(decision.old.as_ref(), current, job);
    let (key, store) = (&decision.key, job.target().name());
    unexpected_version(format!(
        "nothing was written: {key} in {store} was changed by another writer in the meantime: {read}, \
         {current}"
    ))
    .differences(&differences)
}

/// Describes the stored entry, in a sentence and by the lines that differ.
fn describe_current(
    old: Option<&OldValue>,
    current: Option<Entry>,
    job: &EditJob<'_>,
) -> (String, String) {
    let Some(entry) = current else { return ("it is absent now".to_owned(), String::new()) };
    let decoded = entry
        .value()
        .and_then(|value| Some((value.version, codec::decode(&job.key, &value.bytes).ok()?)));
    match (old, decoded) {
        (_, None) => ("the current value does not decode".to_owned(), String::new()),
        (None, Some((version, _))) => (format!("version {version} is stored now"), String::new()),
        (Some(old), Some((version, document))) => {
            let names =
                (format!("read, version {}", old.version), format!("now, version {version}"));
            let differences = diff((&names.0, &old.document), (&names.1, &document));
            (format!("version {version} is stored now"), differences)
        }
    }
}

fn unconfirmed_write(decision: &EditDecision, error: &StoreError, found: &str) -> Failure {
    let failure = Failure::of_target(error).after_writing();
    let message = format!(
        "{}; it is unknown whether {} was written at version {}: the response to an attempt was lost, or it was repeated on \
         its way, and {found}",
        failure.message, decision.key, decision.value.version
    );
    Failure { message, ..failure }
        .hint("check the stored value with `metadata get`")
        .hint("rerun with --version, or with a test in the patch: the edit cannot apply twice then")
}
