//! Requests to the members of one etcd, and the classification of their failures.

use std::sync::{Arc, OnceLock};

use etcd_client::{Error, GetOptions, KeyValue, KvClient, Txn, TxnResponse};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::super::request::Request;
use super::super::transport::{
    self, Address, Admission, CallError, CallFailure, Limits, SentAttempts, ServerKind, Servers,
    TlsOptions,
};
use super::state::EtcdState;
use crate::model::{FailedWrite, StoreError};

/// A transaction's answer may hold 64 values of any size.
const MAX_ANSWER: usize = 1 << 30;

const ETCD_MEMBER: ServerKind = ServerKind { name: "etcd", classify: classify_status };

#[derive(Debug)]
pub(super) struct EtcdClient {
    name: String,
    members: Servers,
}

impl EtcdClient {
    pub(super) fn new(
        name: String,
        addresses: &[Address],
        limits: Limits,
    ) -> Result<Self, StoreError> {
        let mut members = Servers::new(ETCD_MEMBER, addresses, limits, TlsOptions::default())
            .map_err(StoreError::Usage)?;
        if addresses.len() > 1 {
            members = members.with_admission(&[], admit_members());
        }
        Ok(EtcdClient { name, members })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs the transaction, on one member after the other until one responds.
    pub(super) async fn run_txn(
        &self,
        what: &Request<'_>,
        txn: &Txn,
    ) -> Result<TxnResponse, StoreError> {
        let attempts = SentAttempts::default();
        self.run_counted_txn(what, txn, &attempts).await.map_err(|error| self.store_error(error))
    }

    /// Runs a transaction that writes; the answer comes with whether an earlier attempt may have been
    /// carried out.
    pub(super) async fn run_write(
        &self,
        what: &Request<'_>,
        txn: &Txn,
    ) -> Result<(TxnResponse, bool), FailedWrite> {
        let attempts = SentAttempts::default();
        match self.run_counted_txn(what, txn, &attempts).await {
            Ok(answer) => Ok((answer, attempts.is_earlier_in_doubt())),
            Err(error) => {
                let may_have_written = attempts.is_in_doubt(&error);
                Err(FailedWrite { error: self.store_error(error), may_have_written })
            }
        }
    }

    async fn run_counted_txn(
        &self,
        what: &Request<'_>,
        txn: &Txn,
        attempts: &SentAttempts,
    ) -> Result<TxnResponse, CallError> {
        let call = |channel: Channel| {
            attempts.count_one();
            async { kv_client(channel).await?.txn(txn.clone()).await.map_err(grpc_status) }
        };
        self.members.call(what, call).await
    }

    /// Reads a range of keys.
    pub(super) async fn get(
        &self,
        from: &[u8],
        options: &GetOptions,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let start = String::from_utf8_lossy(from);
        let what = Request::about_key("list from", &start);
        let call = |channel: Channel| async {
            let answer = kv_client(channel).await?.get(from, Some(options.clone())).await;
            answer.map(|mut answer| answer.take_kvs()).map_err(grpc_status)
        };
        self.members.call(&what, call).await.map_err(|error| self.store_error(error))
    }

    /// Makes a call on one member after the other until one responds.
    pub(super) async fn call<'a, T, F>(
        &'a self,
        what: &'a Request<'a>,
        call: impl Fn(Channel) -> F + Send + Sync + 'a,
    ) -> Result<T, StoreError>
    where
        T: Send + 'a,
        F: Future<Output = Result<T, Status>> + Send + 'a,
    {
        self.members.call(what, call).await.map_err(|error| self.store_error(error))
    }

    /// Returns the addresses of all endpoints.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Address> {
        self.members.addresses()
    }

    /// Makes a call on the member at this address only.
    ///
    /// # Errors
    /// The reason why it does not respond, in words.
    pub(super) async fn call_at<T, F>(
        &self,
        address: &Address,
        call: impl Fn(Channel) -> F,
    ) -> Result<T, String>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let server = self.members.server_at(address)?;
        let what = Request::without_key("ask one endpoint");
        let ask = |channel| {
            let answer = call(channel);
            async { answer.await.map(tonic::Response::new) }
        };
        Ok(self.members.call_once(&server, &what, ask).await?)
    }

    fn store_error(&self, error: CallError) -> StoreError {
        let store = self.name.clone();
        match error {
            CallError::Unavailable(reason) => StoreError::Unavailable { store, reason },
            CallError::Untrusted(reason) => StoreError::Untrusted { store, reason },
            CallError::Permanent(code, reason) => match classify_message(code, &reason) {
                Meaning::TooLarge => StoreError::TooLarge { store, reason },
                Meaning::Full => StoreError::Full { store, reason },
                Meaning::Denied => StoreError::Denied { store, reason },
                Meaning::Other => {
                    StoreError::Other { store, reason: format!("{code:?}: {reason}") }
                }
            },
        }
    }
}

/// Reads the state of the etcd behind the channel by a linearizable read, which needs a leader.
pub(super) async fn read_state(channel: Channel) -> Result<EtcdState, Status> {
    let options = GetOptions::new().with_keys_only();
    let answer = kv_client(channel).await?.get("nodes_config", Some(options)).await;
    Ok(EtcdState::from_answer(&answer.map_err(grpc_status)?))
}

/// Returns the check that a member belongs to the same etcd as the first one that was used: what is written
/// through one address has to be there through each.
fn admit_members() -> Admission {
    let first: Arc<OnceLock<(Address, u64)>> = Arc::default();
    Box::new(move |server| {
        let first = first.clone();
        Box::pin(async move {
            let state = read_state(server.channel()).await;
            let id = state.map_err(|status| classify_status(&status))?.cluster_id;
            let (address, expected) = first.get_or_init(|| (server.address.clone(), id));
            if *expected == id {
                return Ok(());
            }
            let reason = format!("it belongs to another etcd than {address}");
            Err(CallFailure::NotHere(reason))
        })
    })
}

async fn kv_client(channel: Channel) -> Result<KvClient, Status> {
    let channel = etcd_client::Channel::Tonic(channel);
    let client = etcd_client::Client::from_channel(channel, None).await.map_err(grpc_status)?;
    Ok(client.kv_client().max_decoding_message_size(MAX_ANSWER))
}

pub(super) fn grpc_status(error: Error) -> Status {
    match error {
        Error::GRpcStatus(status) => status,
        other => Status::internal(other.to_string()),
    }
}

enum Meaning {
    TooLarge,
    Full,
    Denied,
    Other,
}

/// Classifies an error of etcd, which uses one code for several causes and distinguishes them only
/// by text.
fn classify_message(code: Code, reason: &str) -> Meaning {
    let says = |words: &str| reason.contains(words);
    match code {
        Code::InvalidArgument | Code::ResourceExhausted
            if says("request is too large") || says("larger than max") =>
        {
            Meaning::TooLarge
        }
        Code::ResourceExhausted if says("space exceeded") => Meaning::Full,
        Code::PermissionDenied | Code::Unauthenticated => Meaning::Denied,
        Code::InvalidArgument if says("user name is empty") || says("authentication") => {
            Meaning::Denied
        }
        _ => Meaning::Other,
    }
}

fn classify_status(status: &Status) -> CallFailure {
    if status.code() == Code::Unimplemented {
        let words = "responds, but is not an etcd; is this its client port, by default 2379?";
        return CallFailure::NotHere(words.to_owned());
    }
    if matches!(classify_message(status.code(), status.message()), Meaning::Other) {
        return transport::classify_status(status);
    }
    CallFailure::Final(status.code(), status.message().to_owned())
}
