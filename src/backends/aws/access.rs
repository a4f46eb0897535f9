//! Builds what every AWS client is made of, as the server resolves it: a profile, if
//! named, else explicit keys, else the SDK's default chain; the region of the field, else the
//! profile's or the environment's.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use tokio::time::timeout;

use super::credentials::{self, CheckedCredentials};
use super::http_client::build_http_client;
use super::resolver::RacingResolver;
use crate::config::AwsAccess;
use crate::model::StoreError;

/// The options by which a service is reached.
pub(in super::super) struct Reach<'a> {
    pub(in super::super) access: &'a AwsAccess,
    pub(in super::super) region: Option<&'a str>,
    /// The configured endpoint; the environment's is left to the SDK.
    pub(in super::super) endpoint: Option<&'a str>,
    /// The endpoint that requests go to, from whatever source, if known; the SDK does not get it.
    pub(in super::super) goes_to: Option<&'a str>,
    /// The time limit of a connection.
    pub(in super::super) connect: Duration,
    /// The time limit of one attempt of a request.
    pub(in super::super) request: Duration,
}

/// Resolves everything that can be known before a request. Retries are left to the stores, since a
/// conditional write is judged by reading before it is made again.
pub(in super::super) async fn load_sdk_config(reach: &Reach<'_>) -> Result<SdkConfig, StoreError> {
    let http = build_http_client(RacingResolver::new(reach.goes_to, reach.connect));
    let http = http.map_err(StoreError::Usage)?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(reach.connect)
        .operation_attempt_timeout(reach.request);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    if let Some(region) = reach.region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = reach.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    match reach.access {
        AwsAccess::Profile(profile) => loader = loader.profile_name(profile),
        AwsAccess::Keys { key_id, secret, token } => {
            let token = token.as_ref().map(|token| token.expose().to_owned());
            let keys = Credentials::new(key_id, secret.expose(), token, None, "toml");
            loader = loader.credentials_provider(keys);
        }
        AwsAccess::DefaultChain => {}
    }
    // The region may be asked for: of the instance metadata, whose answers have no time of their own.
    let wait = credentials::wait_within(reach.request);
    let resolved = timeout(wait, loader.load()).await.map_err(|_| {
        let seconds = wait.as_secs_f64();
        StoreError::Usage(format!(
            "the AWS region was not found within {seconds} s: set aws-region in [metadata-client], or \
             AWS_REGION"
        ))
    })?;
    check_region(resolved.region())?;
    let Some(found) = resolved.credentials_provider() else { return Ok(resolved) };
    let checked = CheckedCredentials::new(found, reach.access, reach.request);
    let checked = SharedCredentialsProvider::new(checked);
    Ok(resolved.into_builder().credentials_provider(checked).build())
}

/// Refuses a region that can't be in a host name: the library fails with each request.
fn check_region(region: Option<&Region>) -> Result<(), StoreError> {
    let Some(region) = region.map(Region::as_ref) else {
        return Err(StoreError::Usage(
            "the AWS region is not known: set aws-region in [metadata-client], or AWS_REGION"
                .to_owned(),
        ));
    };
    match region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        true => Ok(()),
        false => Err(StoreError::Usage(format!(
            "the AWS region {region:?} is not a valid name: check aws-region in [metadata-client], \
             AWS_REGION, or the profile"
        ))),
    }
}
