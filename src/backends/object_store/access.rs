//! Builds a client from a configuration, as the server resolves it: the endpoint of the field, else of two
//! variables, else of the profile that the section names; what is common to all of AWS is resolved in
//! [`aws`].

use std::env;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::{
    Builder, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};

use super::super::aws::{self, Reach, read_variable};
use super::keyless_resolver::KeylessResolver;
use crate::config::{AwsAccess, ObjectStoreConfig};
use crate::model::{AccessOrigins, Origin, StoreError};

/// A client, and where it goes: the endpoint, if it is not Amazon's own choice.
pub(super) struct Access {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    pub(super) origins: AccessOrigins,
}

/// The variables that name an endpoint, the first one that is set.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// Resolves everything that can be known before a request.
pub(super) async fn resolve_access(
    config: &ObjectStoreConfig,
    request: Duration,
) -> Result<Access, StoreError> {
    let configured = find_endpoint(config);
    let reach = Reach {
        access: &config.access,
        region: config.region.as_deref(),
        endpoint: None,
        goes_to: configured.as_deref(),
        connect: config.timeouts.connect,
        request,
    };
    let resolved = aws::load_sdk_config(&reach).await?;
    let endpoint = configured.clone().or_else(|| find_profile_endpoint(config, &resolved));
    check_scheme(config, endpoint.as_deref())?;
    let mut origins =
        aws::find_origins(&reach, config.endpoint.as_deref(), &ENDPOINT_VARIABLES, &resolved);
    if endpoint.is_none() {
        // Of a profile that only the environment names, the endpoint is not used.
        origins.endpoint = Origin::Service;
    }
    let mut s3 = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(resolved.region().cloned())
        .force_path_style(true)
        // The default adds a checksum in a form (aws-chunked) that ends up in Content-Encoding on
        // some servers, and Restate then can't tell the payload's form.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // Each request and each body has a time limit of its own.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_resolver(KeylessResolver::default());
    s3.set_http_client(resolved.http_client());
    s3.set_retry_config(resolved.retry_config().cloned());
    s3.set_timeout_config(resolved.timeout_config().cloned());
    s3.set_credentials_provider(resolved.credentials_provider());
    s3.set_sleep_impl(resolved.sleep_impl());
    s3.set_time_source(resolved.time_source());
    s3.set_endpoint_url(endpoint.clone());
    let region = resolved.region().map(ToString::to_string).unwrap_or_default();
    Ok(Access { s3: aws_sdk_s3::Client::from_conf(s3.build()), endpoint, region, origins })
}

fn find_endpoint(config: &ObjectStoreConfig) -> Option<String> {
    config
        .endpoint
        .as_deref()
        .map(ToOwned::to_owned)
        .or_else(|| ENDPOINT_VARIABLES.into_iter().find_map(read_variable))
}

/// Returns the `endpoint_url` of a profile, which the server uses only where the section names the
/// profile, and never one for a single service.
fn find_profile_endpoint(config: &ObjectStoreConfig, resolved: &SdkConfig) -> Option<String> {
    let named = matches!(config.access, AwsAccess::Profile(_));
    resolved.endpoint_url().filter(|_| named).map(ToOwned::to_owned)
}

/// Refuses plain http unless it is allowed, as the server does.
fn check_scheme(config: &ObjectStoreConfig, endpoint: Option<&str>) -> Result<(), StoreError> {
    let by_environment = || {
        let value = env::var("AWS_ALLOW_HTTP").unwrap_or_default();
        value.trim().eq_ignore_ascii_case("true")
    };
    let allowed = config.allow_http.unwrap_or_else(by_environment);
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
