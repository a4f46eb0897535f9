//! The address of a node: `http://host:port`, `https://host:port` or `unix:/path`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tonic::transport::Uri;

use crate::config;

/// The port that a node's fabric services have unless configured otherwise.
const DEFAULT_PORT: u16 = 5122;

/// A checked address of one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    uri: Uri,
    socket: Option<PathBuf>,
}

impl Address {
    /// Returns the URI that requests are addressed to; for a socket, a stand-in that is never
    /// resolved.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the path of a unix socket.
    pub fn socket_path(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Returns whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return parse_unix(path);
        }
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let wrong = || {
            if !text.contains('@')
                && let Some(fault) = config::ipv6_fault(authority(text), DEFAULT_PORT)
            {
                return format!("{text:?} {fault}");
            }
            // What stands in front of an @ may be a password.
            let shown = if text.contains('@') { "the address" } else { text };
            format!(
                "{shown:?} is not a valid address; write http://host:port, https://host:port or unix:/path"
            )
        };
        let uri: Uri = with_scheme.parse().map_err(|_| wrong())?;
        if config::ipv6_fault(authority(&with_scheme), DEFAULT_PORT).is_some() {
            return Err(wrong());
        }
        let host =
            uri.host().filter(|host| !host.is_empty() && !text.contains('@')).ok_or_else(wrong)?;
        let scheme =
            uri.scheme_str().filter(|s| ["http", "https"].contains(s)).ok_or_else(wrong)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong());
        }
        let port = match uri.authority().map(|all| all.as_str().ends_with(':')) {
            Some(true) => return Err(wrong()),
            _ => uri.port_u16(),
        };
        let port = match (port, uri.port().is_some() || host.len() < authority_len(&uri)) {
            (Some(port), _) => port,
            (None, false) => DEFAULT_PORT,
            (None, true) => return Err(wrong()),
        };
        let uri = format!("{scheme}://{host}:{port}").parse().map_err(|_| wrong())?;
        Ok(Address { uri, socket: None })
    }
}

/// Returns the part after the scheme.
fn authority(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, authority)| authority)
}

fn authority_len(uri: &Uri) -> usize {
    uri.authority().map_or(0, |authority| authority.as_str().len())
}

fn parse_unix(path: &str) -> Result<Address, String> {
    // Both unix:/path and the URL form unix:///path.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err("a unix: address needs a path, as in unix:/run/restate.sock".to_owned());
    }
    Ok(Address { uri: Uri::from_static("http://localhost"), socket: Some(PathBuf::from(path)) })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(f, "unix:{}", path.display()),
            None => f.write_str(self.uri.to_string().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_and_its_plain_one() {
        for (written, plain) in [
            ("http://localhost:5122/", "http://localhost:5122"),
            ("localhost", "http://localhost:5122"),
            ("10.0.0.1:1", "http://10.0.0.1:1"),
            (" https://node.example.com ", "https://node.example.com:5122"),
            ("http://[::1]:7", "http://[::1]:7"),
            ("unix:/run/restate.sock", "unix:/run/restate.sock"),
            ("unix:///run/restate.sock", "unix:/run/restate.sock"),
        ] {
            assert_eq!(written.parse::<Address>().unwrap().to_string(), plain);
        }
    }

    #[test]
    fn invalid_address_is_refused_without_showing_a_password() {
        for text in ["", "http://", "ftp://a", "http://a:99999", "http://a:", "a/b", "unix:", "a b"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let refusal = "http://root:s3cr3t@host:1".parse::<Address>().unwrap_err();
        assert!(!refusal.contains("s3cr3t"));
    }
}
