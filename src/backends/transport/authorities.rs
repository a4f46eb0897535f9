//! The certificate authorities that this machine trusts, and the explanation where it trusts none.

use std::ffi::OsString;

use rustls_native_certs::{CertificateResult, Error, ErrorKind, load_native_certs};
use tokio_rustls::rustls::RootCertStore;

use crate::shell::quote_word;

/// The variables that name a file and folders to use instead of the system's.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Returns the authorities that the variables name, or else those of the system.
pub(in super::super) fn load_system_authorities() -> RootCertStore {
    collect(load_native_certs())
}

/// Explains that this machine trusts no authority: what was looked at, and what to do. Returns `None` if it trusts
/// at least one.
pub(in super::super) fn explain_no_authorities() -> Option<String> {
    let mut found = load_native_certs();
    let errors = std::mem::take(&mut found.errors);
    if !collect(found).is_empty() {
        return None;
    }
    let given = VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    Some(format!(
        "this machine trusts no certificate authority ({}): install ca-certificates, or name a PEM file of \
         authorities in SSL_CERT_FILE; in a container, mount that file",
        describe_places(&given.collect::<Vec<_>>(), &errors)
    ))
}

/// Keeps what can be parsed: a system's file may have certificates that rustls does not accept.
fn collect(found: CertificateResult) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    store
}

/// Describes where the library has looked, with its first error.
fn describe_places(given: &[(&str, OsString)], errors: &[Error]) -> String {
    let given: Vec<_> =
        given.iter().map(|(name, value)| format!("{name}={}", quote_word(value))).collect();
    let places = match given.as_slice() {
        [] => "the system's usual files and folders, such as /etc/ssl/certs".to_owned(),
        given => given.join(" and "),
    };
    let reason = match errors.first() {
        Some(Error { kind: ErrorKind::Io { inner, path }, .. }) => {
            format!("{}: {inner}", quote_word(path))
        }
        Some(error) => error.to_string(),
        None => "no certificate there".to_owned(),
    };
    format!("looked at {places}; {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_variables_or_else_the_systems() {
        let given = [("SSL_CERT_FILE", OsString::from("/a file")), ("SSL_CERT_DIR", "/d".into())];
        let text = describe_places(&given, &[]);
        assert_eq!(
            text,
            "looked at SSL_CERT_FILE='/a file' and SSL_CERT_DIR=/d; no certificate there"
        );
        let missing =
            rustls_native_certs::load_certs_from_paths(Some("/nonexistent".as_ref()), None);
        let text = describe_places(&[], &missing.errors);
        assert!(text.contains("such as /etc/ssl/certs; /nonexistent: No such file"), "{text}");
    }
}
