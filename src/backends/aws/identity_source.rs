//! Where credentials come from, by the same order as the library's chain: for messages only.
//!
//! The library says what went wrong in words that differ from version to version. What an operator
//! has to do follows from the source that is configured, which is found here.

use std::borrow::Cow;
use std::fmt;

use aws_config::profile::{self, Profile, ProfileSet};

use super::environment::read_variable;
use super::fault::innermost_cause;
use crate::config::AwsAccess;

/// The server of a container's credentials for which only a path is given.
const CONTAINER_SERVER: &str = "http://169.254.170.2";

/// The most profiles that name one another with `source_profile`.
const MOST_PROFILES: usize = 16;

/// The first source that is configured. A profile is given by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IdentitySource {
    Environment,
    /// The files of profiles can't be read, for this reason.
    UnreadableFiles(String),
    /// The profile is in no file.
    NoProfile(String),
    /// The profile says nothing of an identity.
    EmptyProfile(String),
    Keys(String),
    Sso(String),
    LoginSession(String),
    Process(String),
    Role(String),
    /// With the file of the token.
    WebIdentity(String),
    /// The server of a container's credentials. It may give them to everybody who knows the whole URI.
    Container(String),
    /// The metadata service of a virtual machine, which is asked where nothing is configured.
    Instance,
}

impl fmt::Display for IdentitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentitySource::Environment => f.write_str("the keys of AWS_ACCESS_KEY_ID"),
            IdentitySource::UnreadableFiles(reason) => {
                write!(f, "{} can't be read: {reason}", describe_files())
            }
            IdentitySource::NoProfile(name) => {
                write!(f, "the profile {name} does not exist in {}", describe_files())
            }
            IdentitySource::EmptyProfile(name) => {
                write!(f, "the profile {name} has no credentials")
            }
            IdentitySource::Keys(name) => write!(f, "the keys of the profile {name}"),
            IdentitySource::Sso(name) => write!(f, "the SSO session of the profile {name}"),
            IdentitySource::LoginSession(name) => write!(
                f,
                "the profile {name} has a login_session, which neither this program nor the Restate server \
                 supports"
            ),
            IdentitySource::Process(name) => {
                write!(f, "the credential_process of the profile {name}")
            }
            IdentitySource::Role(name) => write!(f, "the role of the profile {name}"),
            IdentitySource::WebIdentity(file) => write!(f, "the web identity token in {file}"),
            IdentitySource::Container(server) => {
                write!(f, "the container's credentials at {server}")
            }
            IdentitySource::Instance => f.write_str("the instance metadata (IMDS)"),
        }
    }
}

impl IdentitySource {
    /// Returns whether the name of the source says all, and what the library says is for those who build
    /// programs with it.
    pub(super) fn is_complete(&self) -> bool {
        matches!(
            self,
            IdentitySource::UnreadableFiles(_)
                | IdentitySource::NoProfile(_)
                | IdentitySource::EmptyProfile(_)
                | IdentitySource::LoginSession(_)
        )
    }

    /// Returns what to do where it fails.
    pub(super) fn advice(&self) -> Option<String> {
        Some(match self {
            IdentitySource::Environment | IdentitySource::UnreadableFiles(_) => return None,
            IdentitySource::NoProfile(_) => {
                "check its name, or set AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE".to_owned()
            }
            IdentitySource::EmptyProfile(name) | IdentitySource::Keys(name) => format!(
                "give the profile {name} both aws_access_key_id and aws_secret_access_key, or a role, \
                 sso_session or credential_process"
            ),
            IdentitySource::Sso(name) => format!("run `aws sso login --profile {name}`"),
            IdentitySource::LoginSession(_) => {
                "use a profile with SSO, a role or keys instead".to_owned()
            }
            IdentitySource::Process(_) => {
                "run its command by hand, as the same user; it must print JSON with Version 1".to_owned()
            }
            IdentitySource::Role(_) => "check role_arn, and the source of the role".to_owned(),
            IdentitySource::WebIdentity(_) => {
                "check that the file is mounted, and the role that AWS_ROLE_ARN or role_arn names".to_owned()
            }
            IdentitySource::Container(_) => {
                "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned()
            }
            IdentitySource::Instance => {
                "give the machine a role, name aws-profile or keys in [metadata-client], or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            }
        })
    }
}

/// Finds the source in the order of the library's chain.
pub(super) async fn find_source(access: &AwsAccess) -> IdentitySource {
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    if keys.iter().all(|name| read_variable(name).is_some()) {
        return IdentitySource::Environment;
    }
    if let Some(source) = find_in_profile(access).await {
        return source;
    }
    let container = match read_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(_) => Some(CONTAINER_SERVER.to_owned()),
        None => read_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(|uri| server_of(&uri)),
    };
    match (read_variable("AWS_WEB_IDENTITY_TOKEN_FILE"), container) {
        (Some(file), _) => IdentitySource::WebIdentity(file),
        (None, Some(server)) => IdentitySource::Container(server),
        (None, None) => IdentitySource::Instance,
    }
}

/// Returns the part of a URI that names the server.
fn server_of(uri: &str) -> String {
    let uri = crate::config::without_userinfo(uri);
    let start = uri.find("://").map_or(0, |scheme| scheme + 3);
    let (scheme, rest) = uri.split_at(start);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}{host}")
}

/// Describes all sources, where none of them had credentials.
pub(super) async fn describe_all_tried(access: &AwsAccess) -> String {
    let unset = |names: [&'static str; 2]| {
        let unset: Vec<_> =
            names.into_iter().filter(|name| read_variable(name).is_none()).collect();
        let verb = if unset.len() == 1 { "is" } else { "are" };
        format!("{} {verb} not set", unset.join(" and "))
    };
    let profile = match find_in_profile(access).await {
        Some(source) => source.to_string(),
        None => format!("there is no profile default in {}", describe_files()),
    };
    let is_disabled = read_variable("AWS_EC2_METADATA_DISABLED")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let instance =
        if is_disabled { "disabled by AWS_EC2_METADATA_DISABLED" } else { "no response" };
    format!(
        "the environment ({}), the files ({profile}), a web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set), \
         a container ({}) or the instance metadata ({instance})",
        unset(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        unset(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
    )
}

/// Names the files of profiles.
fn describe_files() -> String {
    let path =
        |name: &str, default: &str| read_variable(name).unwrap_or_else(|| default.to_owned());
    let credentials = path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
    format!("{} and {credentials}", path("AWS_CONFIG_FILE", "~/.aws/config"))
}

/// Finds what the profile says; `None` where none is named and there is no default.
async fn find_in_profile(access: &AwsAccess) -> Option<IdentitySource> {
    let named = match access {
        AwsAccess::Profile(name) => Some(name.clone()),
        AwsAccess::Keys { .. } | AwsAccess::DefaultChain => read_variable("AWS_PROFILE"),
    };
    let files = (Default::default(), Default::default(), Default::default());
    let selected = named.clone().map(Cow::Owned);
    let set = match profile::load(&files.0, &files.1, &files.2, selected).await {
        Ok(set) => set,
        Err(error) => return Some(IdentitySource::UnreadableFiles(innermost_cause(&error))),
    };
    match (named, set.get_profile(set.selected_profile())) {
        (_, Some(profile)) => Some(source_of(&set, profile)),
        (Some(name), None) => Some(IdentitySource::NoProfile(name)),
        (None, None) => None,
    }
}

/// Follows `source_profile` to the profile that has credentials.
fn source_of(set: &ProfileSet, first: &Profile) -> IdentitySource {
    let mut profile = first;
    for _ in 0..MOST_PROFILES {
        let is_role =
            profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none();
        let source = profile.get("source_profile").filter(|name| *name != profile.name());
        match source.filter(|_| is_role) {
            None if is_role => return IdentitySource::Role(profile.name().to_owned()),
            // Where its source has keys, it is the role that can't be had.
            None if profile.name() != first.name() && has_keys(profile) => {
                return IdentitySource::Role(first.name().to_owned());
            }
            None => return base_of(profile),
            Some(name) => match set.get_profile(name) {
                Some(source) => profile = source,
                None => return IdentitySource::NoProfile(name.to_owned()),
            },
        }
    }
    IdentitySource::Role(first.name().to_owned())
}

fn has_keys(profile: &Profile) -> bool {
    ["aws_access_key_id", "aws_secret_access_key"].iter().all(|key| profile.get(key).is_some())
}

fn base_of(profile: &Profile) -> IdentitySource {
    let name = profile.name().to_owned();
    let has = |fields: &[&str]| fields.iter().any(|field| profile.get(field).is_some());
    if let Some(file) = profile.get("web_identity_token_file") {
        IdentitySource::WebIdentity(file.to_owned())
    } else if has(&["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"]) {
        IdentitySource::Sso(name)
    } else if has(&["login_session"]) {
        IdentitySource::LoginSession(name)
    } else if has(&["credential_process"]) {
        IdentitySource::Process(name)
    } else if has(&["aws_access_key_id", "aws_secret_access_key"]) {
        IdentitySource::Keys(name)
    } else {
        IdentitySource::EmptyProfile(name)
    }
}
