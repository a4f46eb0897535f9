//! One server of a store.

use tonic::transport::Channel;

use super::{Address, Limits, TlsOptions, create_channel};

/// One server's address, and the channel to it.
#[derive(Clone)]
pub struct Server {
    /// The address.
    pub address: Address,
    /// Connects when first used.
    pub channel: Channel,
}

impl Server {
    /// Creates the server at this address. Connects when first used.
    ///
    /// # Errors
    /// In words, when the TLS options can't be used.
    pub(super) fn create(
        address: &Address,
        limits: Limits,
        tls: &TlsOptions,
    ) -> Result<Server, String> {
        let channel = create_channel(address, limits, tls)
            .map_err(|reason| format!("the TLS options can't be used: {reason}"))?;
        Ok(Server { address: address.clone(), channel })
    }
}
