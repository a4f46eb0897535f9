//! Several servers of one store, one preferred at a time: one that fails or does not answer is skipped for the
//! next, and all are asked again, with back-off, until a request's time has run out.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tonic::Status;
use tonic::transport::Channel;

use super::super::request::Request;
use super::active_time::ActiveTime;
use super::attempts::{CallError, no_answer};
use super::call::{Attempt, Call, Pool};
use super::server::Server;
use super::tls::Tls;
use super::{Address, CallFailure, Limits, MAX_MESSAGE, TlsOptions};

/// The longest time for what a single server is asked of itself, and for a store that has just left a whole
/// request's time unanswered: with a `--request-timeout` of minutes, a command that meets only such servers ends.
const SHORT_LIMIT: Duration = Duration::from_secs(13);

/// A kind of server: the node of a cluster, or the member of an etcd.
#[derive(Clone, Copy)]
pub struct ServerKind {
    /// The name in front of an address in messages.
    pub name: &'static str,
    /// The classification of its failed calls: it decides which failures another server may not have.
    pub classify: fn(&Status) -> CallFailure,
}

/// The check that a server belongs to the store, made before it is first used.
pub type Admission =
    Box<dyn Fn(Server) -> BoxFuture<'static, Result<(), CallFailure>> + Send + Sync>;

/// The servers of one store.
pub struct Servers {
    kind: ServerKind,
    all: Vec<Server>,
    /// The place of each in the list.
    places: HashMap<Address, usize>,
    preferred: AtomicUsize,
    limits: Limits,
    tls: TlsOptions,
    /// `None` if every server belongs to the store.
    admission: Option<Admission>,
    /// `true` for each server that was admitted.
    admitted: Vec<AtomicBool>,
    is_delay_reported: AtomicBool,
    /// `true` while the last call has ended without an answer.
    has_given_up: AtomicBool,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|server| server.address.to_string())).finish()
    }
}

impl Servers {
    /// Creates the servers at these addresses, of which the first is preferred at the start.
    ///
    /// Connects to none of them yet.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn new(
        kind: ServerKind,
        addresses: &[Address],
        limits: Limits,
        tls: TlsOptions,
    ) -> Result<Self, String> {
        Servers::from_servers(kind, Vec::new(), limits, tls).regroup(addresses)
    }

    fn from_servers(
        kind: ServerKind,
        all: Vec<Server>,
        limits: Limits,
        tls: TlsOptions,
    ) -> Servers {
        Servers {
            kind,
            places: all.iter().map(|server| server.address.clone()).zip(0..).collect(),
            preferred: AtomicUsize::new(0),
            limits,
            tls,
            admission: None,
            admitted: all.iter().map(|_| AtomicBool::new(false)).collect(),
            is_delay_reported: AtomicBool::new(false),
            has_given_up: AtomicBool::new(false),
            all,
        }
    }

    /// Groups servers at these addresses anew; those that are among the present ones keep their connections.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn regroup(&self, addresses: &[Address]) -> Result<Self, String> {
        let is_new = |address: &&Address| !self.places.contains_key(*address);
        let is_tls = addresses.iter().filter(is_new).any(Address::is_tls);
        let opened = if is_tls { Some(open_tls(&self.tls)?) } else { None };
        let take = |address| match self.find(address) {
            Some(known) => Ok(known.clone()),
            None => Server::create(address, self.limits, opened.as_ref()),
        };
        let all = addresses.iter().map(take).collect::<Result<_, _>>()?;
        Ok(Servers::from_servers(self.kind, all, self.limits, self.tls.clone()))
    }

    fn find(&self, address: &Address) -> Option<&Server> {
        self.places.get(address).and_then(|place| self.all.get(*place))
    }

    /// Uses no server before the check admits it, but for the ones at these addresses.
    #[must_use]
    pub fn with_admission(mut self, admitted: &[Address], admission: Admission) -> Self {
        let admitted: HashSet<_> = admitted.iter().collect();
        let is_admitted = self.all.iter().map(|server| admitted.contains(&server.address));
        self.admitted = is_admitted.map(AtomicBool::new).collect();
        self.admission = Some(admission);
        self
    }

    /// Makes the call on the preferred server, and on the next ones where it fails or does not answer. It may so
    /// be carried out more than once, also at the same time.
    ///
    /// All attempts together take no longer than one request may.
    ///
    /// # Errors
    /// [`CallError`], after every server was tried, and the time of one request is over.
    pub(in super::super) async fn call<'a, T, F>(
        &'a self,
        what: &'a Request<'a>,
        call: impl Fn(Channel) -> F + Send + Sync + 'a,
    ) -> Result<T, CallError>
    where
        T: Send + 'a,
        F: Future<Output = Result<T, Status>> + Send + 'a,
    {
        if self.all.is_empty() {
            return Err(CallError::Unavailable("it has no address".to_owned()));
        }
        let call = Arc::new(call);
        let attempt: Box<Attempt<'a, T>> = Box::new(move |index, channel| {
            let call = call.clone();
            Box::pin(async move {
                let server = self.admit(index).await?;
                let answer = call(channel);
                self.log_call(server, what, answer).await
            })
        });
        let Servers { all, preferred, is_delay_reported, .. } = self;
        let pool = Pool { servers: all, preferred, is_delay_reported };
        let result = Call::new(pool, self.time_limit(), attempt).run().await;
        let has_given_up =
            matches!(result, Err(CallError::Unavailable(_) | CallError::Untrusted(_)));
        self.has_given_up.store(has_given_up, Ordering::Relaxed);
        result
    }

    /// Returns the time of the next call: a short one after a call that nobody answered.
    fn time_limit(&self) -> Duration {
        match self.has_given_up.load(Ordering::Relaxed) {
            true => self.short_limit(),
            false => self.limits.request,
        }
    }

    /// Checks a server before its first use.
    async fn admit(&self, index: usize) -> Result<&Server, CallFailure> {
        let places = self.all.get(index).zip(self.admitted.get(index));
        let (server, admitted) =
            places.ok_or_else(|| CallFailure::NotHere("it has no address".to_owned()))?;
        if let Some(admission) = &self.admission
            && !admitted.load(Ordering::Relaxed)
        {
            match admission(server.clone()).await {
                // What it refuses, another server may not.
                Err(CallFailure::Final(_, reason)) => return Err(CallFailure::NotHere(reason)),
                checked => checked?,
            }
            admitted.store(true, Ordering::Relaxed);
        }
        Ok(server)
    }

    /// Waits for the answer to one request, and logs it.
    async fn log_call<T>(
        &self,
        server: &Server,
        what: &Request<'_>,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, CallFailure> {
        let log = LoggedRequest { kind: self.kind.name, server, what, started: Instant::now() };
        let outcome = call.await.map_err(|status| (self.kind.classify)(&status));
        log.finish(outcome.as_ref().err().map(CallFailure::reason));
        outcome
    }

    /// Asks one server, whichever others there are: for what it answers at once, or not at all.
    ///
    /// It is asked again on a new connection where the old one may be dead, and after this process was suspended.
    ///
    /// # Errors
    /// [`CallFailure`], which also converts into its reason.
    pub(in super::super) async fn call_once<T, F>(
        &self,
        server: &Server,
        what: &Request<'_>,
        call: impl Fn(Channel) -> F,
    ) -> Result<T, CallFailure>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let limit = self.short_limit();
        let (mut clock, mut has_renewed) = (ActiveTime::start(), false);
        loop {
            let connection = server.connection();
            let (number, may_be_dead) = (connection.number, connection.is_used && !has_renewed);
            let left = limit.saturating_sub(clock.elapsed());
            let patience = if may_be_dead { left / 2 } else { left };
            let suspensions = clock.suspensions();
            let answer = self.log_call(server, what, call(connection.channel));
            let outcome = clock.limit(patience, answer).await;
            let outcome = outcome.unwrap_or_else(|| Err(CallFailure::Elsewhere(no_answer(limit))));
            match outcome {
                Err(CallFailure::Elsewhere(_))
                    if may_be_dead || clock.suspensions() > suspensions =>
                {
                    server.renew(number);
                    has_renewed = true;
                }
                Ok(answer) => {
                    server.set_answered(number);
                    return Ok(answer.into_inner());
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Returns the server at any address, with the limits and TLS options of all.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn server_at(&self, address: &Address) -> Result<Server, String> {
        match self.find(address) {
            Some(known) => Ok(known.clone()),
            None if address.is_tls() => {
                Server::create(address, self.limits, Some(&open_tls(&self.tls)?))
            }
            None => Server::without_tls(address, self.limits),
        }
    }

    /// Returns the time for what servers answer at once, or not at all.
    pub fn short_limit(&self) -> Duration {
        self.limits.request.min(SHORT_LIMIT)
    }

    /// Returns the largest message in bytes that is sent and received.
    pub fn message_limit(&self) -> usize {
        self.limits.message.unwrap_or(MAX_MESSAGE)
    }

    /// Returns the message limit that the operator set.
    pub fn given_message_limit(&self) -> Option<usize> {
        self.limits.message
    }

    /// Returns all servers, in the order that they were named.
    pub fn all(&self) -> impl Iterator<Item = &Server> {
        self.all.iter()
    }

    /// Returns the servers that are known to belong to the store.
    pub fn admitted(&self) -> impl Iterator<Item = &Server> {
        let is_admitted = |(_, admitted): &(_, &AtomicBool)| {
            self.admission.is_none() || admitted.load(Ordering::Relaxed)
        };
        self.all.iter().zip(&self.admitted).filter(is_admitted).map(|(server, _)| server)
    }

    /// Returns the addresses of all servers.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.all.iter().map(|server| &server.address)
    }
}

/// A request that is logged when it ends, also where nobody waits for its answer any more.
struct LoggedRequest<'a> {
    kind: &'static str,
    server: &'a Server,
    what: &'a Request<'a>,
    started: Instant,
}

impl LoggedRequest<'_> {
    fn finish(self, failed: Option<&str>) {
        self.log(failed);
        std::mem::forget(self);
    }

    fn log(&self, failed: Option<&str>) {
        let server = format_args!("{} {}", self.kind, self.server.address);
        self.what.finish(&server, self.started, failed);
    }
}

impl Drop for LoggedRequest<'_> {
    fn drop(&mut self) {
        self.log(Some("no response"));
    }
}

fn open_tls(options: &TlsOptions) -> Result<Tls, String> {
    options.open().map_err(|reason| format!("the TLS options can't be used: {reason}"))
}
