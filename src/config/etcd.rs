//! The fields of `type = "etcd"`.

use super::fields::{FieldError, Fields};
use super::ipv6::describe_fault as ipv6_fault;
use super::section::without_userinfo;
use super::store::EtcdConfig;
use super::timeouts::read_timeouts;

/// The port on which an etcd listens by default.
const PORT: u16 = 2379;

/// The fields of this type, beside those of every type.
pub(super) const FIELDS: [&str; 1] = ["addresses"];

pub(super) fn read_etcd(fields: &Fields<'_>, type_at: usize) -> Result<EtcdConfig, FieldError> {
    let (written, at) = fields.texts("addresses")?.ok_or_else(|| {
        let needs = "type \"etcd\" needs addresses, a list of \"host:port\"";
        (type_at, fields.describe_missing("addresses", needs))
    })?;
    if written.is_empty() {
        return Err((at, "addresses is empty; name at least one \"host:port\"".to_owned()));
    }
    let addresses = written
        .into_iter()
        .map(|(written, at)| parse_address(&written).map_err(|reason| (at, reason)))
        .collect::<Result<_, _>>()?;
    Ok(EtcdConfig { addresses, timeouts: read_timeouts(fields)? })
}

/// Reads `host:port`; Restate's client also accepts `http://` in front.
fn parse_address(written: &str) -> Result<String, String> {
    let bare = written.strip_prefix("http://").unwrap_or(written).trim_end_matches('/');
    if bare.starts_with("https://") {
        return Err(
            "addresses are reached over plain http; Restate's etcd client has no TLS".into()
        );
    }
    // Anything in front of an @ is a password, and is not to be shown.
    let shown = without_userinfo(written);
    let wrong = || format!("{shown:?} is not a valid address; write it as \"host:port\"");
    if let Some(fault) = ipv6_fault(bare, PORT).filter(|_| !bare.contains('@')) {
        return Err(format!("{shown:?} {fault}"));
    }
    let uri: tonic::transport::Uri = format!("http://{bare}").parse().map_err(|_| wrong())?;
    match uri.authority() {
        Some(authority)
            if authority.as_str() == bare
                && !bare.contains('@')
                && !authority.host().is_empty()
                && (authority.host() == bare || authority.port_u16().is_some()) =>
        {
            Ok(bare.to_owned())
        }
        _ => Err(wrong()),
    }
}

/// Returns warnings about addresses that probably are mistakes.
pub(super) fn list_warnings<'a>(
    etcd: &'a EtcdConfig,
    file: &'a str,
) -> impl Iterator<Item = String> {
    let without_port = etcd.addresses.iter().filter(|address| !has_port(address));
    without_port.map(move |address| {
        format!("{file}: the address {address:?} has no port, which means 80; etcd's is {PORT}")
    })
}

/// Returns whether an address has a port.
pub(crate) fn has_port(address: &str) -> bool {
    let port = address.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
}
