//! From a configuration to a client, as the server resolves it: a profile, if named, else explicit
//! keys, else the SDK's default chain; the region of the field, else the profile's or the
//! environment's; the endpoint of the field, else of two variables.

use std::env;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::super::StoreError;
use crate::config::{AwsAccess, ObjectStoreConfig};

/// A client, and where it goes: the endpoint, if it is not Amazon's own choice.
pub(super) struct Access {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) endpoint: Option<String>,
}

/// Resolves everything that can be known before a request.
pub(super) async fn resolve(
    config: &ObjectStoreConfig,
    request: Duration,
) -> Result<Access, StoreError> {
    let endpoint = endpoint(config);
    check_scheme(config, endpoint.as_deref())?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    match &config.access {
        AwsAccess::Profile(profile) => loader = loader.profile_name(profile),
        AwsAccess::Keys { key_id, secret, token } => {
            let token = token.as_ref().map(|token| token.expose().to_owned());
            let keys = Credentials::new(key_id, secret.expose(), token, None, "toml");
            loader = loader.credentials_provider(keys);
        }
        AwsAccess::DefaultChain => {}
    }
    let resolved = loader.load().await;
    let region = resolved.region().cloned().ok_or_else(|| {
        StoreError::Usage(
            "the AWS region is not known: set aws-region in [metadata-client], or AWS_REGION"
                .to_owned(),
        )
    })?;
    let mut s3 = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .http_client(http)
        .force_path_style(true)
        // Retries are this program's own: a conditional write is judged by reading before it is
        // made again.
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(config.timeouts.connect)
                .operation_attempt_timeout(request)
                .build(),
        )
        // The default adds a checksum in a form (aws-chunked) that ends up in Content-Encoding on
        // some servers, and Restate then can't tell the payload's form.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    s3.set_credentials_provider(resolved.credentials_provider());
    s3.set_sleep_impl(resolved.sleep_impl());
    s3.set_time_source(resolved.time_source());
    s3.set_endpoint_url(endpoint.clone());
    Ok(Access { s3: aws_sdk_s3::Client::from_conf(s3.build()), endpoint })
}

fn endpoint(config: &ObjectStoreConfig) -> Option<String> {
    let variable = |name| env::var(name).ok().filter(|value: &String| !value.is_empty());
    config
        .endpoint
        .clone()
        .or_else(|| variable("AWS_ENDPOINT_URL_S3"))
        .or_else(|| variable("AWS_ENDPOINT_URL"))
}

/// The server refuses plain http unless it is told that this is meant.
fn check_scheme(config: &ObjectStoreConfig, endpoint: Option<&str>) -> Result<(), StoreError> {
    let allowed =
        config.allow_http || env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value == "true");
    match endpoint {
        Some(endpoint) if endpoint.to_ascii_lowercase().starts_with("http://") && !allowed => {
            Err(StoreError::Usage(
                "the S3 endpoint is plain http, which Restate refuses unless aws-allow-http = true \
                 is in [metadata-client]"
                    .to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

/// Whether this endpoint is Amazon's.
pub(super) fn is_amazon(endpoint: Option<&str>) -> bool {
    let Some(endpoint) = endpoint else { return true };
    let host = url::Url::parse(endpoint).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.is_some_and(|host| {
        [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|domain| host.ends_with(domain))
    })
}
