//! Certificates for the tests, as PEM files.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// A certificate authority, and the folder for its certificates.
pub struct Authority<'a> {
    folder: &'a Path,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate to sign: its file, its names and its validity.
pub struct CertificateRequest<'a> {
    pub file: &'a str,
    pub names: &'a [&'a str],
    pub expired: bool,
}

impl<'a> Authority<'a> {
    /// Creates an authority and writes its certificate to `NAME.pem`.
    pub fn new(folder: &'a Path, name: &str) -> Authority<'a> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(folder.join(format!("{name}.pem")), pem).unwrap();
        Authority { folder, issuer: Issuer::new(params, key) }
    }

    /// Writes `FILE.pem` and `FILE.key`.
    pub fn sign(&self, wanted: &CertificateRequest<'_>) {
        let names: Vec<_> = wanted.names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if wanted.expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        let path = |end: &str| self.folder.join(format!("{}.{end}", wanted.file));
        std::fs::write(path("pem"), pem).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
    }
}
