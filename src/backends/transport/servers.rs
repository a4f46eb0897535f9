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

/// The servers of one store.
pub struct Servers {
    /// The name of this kind of server, in front of its address in messages.
    kind: &'static str,
    all: Vec<Server>,
    preferred: AtomicUsize,
    limits: Limits,
    tls: TlsOptions,
    classify: fn(&Status) -> CallFailure,
    /// `true` once a waiting operator has been informed why, for the first call that has to wait.
    told_of_trouble: AtomicBool,
}

/// The end of a call that no server carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No server could respond in time; the reason of each.
    Unavailable(String),
    /// One of them refused, and would again.
    Permanent(Code, String),
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|server| server.address.to_string())).finish()
    }
}

impl Servers {
    /// Creates the servers at these addresses, of which the first is preferred at the start;
    /// `classify` decides which failures another server may not have.
    ///
    /// Connects to none of them yet.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn new(
        kind: &'static str,
        addresses: &[Address],
        limits: Limits,
        tls: TlsOptions,
        classify: fn(&Status) -> CallFailure,
    ) -> Result<Self, String> {
        let all = addresses
            .iter()
            .map(|address| server(address, limits, &tls))
            .collect::<Result<_, _>>()?;
        let (preferred, told_of_trouble) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Servers { kind, all, preferred, limits, tls, classify, told_of_trouble })
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
        let mut tells = false;
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
                Err(CallFailure::NotHere(reason)) => {
                    if let Some(slot) = hopeless.get_mut(index) {
                        *slot = true;
                    }
                    reason
                }
            };
            if let Some(slot) = reasons.get_mut(index) {
                *slot = Some(reason);
            }
            self.pass_over(index);
            if reasons.iter().all(Option::is_some) {
                let out_of_time = Instant::now() + pause >= deadline;
                if out_of_time || hopeless.iter().all(|hopeless| *hopeless) {
                    return Err(CallError::Unavailable(self.warn_of_delay(reasons)));
                }
                let first = pause == LONGEST_PAUSE
                    && !tells
                    && !self.told_of_trouble.swap(true, Ordering::Relaxed);
                tells = tells || first;
                if first || tells && tries.is_power_of_two() {
                    let reasons = self.warn_of_delay(reasons.clone());
                    let most = humantime::format_duration(self.limits.request);
                    tracing::warn!(
                        "no answer after {tries} tries, trying on for {most} at most: {reasons}"
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
            Ok(Err(status)) => Err((self.classify)(&status)),
            Err(_) => Err(CallFailure::Elsewhere(no_answer(self.limits.request))),
        };
        let reason = outcome.as_ref().err().map(CallFailure::reason);
        what.finish(&format_args!("{} {}", self.kind, server.address), started, reason);
        outcome
    }

    fn pass_over(&self, index: usize) {
        let next = (index + 1) % self.all.len().max(1);
        // Whoever failed first has moved on already.
        let _ = self.preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn warn_of_delay(&self, reasons: Vec<Option<String>>) -> String {
        let told = self.all.iter().zip(reasons).filter_map(|(server, reason)| {
            reason.map(|reason| format!("{}: {reason}", server.address))
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// Makes one call on one server, one attempt, within the time of a request.
    ///
    /// # Errors
    /// In words.
    pub(in super::super) async fn call_once<T>(
        &self,
        server: &Server,
        what: &Request<'_>,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, String> {
        let outcome = self.call_server(server, what, call).await;
        outcome.map(tonic::Response::into_inner).map_err(|failure| failure.reason().to_owned())
    }

    /// Returns the server at any address, with the limits and TLS options of all.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub fn server_at(&self, address: &Address) -> Result<Server, String> {
        match self.all.iter().find(|server| server.address == *address) {
            Some(known) => Ok(known.clone()),
            None => server(address, self.limits, &self.tls),
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

fn server(address: &Address, limits: Limits, tls: &TlsOptions) -> Result<Server, String> {
    let channel = create_channel(address, limits, tls)
        .map_err(|reason| format!("the TLS options can't be used: {reason}"))?;
    Ok(Server { address: address.clone(), channel })
}

fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(limit))
}
