//! The HTTP client of every AWS service: through the proxies of the environment, to the authorities that the machine
//! trusts, and with a bound for what an answer may have.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::super::transport::load_system_authorities;
use super::answer_limit::LimitedClient;
use super::renewed_client::RenewedClient;
use super::resolver::RacingResolver;

/// Builds a client that goes through the proxies of the environment (`HTTP_PROXY`, `HTTPS_PROXY`,
/// `ALL_PROXY`, `NO_PROXY`, in both cases of letters), as the server's clients of S3 and DynamoDB do.
///
/// # Errors
/// For a TLS context that can't be built, in the library's words.
pub(super) fn build_http_client(resolver: RacingResolver) -> Result<SharedHttpClient, String> {
    // The library asserts that the machine trusts somebody; where nobody is, a handshake is to fail.
    let trust = TrustStore::empty().with_native_roots(!load_system_authorities().is_empty());
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| error.to_string())?;
    let client = RenewedClient::new(move || build_with(&tls, &resolver));
    Ok(SharedHttpClient::new(LimitedClient::new(SharedHttpClient::new(client))))
}

fn build_with(tls: &TlsContext, resolver: &RacingResolver) -> SharedHttpClient {
    let (tls, resolver) = (tls.clone(), resolver.clone());
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, parts| {
        let mut builder = Connector::builder()
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(parts.and_then(RuntimeComponents::sleep_impl));
        builder.build_with_resolver(resolver.clone())
    })
}

/// Adds advice to the reason why a server's certificate is not trusted. A server of Restate uses SSL_CERT_FILE, and
/// not AWS_CA_BUNDLE, for either store (seen with 1.7.12).
pub(super) fn add_trust_advice(mut reason: String) -> String {
    if !load_system_authorities().is_empty() {
        reason.push_str(
            "; a private authority is trusted if SSL_CERT_FILE names a PEM file with its certificate, by the \
             servers too",
        );
    }
    if std::env::var_os("AWS_CA_BUNDLE").is_some() {
        reason.push_str("; AWS_CA_BUNDLE is not used, by the servers neither");
    }
    reason
}
