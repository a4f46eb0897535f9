//! The running cluster as a target: single keys through MetadataProxySvc, each under its
//! precondition.
//!
//! The replicated store compares versions and nothing else. Two rules hold here whoever calls, since a
//! breach ends the store for good: `nodes_config` is never put at or below the stored version (seen:
//! the write is committed, and each metadata server then panics on it, and again after every restart),
//! and it is never deleted. Nothing at all is put without a precondition.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tonic::{Code, Status};

use super::super::request::Request;
use super::super::transport::{CallError, SentAttempts};
use super::super::{ReadLimits, Source, Target, WriteLimits};
use super::Cluster;
use crate::codec;
use crate::model::{
    CasToken, Change, Effect, Entry, FailedWrite, Key, LimitViolation, Snapshot, StoreError, Value,
};
use crate::proto::common::Version as WireVersion;
use crate::proto::metadata::{Precondition, PreconditionKind, VersionedValue};
use crate::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
use crate::proto::metadata_proxy_svc::{DeleteRequest, PutRequest};
use crate::wording::format_bytes;

/// The servers' message limit by default. A cluster whose `message-size-limit` was changed is not asked for
/// it: the operator says it.
const SERVER_MESSAGE_LIMIT: usize = 32 << 20;

const WRITES_AT_ONCE: usize = 4;

/// A key that nobody uses, for writes that can't succeed.
const PROBE: &str = "restatectl_write_probe";

/// The running cluster, opened for writing. A [`Cluster`] alone can only be read.
#[derive(Debug)]
pub struct WritableCluster(Cluster);

impl Cluster {
    /// Turns the cluster into a target.
    pub fn into_writable(self) -> WritableCluster {
        WritableCluster(self)
    }
}

impl WritableCluster {
    /// Returns the cluster as a reader, with its nodes and its quorum.
    pub fn cluster(&self) -> &Cluster {
        &self.0
    }

    /// Returns the largest value in bytes: the servers refuse values above 95 % of their message limit.
    fn largest_value(&self) -> usize {
        self.message_limit() / 100 * 95
    }

    fn message_limit(&self) -> usize {
        self.0.peers.given_message_limit().unwrap_or(SERVER_MESSAGE_LIMIT)
    }

    async fn write_one(&self, change: &Change) -> Result<(), FailedWrite> {
        self.check_rules(change).map_err(FailedWrite::not_written)?;
        let attempts = SentAttempts::default();
        let Err(error) = self.send_put(change, &attempts).await else { return Ok(()) };
        let may_have_written = attempts.is_in_doubt(&error);
        let error = match error {
            CallError::Permanent(Code::FailedPrecondition, _) => {
                return self.judge_unmet(change, may_have_written).await;
            }
            CallError::Permanent(Code::PermissionDenied | Code::Unauthenticated, reason) => {
                StoreError::Denied { store: self.0.name.clone(), reason }
            }
            error => self.0.explain_error(error).await,
        };
        Err(FailedWrite { error, may_have_written })
    }

    /// Judges a write whose precondition was not met: an attempt whose answer was lost may have been carried
    /// out, so that the next one met what it had itself written.
    ///
    /// A node repeats a write whose leader has lost its leadership amid it. So what is found as it was to be written leaves even
    /// a single attempt in doubt: another writer may have written the same.
    async fn judge_unmet(&self, change: &Change, is_in_doubt: bool) -> Result<(), FailedWrite> {
        let found = self.0.get(&change.key).await;
        let found = found.map_err(|error| FailedWrite { error, may_have_written: true })?;
        let keys = vec![change.key.clone()];
        let conflict = StoreError::Conflict { store: self.0.name.clone(), keys };
        match (is_in_doubt, change.is_done(found.as_ref())) {
            (true, true) => Ok(()),
            (is_in_doubt, is_there) => {
                Err(FailedWrite { error: conflict, may_have_written: is_in_doubt || is_there })
            }
        }
    }

    async fn send_put(&self, change: &Change, attempts: &SentAttempts) -> Result<(), CallError> {
        let key = change.key.to_string();
        match change.value() {
            Some(value) => {
                let request = PutRequest {
                    key: key.clone(),
                    value: Some(on_the_wire(value)),
                    precondition: Some(precondition(&change.effect)),
                };
                self.put_change(&request, attempts).await
            }
            None => {
                let precondition = Some(precondition(&change.effect));
                let request = DeleteRequest { key: key.clone(), precondition };
                let delete = |channel| {
                    attempts.count_one();
                    let request = request.clone();
                    async move { MetadataProxySvcClient::new(channel).delete(request).await }
                };
                self.0.peers.call(&Request::about_key("delete", &key), delete).await.map(drop)
            }
        }
    }

    async fn put_change(
        &self,
        request: &PutRequest,
        attempts: &SentAttempts,
    ) -> Result<(), CallError> {
        let limit = self.0.peers.message_limit();
        let put = |channel| {
            attempts.count_one();
            let request = request.clone();
            async move {
                let client = MetadataProxySvcClient::new(channel);
                let answer: Result<_, Status> =
                    client.max_encoding_message_size(limit).put(request).await;
                answer
            }
        };
        self.0.peers.call(&Request::about_key("put", &request.key), put).await.map(drop)
    }

    /// Refuses what would break the store for good before it is sent.
    fn check_rules(&self, change: &Change) -> Result<(), StoreError> {
        let broken = |reason: &str| {
            let reason = format!("nothing, since it was not asked: {} {reason}", change.key);
            Err(StoreError::Other { store: self.0.name.clone(), reason })
        };
        if change.key != Key::NodesConfig {
            return Ok(());
        }
        match &change.effect {
            Effect::Delete(_) => broken("must not be deleted from a running cluster"),
            Effect::Overwrite(value, CasToken::Version(stored)) if value.version <= *stored => {
                broken(&format!("must not be put at version {}: {stored} is stored", value.version))
            }
            Effect::Create(value) | Effect::Overwrite(value, _) => {
                match codec::check(&change.key, value) {
                    Ok(()) => Ok(()),
                    Err(fault) => broken(&fault.to_string()),
                }
            }
        }
    }
}

fn on_the_wire(value: &Value) -> VersionedValue {
    let version = Some(WireVersion { value: value.version.0 });
    VersionedValue { version, bytes: value.bytes.clone() }
}

fn precondition(effect: &Effect) -> Precondition {
    let (kind, version) = match effect {
        Effect::Create(_) => (PreconditionKind::DoesNotExist, None),
        Effect::Overwrite(_, tag) | Effect::Delete(tag) => {
            (PreconditionKind::MatchesVersion, Some(WireVersion { value: stored_version(tag) }))
        }
    };
    Precondition { kind: kind.into(), version }
}

/// Returns the version to require; a token of another store matches nothing, since no version is the
/// highest: an edit has to raise it.
fn stored_version(tag: &CasToken) -> u32 {
    match tag {
        CasToken::Version(version) => version.0,
        _ => u32::MAX,
    }
}

#[async_trait]
impl Source for WritableCluster {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn read_limits(&self) -> ReadLimits {
        self.0.read_limits()
    }

    fn can_list(&self) -> bool {
        self.0.can_list()
    }

    async fn list_keys(&self) -> Result<Option<BTreeSet<Key>>, StoreError> {
        self.0.list_keys().await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.0.read(keys).await
    }

    async fn count_foreign_keys(&self) -> Result<Option<u64>, StoreError> {
        self.0.count_foreign_keys().await
    }
}

#[async_trait]
impl Target for WritableCluster {
    fn write_limits(&self) -> WriteLimits {
        // There is no call for more than one key. Each write goes through the leader's log and disk.
        let concurrency = self.0.at_once.min(WRITES_AT_ONCE);
        WriteLimits { keys: 1, bytes: self.largest_value(), concurrency, atomic: true }
    }

    fn is_live_cluster(&self) -> bool {
        true
    }

    fn snapshot_limit(&self) -> Option<usize> {
        Some(self.message_limit())
    }

    /// Sends a put that requires a version of an absent key: it goes through the log as any other,
    /// and its condition never applies.
    async fn probe_write(&self) -> Result<(), StoreError> {
        let request = PutRequest {
            key: PROBE.to_owned(),
            value: Some(VersionedValue {
                version: Some(WireVersion { value: 1 }),
                ..VersionedValue::default()
            }),
            precondition: Some(Precondition {
                kind: PreconditionKind::MatchesVersion.into(),
                version: Some(WireVersion { value: u32::MAX }),
            }),
        };
        match self.put_change(&request, &SentAttempts::default()).await {
            Ok(()) => Err(StoreError::Other {
                store: self.0.name.clone(),
                reason: format!("a write of {PROBE} succeeded although its condition was not met"),
            }),
            Err(CallError::Permanent(Code::FailedPrecondition, _)) => Ok(()),
            Err(error) => Err(self.0.explain_error(error).await),
        }
    }

    async fn find_limit_violations(
        &self,
        wanted: &Snapshot,
    ) -> Result<Vec<LimitViolation>, StoreError> {
        let values = wanted.iter().filter_map(|(key, entry)| Some((key, entry.value()?)));
        let limit = self.largest_value();
        let large = values.filter(|(_, value)| value.bytes.len() > limit);
        Ok(large.map(|(key, value)| size_violation(key, value, limit)).collect())
    }

    async fn write(&self, changes: &[Change]) -> Result<(), FailedWrite> {
        let (mut conflicts, mut may_have_written) = (Vec::new(), false);
        for change in changes {
            let Err(failed) = self.write_one(change).await else {
                may_have_written = true;
                continue;
            };
            may_have_written |= failed.may_have_written;
            match failed.error {
                StoreError::Conflict { keys, .. } => conflicts.extend(keys),
                error => return Err(FailedWrite { error, may_have_written }),
            }
        }
        if conflicts.is_empty() {
            return Ok(());
        }
        let error = StoreError::Conflict { store: self.0.name.clone(), keys: conflicts };
        Err(FailedWrite { error, may_have_written })
    }
}

fn size_violation(key: &Key, value: &Value, limit: usize) -> LimitViolation {
    LimitViolation {
        key: key.clone(),
        reason: format!(
            "holds {}, more than the {} that a cluster accepts in one value",
            format_bytes(value.bytes.len() as u64),
            format_bytes(limit as u64)
        ),
        hint: "move to a store without that limit, such as an object store; if the servers' message-size-limit is \
               higher, name it with --message-size-limit"
            .to_owned(),
    }
}
