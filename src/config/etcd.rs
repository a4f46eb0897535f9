//! The fields of `type = "etcd"`.

use super::fields::{FieldError, Fields};
use super::general::read_general;
use super::ipv6::describe_fault as ipv6_fault;
use super::section::without_userinfo;
use super::store::EtcdConfig;

/// The port on which an etcd listens by default.
const PORT: u16 = 2379;

/// The fields of this type, beside those of every type.
pub(super) const FIELDS: [&str; 1] = ["addresses"];

pub(super) fn read_etcd(fields: &Fields<'_>, type_at: usize) -> Result<EtcdConfig, FieldError> {
    let timeouts = read_general(fields)?;
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
    Ok(EtcdConfig { addresses, timeouts })
}

/// Reads an address as Restate's client does: it puts `http://` in front, and connects to the host
/// and port, whatever is around them.
fn parse_address(written: &str) -> Result<String, String> {
    let bare = written.strip_prefix("http://").unwrap_or(written);
    if bare.starts_with("https://") {
        return Err(
            "addresses are reached over plain http; Restate's etcd client has no TLS".into()
        );
    }
    // Anything in front of an @ is a password, and is not to be shown.
    let shown = without_userinfo(written);
    let wrong = || format!("{shown:?} is not a valid address; write it as \"host:port\"");
    let fault = ipv6_fault(bare, PORT).filter(|_| !bare.contains(['@', '/', '?', '#']));
    if let Some(fault) = fault {
        return Err(format!("{shown:?} {fault}"));
    }
    // It would look up a host of the name of the scheme, or of both names.
    if bare.contains("://") || bare.starts_with("unix:") || bare.contains(',') {
        return Err(wrong());
    }
    let uri: tonic::transport::Uri = format!("http://{bare}").parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    Ok(uri.port_u16().map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

/// Returns warnings about addresses that probably are mistakes.
pub(super) fn list_warnings<'a>(
    etcd: &'a EtcdConfig,
    file: &'a str,
) -> impl Iterator<Item = String> {
    let without_port = etcd.addresses.iter().filter(|address| !has_port(address));
    without_port.map(move |address| {
        format!(
            "{file}: the address {address:?} has no valid port, which means 80; etcd's is {PORT}"
        )
    })
}

/// Returns whether an address has a port.
pub(crate) fn has_port(address: &str) -> bool {
    let port = address.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
}
