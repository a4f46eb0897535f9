//! The credentials, region and endpoint for S3: each case beside a real server.

use crate::support::aws_access::{AccessFixture, assert_signer};

const HEAD: &str = "type = \"object-store\"\npath = \"s3://bucket/p\"";
const AT: &str = "aws-endpoint-url = \"AT\"\n";
const ALLOW: &str = "aws-allow-http = true\n";
const REGION: &str = "aws-region = \"r-toml\"\n";
const KEYS: &str = "aws-access-key-id = \"of-toml\"\naws-secret-access-key = \"s\"\n";
const PROFILE: &str = "aws-profile = \"named\"\n";

const FILES: [(&str, &str); 2] =
    [("AWS_SHARED_CREDENTIALS_FILE", "FILES"), ("AWS_CONFIG_FILE", "FILES")];
const OF_TOML: &str = "of-toml in r-toml";

#[test]
fn endpoint_of_a_profile_resolves_as_in_the_server() {
    let (general, special) = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3");
    let of_profile = "of-profile in r-profile";
    assert_signer(HEAD, &[ALLOW, PROFILE], &[&FILES], of_profile);
    let at_other = format!("{of_profile}, at the other");
    assert_signer(HEAD, &[ALLOW, PROFILE], &[&FILES, &[(general, "OTHER")]], &at_other);
    assert_signer(HEAD, &[ALLOW, PROFILE], &[&FILES, &[(special, "OTHER")]], &at_other);
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_signer(HEAD, &[ALLOW, PROFILE], &[&FILES, &[ignored, (general, "OTHER")]], &at_other);
    let by_variable = [("AWS_PROFILE", "named"), (general, "OTHER")];
    assert_signer(HEAD, &[ALLOW], &[&FILES, &by_variable], &at_other);
}

#[test]
fn plain_http_is_allowed_as_by_the_server() {
    for value in ["true", "TRUE", "True", " true "] {
        assert_signer(HEAD, &[AT, REGION, KEYS], &[&[("AWS_ALLOW_HTTP", value)]], OF_TOML);
    }
    assert_signer(HEAD, &[AT, ALLOW, REGION, KEYS], &[&[("AWS_ALLOW_HTTP", "false")]], OF_TOML);
    let refused = [("AWS_ALLOW_HTTP", "1"), ("AWS_ALLOW_HTTP", "yes"), ("aws_allow_http", "true")];
    for variable in refused {
        assert_refused(&[AT, REGION, KEYS].concat(), variable);
    }
    let denied = [AT, REGION, KEYS, "aws-allow-http = false\n"].concat();
    assert_refused(&denied, ("AWS_ALLOW_HTTP", "true"));
}

/// Asserts that neither program makes a request.
#[track_caller]
fn assert_refused(lines: &str, variable: (&'static str, &str)) {
    let fixture = AccessFixture::new(HEAD);
    assert_eq!(fixture.our_signer(lines, &[variable]), Err(2), "{lines}{variable:?}");
    assert_eq!(fixture.server_signer(lines, &[variable]), None, "{lines}{variable:?}");
}

#[test]
fn proxies_are_used_as_by_the_server() {
    let http = "aws-endpoint-url = \"http://h.test:81\"\n";
    let https = "aws-endpoint-url = \"https://h.test:82\"\n";
    let through = format!("{OF_TOML}, at the other");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let variable = [(name, "OTHER")];
        assert_signer(HEAD, &[http, ALLOW, REGION, KEYS], &[&variable], &through);
    }
    let tunnel = "a tunnel to h.test:82, at the other";
    assert_signer(HEAD, &[https, REGION, KEYS], &[&[("HTTPS_PROXY", "OTHER")]], tunnel);
    for (name, hosts) in [("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.0/8")] {
        let except = [("HTTP_PROXY", "OTHER"), (name, hosts)];
        assert_signer(HEAD, &[AT, ALLOW, REGION, KEYS], &[&except], OF_TOML);
    }
    // A star stands for names, not for addresses.
    let star = [("HTTP_PROXY", "OTHER"), ("NO_PROXY", "*")];
    assert_signer(HEAD, &[AT, ALLOW, REGION, KEYS], &[&star], &through);
}
