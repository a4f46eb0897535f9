//! One server of a store, and its connection: made when first used, and made anew where it may be dead without
//! either side knowing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::transport::{Channel, Endpoint};

use super::quick_ack::Traffic;
use super::tls::Tls;
use super::{Address, Limits, create_channel, create_endpoint};

/// One server's address, and the connection to it.
#[derive(Clone)]
pub struct Server {
    /// The address.
    pub address: Address,
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: Endpoint,
    tls: Option<Tls>,
    traffic: Traffic,
    link: Mutex<Link>,
}

/// The current channel.
#[derive(Default)]
struct Link {
    channel: Option<Channel>,
    number: u32,
    has_answered: bool,
}

/// A channel to a server, as one attempt uses it.
pub(super) struct Connection {
    pub(super) channel: Channel,
    /// Which of the server's channels it is.
    pub(super) number: u32,
    /// `true` if it has brought an answer before, so that it may have died since: a firewall that forgets an idle
    /// connection tells neither side.
    pub(super) is_used: bool,
}

impl Server {
    /// Creates the server at this address. Connects when first used.
    ///
    /// # Errors
    /// In words, for an address that can't be used.
    pub(super) fn create(
        address: &Address,
        limits: Limits,
        tls: Option<&Tls>,
    ) -> Result<Server, String> {
        let tls = tls.filter(|_| address.is_tls()).map(Tls::for_one_server);
        let (traffic, link) = (Traffic::default(), Mutex::default());
        let shared = Shared { endpoint: create_endpoint(address, limits)?, tls, traffic, link };
        Ok(Server { address: address.clone(), shared: Arc::new(shared) })
    }

    /// Creates a server that is addressed without TLS. Connects when first used.
    ///
    /// # Errors
    /// In words, for an address that can't be used.
    pub fn without_tls(address: &Address, limits: Limits) -> Result<Server, String> {
        Server::create(address, limits, None)
    }

    /// Returns the same server, reached by one more connection of its own.
    pub fn with_own_connection(&self) -> Server {
        let Shared { endpoint, tls, traffic, .. } = self.shared.as_ref();
        let (endpoint, tls, traffic) = (endpoint.clone(), tls.clone(), traffic.clone());
        let shared = Shared { endpoint, tls, traffic, link: Mutex::default() };
        Server { address: self.address.clone(), shared: Arc::new(shared) }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.shared.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the channel of the current connection.
    pub fn channel(&self) -> Channel {
        self.connection().channel
    }

    /// Returns the current connection.
    pub(super) fn connection(&self) -> Connection {
        let mut link = self.link();
        let Shared { endpoint, tls, traffic, .. } = self.shared.as_ref();
        let create = || create_channel(endpoint, &self.address, tls.as_ref(), traffic);
        let channel = link.channel.get_or_insert_with(create).clone();
        Connection { channel, number: link.number, is_used: link.has_answered }
    }

    /// Records that the connection of this number brought an answer.
    pub(super) fn set_answered(&self, number: u32) {
        let mut link = self.link();
        if link.number == number {
            link.has_answered = true;
        }
    }

    /// Leaves the connection of this number to those that use it: the next attempt makes a new one.
    pub(super) fn renew(&self, number: u32) {
        let mut link = self.link();
        if link.number == number {
            *link = Link { channel: None, number: number.wrapping_add(1), has_answered: false };
        }
    }

    /// Returns the counter of what is sent and received.
    pub(super) fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }
}
