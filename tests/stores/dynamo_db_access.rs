//! The credentials, region and endpoint for DynamoDB: each case beside a real server.

use crate::support::aws_access::{AccessFixture, assert_signer};

const HEAD: &str = "type = \"dynamo-db\"\ntable = \"meta\"";
const AT: &str = "aws-endpoint-url = \"AT\"\n";
const REGION: &str = "aws-region = \"r-toml\"\n";
const KEYS: &str = "aws-access-key-id = \"of-toml\"\naws-secret-access-key = \"s\"\n";
const PROFILE: &str = "aws-profile = \"named\"\n";
const SECRET: &str = "aws-secret-access-key = \"s\"\n";

const FILES: [(&str, &str); 2] =
    [("AWS_SHARED_CREDENTIALS_FILE", "FILES"), ("AWS_CONFIG_FILE", "FILES")];
const ENV: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "of-env"), ("AWS_SECRET_ACCESS_KEY", "s")];
const ENV_REGION: (&str, &str) = ("AWS_REGION", "r-env");
const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn access_settings_resolve_as_in_the_server() {
    // Explicit keys before the environment; plain http needs no flag.
    assert_signer(HEAD, &[AT, REGION, KEYS], &[&ENV], "of-toml in r-toml");
    // The default chain, and the region of two variables.
    assert_signer(HEAD, &[AT, REGION], &[&ENV], "of-env in r-toml");
    assert_signer(HEAD, &[AT], &[&ENV, &[ENV_REGION]], "of-env in r-env");
    assert_signer(HEAD, &[AT], &[&ENV, &[("AWS_DEFAULT_REGION", "r-env")]], "of-env in r-env");
    assert_signer(
        HEAD,
        &[AT, REGION],
        &[&FILES, &[("AWS_PROFILE", "named")]],
        "of-profile in r-toml",
    );
    // A profile with its region, behind the environment.
    assert_signer(HEAD, &[AT, PROFILE], &[&FILES], "of-profile in r-profile");
    assert_signer(HEAD, &[AT, PROFILE], &[&FILES, &ENV], "of-env in r-profile");
    assert_signer(HEAD, &[AT, PROFILE], &[&FILES, &[ENV_REGION]], "of-profile in r-env");
    // A secret without a key id says nothing.
    assert_signer(HEAD, &[AT, PROFILE, SECRET], &[&FILES], "of-profile in r-profile");
    assert_signer(HEAD, &[AT, REGION, SECRET], &[&ENV], "of-env in r-toml");
}

#[test]
fn endpoint_resolves_as_in_the_server() {
    let (general, special) = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB");
    assert_signer(HEAD, &[REGION, KEYS], &[&[(general, "AT")]], "of-toml in r-toml");
    let both = [(general, NOWHERE), (special, "AT")];
    assert_signer(HEAD, &[REGION, KEYS], &[&both], "of-toml in r-toml");
    assert_signer(HEAD, &[AT, REGION, KEYS], &[&[(special, NOWHERE)]], "of-toml in r-toml");
    assert_signer(HEAD, &[PROFILE], &[&FILES], "of-profile in r-profile");
}

#[test]
fn settings_that_the_server_refuses_are_refused() {
    for lines in
        [[AT, REGION, PROFILE, KEYS].concat(), [AT, REGION, "aws-access-key-id = \"k\"\n"].concat()]
    {
        let setting = AccessFixture::new(HEAD);
        assert_eq!(setting.our_signer(&lines, &FILES), Err(2), "{lines}");
        assert_eq!(setting.server_signer(&lines, &FILES), None, "{lines}");
    }
    // It waits for credentials that never come.
    assert_eq!(AccessFixture::new(HEAD).our_signer(&[AT, REGION].concat(), &[]), Err(6));
}

#[test]
fn proxies_are_used_as_by_the_server() {
    let (http, https) =
        ("aws-endpoint-url = \"http://h.test:81\"\n", "aws-endpoint-url = \"https://h.test:82\"\n");
    let through = "of-toml in r-toml, at the other";
    assert_signer(HEAD, &[http, REGION, KEYS], &[&[("HTTP_PROXY", "OTHER")]], through);
    let tunnel = "a tunnel to h.test:82, at the other";
    assert_signer(HEAD, &[https, REGION, KEYS], &[&[("HTTPS_PROXY", "OTHER")]], tunnel);
    let except = [("HTTP_PROXY", "OTHER"), ("NO_PROXY", "127.0.0.1")];
    assert_signer(HEAD, &[AT, REGION, KEYS], &[&except], "of-toml in r-toml");
}
