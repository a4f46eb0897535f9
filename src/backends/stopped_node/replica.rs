//! What one member keeps: its identity, a snapshot and the log after it, as read from its database.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value as Json;

use super::messages::{
    HardState, LogEntry, LogPosition, Members, RaftSnapshot, Request, WriteCondition, WriteRequest,
    parse_voters,
};
use crate::codec::decode_flexbuffer;
use crate::model::Value;
use crate::rocks_db::{Database, Family, TornTail};

/// The column families of a metadata server.
const FAMILIES: [&str; 3] = ["data", "default", "metadata"];

/// Why a database is not that of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplicaError {
    /// The server never was a member, or no longer is one.
    NotAMember(String),
    /// The content contradicts itself, or is not understood.
    Damaged(String),
}

/// The state of one member.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    /// The name of the node.
    pub(super) name: String,
    pub(super) node_id: u32,
    pub(super) commit: u64,
    pub(super) snapshot: RaftSnapshot,
    /// The entries after the snapshot, in order and without a gap.
    pub(super) log: Vec<LogEntry>,
    /// The number of entries behind the snapshot that an older leader had sent, and that nobody committed.
    pub(super) outdated_entries: usize,
    /// The sets of voters, in each of which a majority is needed.
    pub(super) voter_sets: Vec<Vec<u64>>,
    pub(super) torn_tails: Vec<TornTail>,
    pub(super) newest_change: Option<SystemTime>,
}

impl Replica {
    /// Takes the state out of a database.
    ///
    /// # Errors
    /// [`ReplicaError`]; what is not understood is not passed over.
    pub(super) fn from_database(mut database: Database) -> Result<Self, ReplicaError> {
        check_families(&database).map_err(ReplicaError::Damaged)?;
        let mut take = |name: &str| database.families.remove(name).unwrap_or_default();
        let (data, mut metadata) = (take("data"), take("metadata"));
        let records = Records::take(&mut metadata).map_err(ReplicaError::Damaged)?;
        let (node_id, snapshot) = records.find_member(data.is_empty())?;
        let log = read_log(&data, snapshot.position).map_err(ReplicaError::Damaged)?;
        let (log, outdated_entries) = drop_outdated(log, snapshot.position);
        check_terms(&log, snapshot.position).map_err(ReplicaError::Damaged)?;
        let mut replica = Replica {
            name: records.name,
            node_id,
            commit: records.hard_state.commit,
            voter_sets: snapshot.voters.clone(),
            snapshot,
            log,
            outdated_entries,
            torn_tails: database.torn_tails,
            newest_change: database.newest_change,
        };
        replica.add_voter_sets();
        replica.check_commit().map_err(ReplicaError::Damaged)?;
        Ok(replica)
    }

    /// Adds the voters of each change of members after the snapshot.
    fn add_voter_sets(&mut self) {
        let to_voters = |members: &Members| members.keys().copied().map(u64::from).collect();
        let changes: Vec<Vec<u64>> = self.changes_of_members().map(to_voters).collect();
        self.voter_sets.extend(changes);
    }

    /// Checks that the log reaches as far as the server knew when it was stopped.
    ///
    /// Its term may be less than that of its last entry: the server stores new entries before its own term, and may end between
    /// the two, before it has acknowledged them.
    fn check_commit(&self) -> Result<(), String> {
        let (commit, last) = (self.commit, self.last_position().index);
        if self.voter_sets.is_empty() {
            return Err("it names no voters".to_owned());
        }
        match commit > last {
            true => Err(format!("index {commit} is committed, and its log ends at {last}")),
            false => Ok(()),
        }
    }

    /// Returns the position up to which the server has the log.
    pub(super) fn last_position(&self) -> LogPosition {
        self.log.last().map_or(self.snapshot.position, |entry| entry.position)
    }

    /// Returns the members of each change of members after the snapshot. This server has not applied them: one that does
    /// writes a snapshot.
    pub(super) fn changes_of_members(&self) -> impl Iterator<Item = &Members> {
        self.changes_after(self.snapshot.position.index)
    }

    /// Returns the members of each change of members after this index.
    pub(super) fn changes_after(&self, index: u64) -> impl Iterator<Item = &Members> {
        let entries = self.log.iter().filter(move |entry| entry.position.index > index);
        entries.filter_map(|entry| match &entry.request {
            Request::ChangeOfMembers(members) => Some(members),
            _ => None,
        })
    }

    /// Rebuilds the values: those of its own snapshot, with the writes of the log to its end.
    pub(super) fn rebuild_values(&self) -> BTreeMap<String, Value> {
        self.rebuild_from(&self.snapshot).values
    }

    /// Rebuilds the values: those of this snapshot, which may be that of another member, with the writes of the log
    /// after it.
    ///
    /// A change of members is skipped: the server that applies one writes a new version of `nodes_config`, which is not
    /// in the log. From there on, writes that require a version of `nodes_config` can't be judged.
    pub(super) fn rebuild_from(&self, base: &RaftSnapshot) -> Rebuilt {
        let mut rebuilt = Rebuilt { values: base.values.clone(), uncertain_writes: 0 };
        let mut has_skipped = false;
        for entry in self.log.iter().filter(|entry| entry.position.index > base.position.index) {
            match &entry.request {
                Request::ChangeOfMembers(_) => has_skipped = true,
                Request::Write(write) => {
                    let is_uncertain = write.key == NODES_CONFIG
                        && !matches!(write.condition, WriteCondition::None);
                    rebuilt.uncertain_writes += usize::from(has_skipped && is_uncertain);
                    apply_write(&mut rebuilt.values, write);
                }
                _ => {}
            }
        }
        rebuilt
    }
}

/// The key whose version a change of members raises.
pub(super) const NODES_CONFIG: &str = "nodes_config";

/// The values that a snapshot and a log make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rebuilt {
    pub(super) values: BTreeMap<String, Value>,
    /// The number of writes of `nodes_config` that may be applied, or skipped, other than by the servers.
    pub(super) uncertain_writes: usize,
}

/// The fault of the databases beside it in the folder of a node, for one.
const NO_SERVER_STORE: &str = "it is not the store of a metadata server";

const NO_LONGER_A_MEMBER: &str = "it is not that of a member: the node was removed from the metadata servers, or has not \
     joined them completely, so that it lacks what was written since";

const NOT_YET_A_MEMBER: &str = "it has just joined the metadata servers, and had not received any metadata when it was stopped";

/// Checks that the database is laid out as a metadata server does it.
fn check_families(database: &Database) -> Result<(), String> {
    if !database.families.keys().eq(FAMILIES) {
        return Err(format!("{NO_SERVER_STORE}: other column families"));
    }
    match database.families.get("default").is_none_or(Family::is_empty) {
        true => Ok(()),
        false => Err("it has keys in the column family `default`".to_owned()),
    }
}

/// Carries a write out, if its precondition is met. Those that are not met are in the log as well.
fn apply_write(values: &mut BTreeMap<String, Value>, write: &WriteRequest) {
    let held = values.get(&write.key).map(|value| value.version);
    let is_met = match write.condition {
        WriteCondition::None => true,
        WriteCondition::Absent => held.is_none(),
        WriteCondition::Version(version) => held == Some(version),
    };
    match &write.value {
        _ if !is_met => {}
        Some(value) => drop(values.insert(write.key.clone(), value.clone())),
        None => drop(values.remove(&write.key)),
    }
}

/// Reads the entries after the snapshot.
fn read_log(data: &Family, snapshot: LogPosition) -> Result<Vec<LogEntry>, String> {
    let mut log = Vec::new();
    let mut last = snapshot;
    for (key, bytes) in data {
        let index = parse_index(key)?;
        // What the snapshot contains stays in the log for slow followers.
        if index <= snapshot.index {
            continue;
        }
        let entry = LogEntry::parse(bytes).map_err(|reason| format!("log {index}: {reason}"))?;
        if entry.position.index != index {
            return Err(format!("log {index}: the entry is that of {}", entry.position.index));
        }
        if last.index.checked_add(1) != Some(index) {
            return Err(format!("a gap in the log: {index} follows {}", last.index));
        }
        last = entry.position;
        log.push(entry);
    }
    Ok(log)
}

/// Drops the entries behind the snapshot if they are of an older leader. Returns how many there were.
///
/// A follower with entries that nobody else has gets a snapshot of a later leader, and removes them with the next entry
/// only. They can't be committed: the log that the snapshot is made of has none of an older term behind it.
fn drop_outdated(log: Vec<LogEntry>, snapshot: LogPosition) -> (Vec<LogEntry>, usize) {
    match log.iter().all(|entry| entry.position.term < snapshot.term) {
        true => (Vec::new(), log.len()),
        false => (log, 0),
    }
}

/// Checks that the terms of the log never fall.
fn check_terms(log: &[LogEntry], snapshot: LogPosition) -> Result<(), String> {
    let mut last = snapshot.term;
    for LogEntry { position: LogPosition { term, index }, .. } in log {
        if *term < last {
            return Err(format!("log {index}: term {term} follows {last}"));
        }
        last = *term;
    }
    Ok(())
}

/// Reads the index out of a key: `l` and eight bytes, the highest first, so that keys are in the order of the log.
fn parse_index(key: &[u8]) -> Result<u64, String> {
    let index = key.strip_prefix(b"l").and_then(|index| <[u8; 8]>::try_from(index).ok());
    index.map(u64::from_be_bytes).ok_or_else(|| format!("unknown key `{}`", key.escape_ascii()))
}

/// The records of the column family `metadata`.
struct Records {
    name: String,
    /// Node id and time of creation; `None` for a server that is not a member.
    member: Option<(u32, i64)>,
    hard_state: HardState,
    snapshot: Option<RaftSnapshot>,
}

impl Records {
    fn take(family: &mut Family) -> Result<Self, String> {
        let mut take = |key: &str| family.remove(key.as_bytes());
        let hard_state = take("hard-state").map(|bytes| HardState::parse(&bytes)).transpose()?;
        // The snapshot says the same. A change after it is in the log.
        take("conf-state").map(|bytes| parse_voters(&bytes)).transpose()?;
        let snapshot = take("snapshot").map(|bytes| RaftSnapshot::parse(&bytes)).transpose()?;
        let marker = take("storage-marker").map(|bytes| parse_marker(&bytes)).transpose()?;
        let member = take("raft-server-state").map(|bytes| parse_member(&bytes)).transpose()?;
        // The server's own copy, from which it takes the addresses of the others: not the value of the key.
        take("nodes-configuration");
        if let Some(key) = family.keys().next() {
            return Err(format!("unknown key `{}`", key.escape_ascii()));
        }
        Ok(Records {
            name: marker.unwrap_or_default(),
            member: member.flatten(),
            hard_state: hard_state.unwrap_or_default(),
            snapshot,
        })
    }
}

impl Records {
    /// Returns which member the server is, and its snapshot. `has_no_log` tells a server that was never provisioned.
    fn find_member(&self, has_no_log: bool) -> Result<(u32, RaftSnapshot), ReplicaError> {
        let no_member = |reason: &str| Err(ReplicaError::NotAMember(reason.to_owned()));
        let Some((node_id, created_at)) = self.member else {
            return match self.snapshot.is_none() && has_no_log {
                true => no_member("it was never provisioned: it holds no metadata"),
                false => no_member(NO_LONGER_A_MEMBER),
            };
        };
        let snapshot = match &self.snapshot {
            Some(snapshot) => snapshot.clone(),
            None if has_no_log => return no_member(NOT_YET_A_MEMBER),
            None => return Err(ReplicaError::Damaged("it has no snapshot".to_owned())),
        };
        match snapshot.members.get(&node_id) == Some(&created_at) {
            true => Ok((node_id, snapshot)),
            false => no_member(NO_LONGER_A_MEMBER),
        }
    }
}

/// Reads the name of the node that the folder was made for.
fn parse_marker(bytes: &[u8]) -> Result<String, String> {
    let marker = serde_json::from_slice::<Json>(bytes).ok();
    let name = marker.as_ref().and_then(|marker| marker.get("id")?.as_str());
    let unknown = || format!("{NO_SERVER_STORE}: its marker names no node");
    name.map(ToOwned::to_owned).ok_or_else(unknown)
}

/// Reads which member the server is; `None` if it says that it is none.
fn parse_member(bytes: &[u8]) -> Result<Option<(u32, i64)>, String> {
    let state = decode_flexbuffer(bytes)?;
    if state.as_str() == Some("Standby") {
        return Ok(None);
    }
    let id = state.get("Member").and_then(|member| member.get("my_member_id"));
    let node_id = id.and_then(|id| u32::try_from(id.get("node_id")?.as_u64()?).ok());
    let created_at = id.and_then(|id| id.get("created_at_millis")?.as_i64());
    let unknown = || "the state of the member is not understood".to_owned();
    node_id.zip(created_at).ok_or_else(unknown).map(Some)
}
