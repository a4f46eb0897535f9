//! The fields for identity, region and endpoint of AWS.

use super::fields::{FieldError, Fields, WithOffset};
use super::ipv6::describe_fault;
use super::secret::{AwsAccess, EndpointUrl, Secret};

/// The behaviour of a server that finds a profile and an access key in one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProfileAndKey {
    /// The server uses the profile.
    IsTheProfile,
    /// The server does not start.
    IsRefused,
}

/// Reads the identity: a profile, if named; else explicit keys, if given; else the default chain.
pub(super) fn read_access(
    fields: &Fields<'_>,
    both: ProfileAndKey,
) -> Result<AwsAccess, FieldError> {
    let profile = fields.text("aws-profile")?;
    let key_id = fields.text("aws-access-key-id")?;
    let secret = fields.text("aws-secret-access-key")?;
    let token = fields.text("aws-session-token")?;
    if let (Some(_), Some((_, at)), ProfileAndKey::IsRefused) = (&profile, &key_id, both) {
        let reason = "give aws-profile or aws-access-key-id, not both";
        return Err((*at, reason.to_owned()));
    }
    match (profile, key_id) {
        (Some((profile, _)), _) => Ok(AwsAccess::Profile(profile)),
        (None, Some(key_id)) => keys(key_id, secret, token),
        (None, None) => Ok(AwsAccess::DefaultChain),
    }
}

fn keys(
    (key_id, at): WithOffset<String>,
    secret: Option<WithOffset<String>>,
    token: Option<WithOffset<String>>,
) -> Result<AwsAccess, FieldError> {
    let Some((secret, _)) = secret else {
        return Err((at, "aws-access-key-id needs aws-secret-access-key beside it".to_owned()));
    };
    if !key_id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        let reason = "aws-access-key-id has a newline, or another character that can't be sent; a Restate \
                      server panics";
        return Err((at, reason.to_owned()));
    }
    let token = token.map(|(token, _)| Secret::new(token));
    Ok(AwsAccess::Keys { key_id, secret: Secret::new(secret), token })
}

pub(super) fn read_region(fields: &Fields<'_>) -> Result<Option<String>, FieldError> {
    Ok(fields.text("aws-region")?.map(|(region, _)| region))
}

pub(super) fn read_endpoint(fields: &Fields<'_>) -> Result<Option<EndpointUrl>, FieldError> {
    let Some((endpoint, at)) = fields.text("aws-endpoint-url")? else { return Ok(None) };
    match url::Url::parse(&endpoint) {
        Ok(url)
            if ["http", "https"].contains(&url.scheme())
                && url.has_host()
                && endpoint.trim() == endpoint =>
        {
            Ok(Some(EndpointUrl::new(endpoint)))
        }
        _ => {
            let authority = endpoint.split_once("://").map_or("", |(_, authority)| authority);
            let ipv6 = describe_fault(authority, 443).filter(|_| !authority.contains('@'));
            let more = ipv6.map(|fault| format!("; {authority:?} {fault}")).unwrap_or_default();
            Err((at, format!("aws-endpoint-url must be a URL such as \"https://host:port\"{more}")))
        }
    }
}
