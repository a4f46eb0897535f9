//! A client that begins anew with connecting once a request was given up without an answer: a firewall that forgot one
//! of the connections that are kept has forgotten all of them, and each retry would wait for the next.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A client that is replaced after a request without an answer. The requests under way keep theirs.
pub(super) struct RenewedClient(Arc<Mutex<Current>>);

struct Current {
    client: SharedHttpClient,
    /// The number of clients before this one.
    generation: u64,
    build: Box<dyn Fn() -> SharedHttpClient + Send>,
}

impl RenewedClient {
    /// Creates a client out of those that this function builds.
    pub(super) fn new(build: impl Fn() -> SharedHttpClient + Send + 'static) -> RenewedClient {
        let current = Current { client: build(), generation: 0, build: Box::new(build) };
        RenewedClient(Arc::new(Mutex::new(current)))
    }
}

impl fmt::Debug for RenewedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RenewedClient").field(&lock(&self.0).generation).finish()
    }
}

impl HttpClient for RenewedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (client, generation) = {
            let current = lock(&self.0);
            (current.client.clone(), current.generation)
        };
        SharedHttpConnector::new(WatchedConnector {
            connector: client.http_connector(settings, components),
            current: Arc::clone(&self.0),
            generation,
        })
    }
}

/// Notices which of its requests are given up.
#[derive(Debug)]
struct WatchedConnector {
    connector: SharedHttpConnector,
    current: Arc<Mutex<Current>>,
    generation: u64,
}

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.connector.call(request);
        let unanswered =
            Unanswered { current: Some(Arc::clone(&self.current)), generation: self.generation };
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            unanswered.forget();
            answer
        })
    }
}

/// Replaces the client when it is dropped before there is an answer.
struct Unanswered {
    current: Option<Arc<Mutex<Current>>>,
    generation: u64,
}

impl Unanswered {
    /// Leaves the client as it is: there is an answer, or an error that ends the connection.
    fn forget(mut self) {
        self.current = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(current) = self.current.take() else { return };
        let mut current = lock(&current);
        if current.generation == self.generation {
            current.client = (current.build)();
            current.generation += 1;
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn lock(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}
