//! Several servers of one store, one preferred at a time: one that fails is passed over for the
//! next, and all are asked again, with back-off, until a request's time has run out.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tonic::transport::Channel;
use tonic::{Code, Status};

use super::super::request::Request;
use super::{Address, CallFailure, Limits, TlsOptions, create_channel};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One server's address, and the channel to it.
#[derive(Clone)]
pub struct Server {
    /// The address.
    pub address: Address,
    /// Connects when first used.
    pub channel: Channel,
}

/// A kind of server: the node of a cluster, or the member of an etcd.
#[derive(Clone, Copy)]
pub struct ServerKind {
    /// The name in front of an address in messages.
    pub name: &'static str,
    /// The classification of its failed calls: it decides which failures another server may not have.
    pub classify: fn(&Status) -> CallFailure,
}

/// The servers of one store.
pub struct Servers {
    kind: ServerKind,
    all: Vec<Server>,
    preferred: AtomicUsize,
    limits: Limits,
    tls: TlsOptions,
    /// `true` once a waiting operator has been informed why, for the first call that has to wait.
    is_delay_reported: AtomicBool,
}

/// The end of a call that no server carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No server could respond in time; the reason of each.
    Unavailable(String),
    /// The same, where a certificate was rejected on either side.
    Untrusted(String),
    /// One of them refused, and would again.
    Permanent(Code, String),
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
            .map(|address| create_server(address, limits, &tls))
            .collect::<Result<_, _>>()?;
        let (preferred, is_delay_reported) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Servers { kind, all, preferred, limits, tls, is_delay_reported })
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
        let mut reasons = vec![None; self.all.len()];
        let mut hopeless = vec![false; self.all.len()];
        let mut pause = FIRST_PAUSE;
        let mut tries: u32 = 0;
        let (mut tells, mut is_untrusted) = (false, false);
        loop {
            tries += 1;
            let index = self.preferred.load(Ordering::Relaxed);
            let Some(server) = self.all.get(index) else {
                return Err(CallError::Unavailable("it has no address".to_owned()));
            };
            let reason = match self.call_server(server, what, call(server.channel.clone())).await {
                Ok(answer) => return Ok(answer),
                Err(CallFailure::Final(code, reason)) => {
                    return Err(CallError::Permanent(code, reason));
                }
                Err(CallFailure::Elsewhere(reason)) => reason,
                Err(failure @ (CallFailure::NotHere(_) | CallFailure::Untrusted(_))) => {
                    if let Some(slot) = hopeless.get_mut(index) {
                        *slot = true;
                    }
                    is_untrusted = is_untrusted || matches!(failure, CallFailure::Untrusted(_));
                    failure.into()
                }
            };
            if let Some(slot) = reasons.get_mut(index) {
                *slot = Some(reason);
            }
            self.pass_over(index);
            if reasons.iter().all(Option::is_some) {
                let out_of_time = Instant::now() + pause >= deadline;
                if out_of_time || hopeless.iter().all(|hopeless| *hopeless) {
                    let reasons = self.describe_reasons(reasons);
                    return Err(match is_untrusted {
                        true => CallError::Untrusted(reasons),
                        false => CallError::Unavailable(reasons),
                    });
                }
                let first = pause == LONGEST_PAUSE
                    && !tells
                    && !self.is_delay_reported.swap(true, Ordering::Relaxed);
                tells = tells || first;
                if first || tells && tries.is_power_of_two() {
                    let reasons = self.describe_reasons(reasons.clone());
                    let most = humantime::format_duration(self.limits.request);
                    tracing::warn!(
                        "no response after {tries} attempts; giving up after {most} in total: {reasons}"
                    );
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
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

    fn pass_over(&self, index: usize) {
        let next = (index + 1) % self.all.len().max(1);
        // Whoever failed first has moved on already.
        let _ = self.preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn describe_reasons(&self, reasons: Vec<Option<String>>) -> String {
        let described = self.all.iter().zip(reasons).filter_map(|(server, reason)| {
            reason.map(|reason| format!("{}: {reason}", server.address))
        });
        described.collect::<Vec<_>>().join("; ")
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
            None => create_server(address, self.limits, &self.tls),
        }
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

fn create_server(address: &Address, limits: Limits, tls: &TlsOptions) -> Result<Server, String> {
    let channel = create_channel(address, limits, tls)
        .map_err(|reason| format!("the TLS options can't be used: {reason}"))?;
    Ok(Server { address: address.clone(), channel })
}

fn no_answer(limit: Duration) -> String {
    format!("no response within {}", humantime::format_duration(limit))
}
