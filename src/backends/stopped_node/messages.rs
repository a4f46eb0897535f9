//! The messages that a metadata server stores: those of Raft, and its own in their entries and snapshots. The numbers
//! of the fields are on `docs/stored-formats.md`.

use std::collections::BTreeMap;

use prost::bytes::Bytes;

use super::protobuf::{Field, read_fields};
use crate::model::{Value, Version};

/// A position in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogPosition {
    pub(super) term: u64,
    pub(super) index: u64,
}

/// What a server keeps of its votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HardState {
    pub(super) term: u64,
    pub(super) commit: u64,
}

impl HardState {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut state = HardState::default();
        read_fields("hard state", bytes, |tag, field| {
            match tag {
                1 => state.term = field.number()?,
                2 => drop(field.number()?),
                3 => state.commit = field.number()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(state)
    }
}

/// Reads the voters of a configuration, with those of the configuration that it replaces.
pub(super) fn parse_voters(bytes: &[u8]) -> Result<Vec<Vec<u64>>, String> {
    let (mut voters, mut learners, mut outgoing) = (Vec::new(), Vec::new(), Vec::new());
    read_fields("configuration of the voters", bytes, |tag, field| {
        match tag {
            1 => field.add_numbers_to(&mut voters)?,
            2 | 4 => field.add_numbers_to(&mut learners)?,
            3 => field.add_numbers_to(&mut outgoing)?,
            // Whether a server leaves the outgoing configuration by itself.
            5 => drop(field.number()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok([voters, outgoing].into_iter().filter(|voters| !voters.is_empty()).collect())
}

/// The members of the store, by node id, each with the time in milliseconds at which it became one.
pub(super) type Members = BTreeMap<u32, i64>;

/// A snapshot of all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RaftSnapshot {
    pub(super) position: LogPosition,
    pub(super) voters: Vec<Vec<u64>>,
    pub(super) members: Members,
    pub(super) values: BTreeMap<String, Value>,
}

impl RaftSnapshot {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut snapshot = RaftSnapshot::default();
        read_fields("snapshot", bytes, |tag, field| {
            match tag {
                1 => snapshot.parse_content(field.bytes()?)?,
                2 => snapshot.parse_metadata(field.bytes()?)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(snapshot)
    }

    fn parse_metadata(&mut self, bytes: &[u8]) -> Result<(), String> {
        read_fields("snapshot's metadata", bytes, |tag, field| {
            match tag {
                1 => self.voters = parse_voters(field.bytes()?)?,
                2 => self.position.index = field.number()?,
                3 => self.position.term = field.number()?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn parse_content(&mut self, bytes: &[u8]) -> Result<(), String> {
        read_fields("snapshot's content", bytes, |tag, field| {
            match tag {
                1 => self.members = parse_members(field.bytes()?)?,
                2 => {
                    let (key, value) = parse_snapshot_entry(field.bytes()?)?;
                    if self.values.insert(key, value).is_some() {
                        return Err("a key is there twice".to_owned());
                    }
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

/// Reads the configuration of the members.
pub(super) fn parse_members(bytes: &[u8]) -> Result<Members, String> {
    let mut members = Members::new();
    read_fields("configuration of the members", bytes, |tag, field| {
        match tag {
            1 => drop(parse_version(field.bytes()?)?),
            2 => {
                let (id, created_at) = parse_member(field.bytes()?)?;
                members.insert(id, created_at);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(members)
}

fn parse_member(bytes: &[u8]) -> Result<(u32, i64), String> {
    let (mut id, mut created_at) = (0, 0);
    read_fields("member", bytes, |tag, field| {
        match tag {
            1 => id = field.number_u32()?,
            2 => created_at = field.number()?.cast_signed(),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((id, created_at))
}

fn parse_snapshot_entry(bytes: &[u8]) -> Result<(String, Value), String> {
    let (mut key, mut value) = (None, None);
    read_fields("key of the snapshot", bytes, |tag, field| {
        match tag {
            1 => key = Some(field.text()?.to_owned()),
            2 => value = Some(parse_value(field.bytes()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    key.zip(value).ok_or_else(|| "a key without a name or a value".to_owned())
}

fn parse_version(bytes: &[u8]) -> Result<Version, String> {
    let mut version = Version(0);
    read_fields("version", bytes, |tag, field| {
        let is_known = tag == 1;
        if is_known {
            version = Version(field.number_u32()?);
        }
        Ok(is_known)
    })?;
    Ok(version)
}

fn parse_value(bytes: &[u8]) -> Result<Value, String> {
    let (mut version, mut content) = (None, Bytes::new());
    read_fields("value", bytes, |tag, field| {
        match tag {
            1 => version = Some(parse_version(field.bytes()?)?),
            2 => content = Bytes::copy_from_slice(field.bytes()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let version = version.ok_or("a value without a version")?;
    Ok(Value { version, bytes: content })
}

/// What an entry of the log asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Nothing: the entry with which a new leader begins.
    Nothing,
    /// A write.
    Write(WriteRequest),
    /// Other members.
    ChangeOfMembers(Members),
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogEntry {
    pub(super) position: LogPosition,
    pub(super) request: Request,
}

impl LogEntry {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (mut kind, mut position) = (0, LogPosition::default());
        let (mut data, mut context): (&[u8], &[u8]) = (&[], &[]);
        read_fields("entry", bytes, |tag, field| {
            match tag {
                1 => kind = field.number()?,
                2 => position.term = field.number()?,
                3 => position.index = field.number()?,
                4 => data = field.bytes()?,
                // A flag of older versions of Raft's library, which asks for nothing.
                5 => drop(field.number()?),
                6 => context = field.bytes()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let request = match kind {
            0 if !context.is_empty() => return Err("a write with a context".to_owned()),
            0 if data.is_empty() => Request::Nothing,
            0 => Request::Write(WriteRequest::parse(data)?),
            1 | 2 => match parse_members(context)? {
                members if members.is_empty() => {
                    return Err("a change of the members that leaves none".to_owned());
                }
                members => Request::ChangeOfMembers(members),
            },
            other => return Err(format!("an entry of unknown type {other}")),
        };
        Ok(LogEntry { position, request })
    }
}

/// The condition under which a write changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteCondition {
    None,
    Absent,
    Version(Version),
}

/// A write of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriteRequest {
    pub(super) key: String,
    pub(super) condition: WriteCondition,
    /// `None` for a deletion.
    pub(super) value: Option<Value>,
}

impl WriteRequest {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (mut kind, mut key, mut condition, mut value) = (0, None, None, None);
        read_fields("write", bytes, |tag, field| {
            match tag {
                // The id by which a server finds the answer's receiver.
                1 => drop(field.bytes()?),
                2 => kind = field.number()?,
                3 => key = Some(field.text()?.to_owned()),
                4 => condition = Some(parse_condition(field)?),
                7 => value = Some(parse_value(field.bytes()?)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let value = match (kind, value) {
            (1, Some(value)) => Some(value),
            (2, None) => None,
            _ => return Err("a write that is neither a put nor a deletion".to_owned()),
        };
        let key = key.ok_or("a write without a key")?;
        let condition = condition.ok_or("a write without a precondition")?;
        Ok(WriteRequest { key, condition, value })
    }
}

fn parse_condition(field: Field<'_>) -> Result<WriteCondition, String> {
    let (mut kind, mut version) = (0, None);
    read_fields("precondition", field.bytes()?, |tag, field| {
        match tag {
            1 => kind = field.number()?,
            2 => version = Some(parse_version(field.bytes()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    match (kind, version) {
        (1, _) => Ok(WriteCondition::None),
        (2, _) => Ok(WriteCondition::Absent),
        (3, Some(version)) => Ok(WriteCondition::Version(version)),
        _ => Err("a precondition that is not known".to_owned()),
    }
}
