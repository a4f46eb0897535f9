//! Whom a real server trusts, and what it does with a key id that ends with a newline: our behaviour follows it.

use std::time::Duration;

use tempfile::TempDir;

use crate::support::aws_access::AccessFixture;
use crate::support::certificates::{Authority, CertificateRequest};
use crate::support::tls_proxy::TlsProxy;
use crate::support::{scale_count, wait_for};

const HEADS: [&str; 2] = [
    "type = \"dynamo-db\"\ntable = \"meta\"",
    "type = \"object-store\"\npath = \"s3://bucket/p\"\naws-allow-http = true",
];
const KEYS: &str =
    "aws-region = \"r-toml\"\naws-access-key-id = \"of-toml\"\naws-secret-access-key = \"s\"\n";

#[test]
fn server_trusts_ssl_cert_file_and_not_aws_ca_bundle() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    authority.sign(&CertificateRequest { file: "store", names: &["localhost"], expired: false });
    let ca = folder.path().join("authority.pem");
    let ca = ca.to_str().unwrap();
    for head in &HEADS[..scale_count(1, 2)] {
        let fixture = AccessFixture::new(head);
        let proxy = TlsProxy::start(&fixture.endpoint(), folder.path(), "store");
        let lines = format!("aws-endpoint-url = \"{}\"\n{KEYS}", proxy.endpoint());
        let trusting = [("SSL_CERT_FILE", ca)];
        assert_eq!(fixture.our_signer(&lines, &trusting).as_deref(), Ok("of-toml in r-toml"));
        let signer = fixture.server_signer(&lines, &trusting);
        assert_eq!(signer.as_deref(), Some("of-toml in r-toml"));

        let fixture = AccessFixture::new(head);
        let proxy = TlsProxy::start(&fixture.endpoint(), folder.path(), "store");
        let lines = format!("aws-endpoint-url = \"{}\"\n{KEYS}", proxy.endpoint());
        let bundle = [("AWS_CA_BUNDLE", ca)];
        assert_eq!(fixture.our_signer(&lines, &bundle), Err(6));
        let before = proxy.rejections();
        let server = fixture.start_server(&lines, &bundle);
        wait_for("the server to reject the certificate", Duration::from_secs(30), || {
            (proxy.rejections() > before).then_some(())
        });
        drop(server);
        assert_eq!(fixture.find_signer(), None);
    }
}

#[test]
fn server_never_asks_with_a_key_id_that_ends_with_a_newline() {
    for head in &HEADS[..scale_count(1, 2)] {
        let fixture = AccessFixture::new(head);
        let lines = format!("aws-endpoint-url = \"AT\"\n{}", KEYS.replace("of-toml", "of-toml\\n"));
        assert_eq!(fixture.our_signer(&lines, &[]), Err(2));
        assert_eq!(fixture.server_signer(&lines, &[]), None);
    }
}
