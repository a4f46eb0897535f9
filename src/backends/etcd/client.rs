//! Requests to the members of one etcd, and the classification of their failures.

use std::sync::{Arc, OnceLock};

use etcd_client::{
    AlarmAction, AlarmType, Client, Error, GetOptions, GetResponse, KvClient, Member,
    StatusResponse, Txn, TxnResponse,
};
use http::StatusCode;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

use super::super::request::Request;
use super::super::transport::{
    Address, Admission, CallError, CallFailure, Limits, SentAttempts, ServerKind, Servers,
    TlsOptions,
};
use super::state::EtcdState;
use super::status::{HttpAnswer, Meaning, classify_message, classify_status};
use crate::model::{FailedWrite, StoreError};

/// The most bytes of an answer that are read: one value may have 32 MiB. Where several together are more, they
/// are read in smaller batches.
const MAX_ANSWER: usize = 36 << 20;

const TXN_OPS_ADVICE: &str =
    "raise --max-txn-ops on every member of etcd, by default 128: each key needs two operations";

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
                // An answer that is too large to be read may have been any.
                let is_unread = matches!(error, CallError::Permanent(Code::OutOfRange, _));
                let may_have_written = is_unread || attempts.is_in_doubt(&error);
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

    /// Reads a range of keys, or one; `verb` is for the log.
    pub(super) async fn get(
        &self,
        verb: &'static str,
        from: &[u8],
        options: &GetOptions,
    ) -> Result<GetResponse, StoreError> {
        let start = String::from_utf8_lossy(from);
        let what = Request::about_key(verb, &start);
        let call = |channel: Channel| async {
            kv_client(channel).await?.get(from, Some(options.clone())).await.map_err(grpc_status)
        };
        self.members.call(&what, call).await.map_err(|error| self.store_error(error))
    }

    /// Returns the error of an answer that no etcd gives.
    pub(super) fn odd_answer(&self, reason: String) -> StoreError {
        let reason = format!("{reason}; is there a proxy in front of it that changes its answers?");
        StoreError::Unusable { store: self.name.clone(), reason }
    }

    /// Returns the alarms that are raised, by their numbers; none where the store does not know alarms.
    pub(super) async fn list_alarms(&self) -> Result<Vec<i32>, StoreError> {
        let what = Request::without_key("alarms");
        let call = |channel: Channel| async {
            let (get, any) = (AlarmAction::Get, AlarmType::None);
            match open_client(channel).await?.alarm(get, any, None).await.map_err(grpc_status) {
                Ok(answer) => Ok(answer.0.alarms.iter().map(|member| member.alarm).collect()),
                Err(status) if status.code() == Code::Unimplemented => Ok(Vec::new()),
                Err(status) => Err(status),
            }
        };
        self.members.call(&what, call).await.map_err(|error| self.store_error(error))
    }

    /// Returns the members of this etcd.
    pub(super) async fn list_members(&self) -> Result<Vec<Member>, StoreError> {
        let what = Request::without_key("members");
        let call = |channel: Channel| async {
            open_client(channel).await?.member_list().await.map_err(grpc_status)
        };
        let answer = self.members.call(&what, call).await;
        Ok(answer.map_err(|error| self.store_error(error))?.members().to_vec())
    }

    /// Reads the status of one member, which it knows by itself.
    ///
    /// # Errors
    /// The reason why it does not respond, in words.
    pub(super) async fn read_status(&self, address: &Address) -> Result<StatusResponse, String> {
        let call = |channel: Channel| async {
            open_client(channel).await?.status().await.map_err(grpc_status)
        };
        self.call_at(address, call).await
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
                Meaning::TooManyOps => {
                    StoreError::TooLarge { store, reason: format!("{reason} ({TXN_OPS_ADVICE})") }
                }
                Meaning::Full => StoreError::Full { store, reason },
                Meaning::Denied | Meaning::NoCredentials => StoreError::Denied { store, reason },
                Meaning::Learner | Meaning::Other => {
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
    Ok(open_client(channel).await?.kv_client().max_decoding_message_size(MAX_ANSWER))
}

/// Returns a client that refuses what is not an answer of gRPC by its HTTP status.
pub(super) async fn open_client(channel: Channel) -> Result<Client, Status> {
    let checked = channel.map_result(|answer| match answer {
        Ok(answer) if answer.status() != StatusCode::OK => {
            Err(BoxError::from(HttpAnswer(answer.status())))
        }
        answer => answer.map_err(BoxError::from),
    });
    let channel = etcd_client::Channel::Custom(BoxCloneSyncService::new(checked));
    Client::from_channel(channel, None).await.map_err(grpc_status)
}

pub(super) fn grpc_status(error: Error) -> Status {
    match error {
        Error::GRpcStatus(status) => status,
        other => Status::internal(other.to_string()),
    }
}
