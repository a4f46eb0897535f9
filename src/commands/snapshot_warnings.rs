//! Warnings about the content of a store, for the commands that read it as it is.

use crate::codec;
use crate::model::{Entry, Key, Snapshot};
use crate::pipeline::checks;

/// The warning about a store without `nodes_config`: a migration writes it last, and deletes it first if
/// it overwrites.
const NO_NODES_CONFIG: &str = "there is no nodes_config: this is what an unfinished migration leaves. Finish it with the \
                               same command and --resume, or use another target; until then, start no fresh node with \
                               auto-provision = true on it: it would provision a new cluster on what lies there";

/// Describes each damaged entry, and an incomplete store. None of it keeps a command from reading.
pub fn find_snapshot_warnings(snapshot: &Snapshot) -> Vec<String> {
    let damaged = snapshot.iter().filter_map(|(key, entry)| match entry {
        Entry::Damaged { reason, .. } => Some(format!("{key} {reason}")),
        Entry::Intact(value, _) => Some(format!("{key} {}", codec::check(key, value).err()?)),
    });
    let is_incomplete = !snapshot.is_empty() && !snapshot.contains_key(&Key::NodesConfig);
    let absent = checks::describe_absent_epochs(snapshot);
    damaged.chain(is_incomplete.then(|| NO_NODES_CONFIG.to_owned())).chain(absent).collect()
}
