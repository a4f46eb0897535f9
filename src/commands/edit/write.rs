//! After the checks: the old value is saved, and the new one written on the condition that the old one
//! is still there.

use super::EditArgs;
use super::change::{EditDecision, Old};
use super::state::EditState;
use crate::backends::Target;
use crate::backends::backup::{self, Destination};
use crate::codec;
use crate::commands::backup as backup_command;
use crate::commands::open_store::OpenTarget;
use crate::model::{Change, Effect, Entry, Snapshot, StoreError};
use crate::outcome::{Code, Failure};
use crate::pipeline::apply;
use crate::pipeline::edit;

/// Saves what is stored, if anything, so that `get --from` and `migrate --from` can read it.
pub(super) fn save(
    args: &EditArgs,
    change: &EditDecision,
    found: &Snapshot,
    target: &dyn Target,
    record: &EditState,
) -> Result<(), Failure> {
    let Some(entry) = found.get(&change.key) else { return Ok(()) };
    let old = Snapshot::from([(change.key.clone(), entry.clone())]);
    let place = Destination::Folder(args.backup_dir.clone());
    let saved = backup::save(&place, target.name(), codec::cluster_of(found), &old);
    let saved = saved.map_err(|error| {
        backup_command::failed(&args.backup_dir.display().to_string(), &error)
            .hint("name another folder with --backup-dir")
    })?;
    record.backed_up(saved.path);
    Ok(())
}

/// Writes, and reads where the answer leaves a doubt.
pub(super) async fn write(
    change: &EditDecision,
    store: &OpenTarget,
    record: &EditState,
) -> Result<(), Failure> {
    let effect = match &change.old {
        Some(old) => Effect::Overwrite(change.value.clone(), old.tag.clone()),
        None => Effect::Create(change.value.clone()),
    };
    record.sent();
    let write = Change { key: change.key.clone(), effect };
    match apply::write_one(write, store.target()).await {
        Ok(()) => record.written(),
        Err(StoreError::Conflict { .. }) => return Err(moved(change, store).await),
        Err(error @ (StoreError::Unavailable { .. } | StoreError::NoQuorum { .. })) => {
            if now(change, store).await.as_ref().and_then(Entry::value) != Some(&change.value) {
                return Err(unknown(change, &error));
            }
            record.written();
        }
        Err(error) => return Err(Failure::of_target(&error)),
    }
    Ok(())
}

async fn now(change: &EditDecision, store: &OpenTarget) -> Option<Entry> {
    let read = store.target().read(std::slice::from_ref(&change.key)).await;
    read.ok()?.pop().flatten()
}

/// Another writer was faster. What they wrote is shown against what the edit was made for.
async fn moved(change: &EditDecision, store: &OpenTarget) -> Failure {
    let key = &change.key;
    let read = match &change.old {
        Some(old) => format!("version {} was read", old.version),
        None => "it was absent".to_owned(),
    };
    let found = now(change, store).await;
    let value = found.as_ref().and_then(Entry::value);
    let decoded =
        value.and_then(|value| Some((value.version, codec::decode(key, &value.bytes).ok()?)));
    let now = match (&change.old, decoded) {
        (Some(Old { version, document, .. }), Some((later, now))) => {
            let names = (format!("read, version {version}"), format!("now, version {later}"));
            let diff = edit::diff((&names.0, document), (&names.1, &now));
            format!("version {later} is there now:\n{}", diff.trim_end())
        }
        (_, Some((later, _))) => format!("version {later} is there now"),
        (_, None) => match found {
            Some(_) => "what is there now does not decode".to_owned(),
            None => "it is absent now".to_owned(),
        },
    };
    let store = store.target().name();
    let reason = format!(
        "nothing was written: {key} in {store} was changed by another writer meanwhile: {read}, {now}"
    );
    Failure::new(Code::VersionMismatch, reason)
        .hint("look at the value as it is with `metadata get`, and make the edit anew")
}

fn unknown(change: &EditDecision, error: &StoreError) -> Failure {
    let failure = Failure::of_target(error).after_writing();
    let message = format!(
        "{}; it is not known whether {} was written at version {}",
        failure.message, change.key, change.value.version
    );
    Failure { message, ..failure }
        .hint("look with `metadata get`; the same edit with --version, or a test in the patch, can't be made twice")
}
