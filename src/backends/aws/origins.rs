//! Where identity, region and endpoint come from, in the order in which they are resolved.

use aws_config::SdkConfig;

use super::access::Reach;
use super::environment::read_variable;
use crate::config::AwsAccess;
use crate::model::{AccessOrigins, Origin};

/// Finds the origins of what was resolved; `variables` name an endpoint, the first one that is set.
pub(in super::super) fn find_origins(
    reach: &Reach<'_>,
    configured_endpoint: Option<&str>,
    variables: &[&'static str],
    resolved: &SdkConfig,
) -> AccessOrigins {
    let of_variables =
        |names: &[&'static str]| names.iter().copied().find(|name| read_variable(name).is_some());
    let or_profile = || named_profile(reach.access).map_or(Origin::DefaultChain, Origin::Profile);
    AccessOrigins {
        identity: match (reach.access, of_variables(&["AWS_ACCESS_KEY_ID"])) {
            (AwsAccess::Keys { .. }, _) => Origin::File,
            (_, Some(variable)) => Origin::Variable(variable),
            (_, None) => or_profile(),
        },
        region: match (reach.region, of_variables(&["AWS_REGION", "AWS_DEFAULT_REGION"])) {
            (Some(_), _) => Origin::File,
            (None, Some(variable)) => Origin::Variable(variable),
            (None, None) => or_profile(),
        },
        endpoint: match (configured_endpoint, of_variables(variables), resolved.endpoint_url()) {
            (Some(_), _, _) => Origin::File,
            (None, Some(variable), _) => Origin::Variable(variable),
            (None, None, Some(_)) => or_profile(),
            (None, None, None) => Origin::Service,
        },
    }
}

/// Returns the profile that the section or the environment names.
fn named_profile(access: &AwsAccess) -> Option<String> {
    match access {
        AwsAccess::Profile(profile) => Some(profile.clone()),
        AwsAccess::Keys { .. } | AwsAccess::DefaultChain => read_variable("AWS_PROFILE"),
    }
}
