//! The normal form of an endpoint, in which two configurations of one store are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns an address or URL in its normal form, in which all names of this machine are `localhost` and a port is
/// always written. Names of other machines are kept: only a request could tell whether two of them are one
/// machine.
pub(crate) fn normalize_endpoint(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(authority, &scheme);
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let is_local = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip| loopback.contains(&ip));
    let host = if is_local { "localhost".to_owned() } else { host.to_ascii_lowercase() };
    format!("{scheme}://{}:{port}", host.trim_end_matches('.'))
}

/// Splits an authority into host and port, which is the scheme's where none is written.
fn split_port<'a>(authority: &'a str, scheme: &str) -> (&'a str, &'a str) {
    let default = match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    };
    match authority.rsplit_once(':') {
        // The last colon of an IPv6 address stands before its bracket.
        Some((host, port)) if !port.contains(']') => {
            (host, if port.is_empty() { default } else { port })
        }
        _ => (authority, default),
    }
}

/// Returns the endpoint of a service of AWS in its normal form: all of Amazon's own endpoints of a partition
/// are one place. `endpoint` is as it was resolved, from whatever setting; `None` is the service's own.
pub(crate) fn normalize_aws_endpoint(endpoint: Option<&str>, region: &str) -> String {
    match endpoint {
        Some(endpoint) if !is_amazon(Some(endpoint)) => {
            let path = url::Url::parse(endpoint).map(|url| url.path().to_owned());
            let path = path.unwrap_or_default();
            format!("{}{}", normalize_endpoint(endpoint), path.trim_end_matches('/'))
        }
        _ => {
            let partition = ["cn-", "us-gov-", "us-iso", "eu-isoe"];
            let partition = partition.into_iter().find(|prefix| region.starts_with(prefix));
            format!("aws {}", partition.unwrap_or_default())
        }
    }
}

/// Returns whether this endpoint is Amazon's.
pub(crate) fn is_amazon(endpoint: Option<&str>) -> bool {
    let Some(endpoint) = endpoint else { return true };
    let host = url::Url::parse(endpoint).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.is_some_and(|host| {
        [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|domain| host.ends_with(domain))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_and_default_ports_are_normalized() {
        for (one, other, same) in [
            ("127.0.0.1:2379", "localhost:2379", true),
            ("[::1]:2379", "127.0.0.1:2379", true),
            ("http://[::1]", "http://localhost:80/", true),
            ("http://LocalHost:8333/", "http://127.0.0.1:8333", true),
            ("http://localhost:8333", "https://localhost:8333", false),
            ("https://user@s3.example/x", "HTTPS://s3.example.:443", true),
            ("a:1", "A:1", true),
            ("a:1", "b:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
        ] {
            assert_eq!(normalize_endpoint(one) == normalize_endpoint(other), same, "{one} {other}");
        }
    }

    #[test]
    fn endpoints_of_amazon_are_one_place_in_each_partition() {
        let normalized = |endpoint, region| normalize_aws_endpoint(endpoint, region);
        let default = normalized(None, "eu-central-1");
        let explicit = Some("https://s3.eu-central-1.amazonaws.com");
        assert_eq!(normalized(explicit, "eu-central-1"), default);
        assert_eq!(normalized(None, "us-east-1"), default);
        assert_ne!(normalized(None, "cn-north-1"), default);
        assert_ne!(normalized(Some("https://s3.example"), "eu-central-1"), default);
    }
}
