//! Several servers of one store, one preferred at a time: one that fails is skipped for the
//! next, and all are asked again, with back-off, until a request's time has run out.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tonic::Status;
use tonic::transport::Channel;

use super::super::request::Request;
use super::attempts::{Attempts, CallError};
use super::server::Server;
use super::{Address, CallFailure, Limits, MAX_MESSAGE, TlsOptions};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
    preferred: AtomicUsize,
    limits: Limits,
    tls: TlsOptions,
    /// `None` if every server belongs to the store.
    admission: Option<Admission>,
    /// `true` for each server that was admitted.
    admitted: Vec<AtomicBool>,
    /// `true` once a waiting operator has been informed why, for the first call that has to wait.
    is_delay_reported: AtomicBool,
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
        let all = addresses
            .iter()
            .map(|address| Server::create(address, limits, &tls))
            .collect::<Result<_, _>>()?;
        let (preferred, is_delay_reported) = (AtomicUsize::new(0), AtomicBool::new(false));
        let admitted = addresses.iter().map(|_| AtomicBool::new(false)).collect();
        let admission = None;
        Ok(Servers { kind, all, preferred, limits, tls, admission, admitted, is_delay_reported })
    }

    /// Uses no server before the check admits it, but for the ones at these addresses.
    #[must_use]
    pub fn with_admission(mut self, admitted: &[Address], admission: Admission) -> Self {
        let is_admitted = self.all.iter().map(|server| admitted.contains(&server.address));
        self.admitted = is_admitted.map(AtomicBool::new).collect();
        self.admission = Some(admission);
        self
    }

    /// Makes the call on the preferred server, and on the next ones where it fails. It may so be
    /// carried out more than once.
    ///
    /// # Errors
    /// [`CallError`], after every server was tried, and the time of one request is over.
    pub(in super::super) async fn call<T, F>(
        &self,
        what: &Request<'_>,
        call: impl Fn(Channel) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let deadline = Instant::now() + self.limits.request;
        let mut attempts = Attempts::new(self.all.len());
        let mut pause = FIRST_PAUSE;
        loop {
            let index = self.preferred.load(Ordering::Relaxed);
            let Some(server) = self.all.get(index) else {
                return Err(CallError::Unavailable("it has no address".to_owned()));
            };
            let answer = match self.admit(index, server).await {
                Ok(()) => self.call_server(server, what, call(server.channel.clone())).await,
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(CallFailure::Final(code, reason)) => {
                    return Err(CallError::Permanent(code, reason));
                }
                Err(failure) => attempts.add_failure(index, failure),
            }
            self.prefer_next(index);
            if attempts.have_all_failed() {
                if Instant::now() + pause >= deadline || attempts.is_hopeless() {
                    return Err(attempts.into_error(&self.all));
                }
                self.report_delay(&mut attempts, pause);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Checks a server before its first use.
    async fn admit(&self, index: usize, server: &Server) -> Result<(), CallFailure> {
        let (Some(admission), Some(admitted)) = (&self.admission, self.admitted.get(index)) else {
            return Ok(());
        };
        if admitted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let limit = self.limits.request;
        let checked = tokio::time::timeout(limit, admission(server.clone())).await;
        match checked {
            Ok(Ok(())) => {}
            // What it refuses, another server may not.
            Ok(Err(CallFailure::Final(_, reason))) => return Err(CallFailure::NotHere(reason)),
            Ok(Err(failure)) => return Err(failure),
            Err(_) => return Err(CallFailure::Elsewhere(no_answer(limit))),
        }
        admitted.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Informs a waiting operator: once the pauses are long, and then ever less often.
    fn report_delay(&self, attempts: &mut Attempts, pause: Duration) {
        let is_first = pause == LONGEST_PAUSE
            && !attempts.is_reported()
            && !self.is_delay_reported.swap(true, Ordering::Relaxed);
        if attempts.is_report_due(is_first) {
            let reasons = attempts.describe_reasons(&self.all);
            let most = humantime::format_duration(self.limits.request);
            let count = attempts.count();
            tracing::warn!(
                "no response after {count} attempts; giving up after {most} in total: {reasons}"
            );
        }
    }

    async fn call_server<T>(
        &self,
        server: &Server,
        what: &Request<'_>,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, CallFailure> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(self.limits.request, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) => Err((self.kind.classify)(&status)),
            Err(_) => Err(CallFailure::Elsewhere(no_answer(self.limits.request))),
        };
        let reason = outcome.as_ref().err().map(CallFailure::reason);
        what.finish(&format_args!("{} {}", self.kind.name, server.address), started, reason);
        outcome
    }

    fn prefer_next(&self, index: usize) {
        let next = (index + 1) % self.all.len().max(1);
        // Whoever failed first has moved on already.
        let _ = self.preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Makes one call on one server, one attempt, within the time of a request.
    ///
    /// # Errors
    /// [`CallFailure`], which also converts into its reason.
    pub(in super::super) async fn call_once<T>(
        &self,
        server: &Server,
        what: &Request<'_>,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, CallFailure> {
        self.call_server(server, what, call).await.map(tonic::Response::into_inner)
    }

    /// Returns the server at any address, with the limits and TLS options of all.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn server_at(&self, address: &Address) -> Result<Server, String> {
        match self.all.iter().find(|server| server.address == *address) {
            Some(known) => Ok(known.clone()),
            None => Server::create(address, self.limits, &self.tls),
        }
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

    /// Returns the addresses of all servers.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.all.iter().map(|server| &server.address)
    }
}

fn no_answer(limit: Duration) -> String {
    format!("no response within {}", humantime::format_duration(limit))
}
