//! What a section says, what the server understood, and what we did.

use std::time::Duration;

use restatectl::config::{AwsAccess, RetryPolicy, StoreConfig, Timeouts};
use toml::{Table, Value};

/// Returns the dumped section if the server took what is written: the type, and each field that it
/// knows.
pub(super) fn compare_written(body: &str, dumped: &Table) -> Result<Table, String> {
    let document: Table =
        super::oracle::document(body).parse().map_err(|error| format!("{error}"))?;
    let written = match document.get("metadata-client") {
        Some(Value::Table(written)) => written.clone(),
        other => return Err(format!("not a section: {other:?}")),
    };
    let kind = match written.get("type").map(|kind| kind.as_str().unwrap_or("not a text")) {
        None | Some("embedded") => "replicated",
        Some(kind) => kind,
    };
    if dumped["type"].as_str() != Some(kind) {
        return Err(format!("the server falls back to {}", dumped["type"]));
    }
    for (name, value) in &written {
        // Durations, sizes and addresses are shown in other forms: see `compare_values`.
        let as_written = match (value, dumped.get(name)) {
            (Value::String(text), Some(Value::String(shown)))
                if name.starts_with("aws-")
                    || ["path", "table", "key-prefix"].contains(&&**name) =>
            {
                text == shown
            }
            (Value::Boolean(answer), Some(shown)) => shown.as_bool() == Some(*answer),
            _ => true,
        };
        if !as_written {
            return Err(format!("the server has {:?} for {name}", dumped.get(name)));
        }
    }
    Ok(dumped.clone())
}

/// Compares our configuration with the section that the server dumped.
pub(super) fn compare_values(ours: &StoreConfig, dumped: &Table) -> Result<(), String> {
    let text = |name: &str| dumped.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    match ours {
        StoreConfig::Replicated(addresses) => {
            let theirs: Vec<_> = texts(dumped).iter().map(|address| node_place(address)).collect();
            same("addresses", addresses, &theirs)
        }
        StoreConfig::Etcd(etcd) => {
            let theirs: Vec<_> = texts(dumped).iter().map(|address| etcd_place(address)).collect();
            same("addresses", &etcd.addresses, &theirs)?;
            compare_timeouts(etcd.timeouts, dumped)
        }
        StoreConfig::ObjectStore(s3) => {
            same("aws-region", &s3.region, &text("aws-region"))?;
            same(
                "aws-endpoint-url",
                &s3.endpoint.as_deref(),
                &text("aws-endpoint-url").as_deref(),
            )?;
            compare_access(&s3.access, dumped)?;
            // Without a policy of its own, ours is another than the server's.
            if s3.retry != RetryPolicy::DEFAULT {
                compare_retries(
                    &s3.retry,
                    dumped["object-store-retry-policy"].as_table().unwrap(),
                )?;
            }
            compare_timeouts(s3.timeouts, dumped)
        }
        StoreConfig::DynamoDb(dynamo) => {
            same("table", &dynamo.table, &text("table").unwrap_or_default())?;
            same("key-prefix", &dynamo.key_prefix, &text("key-prefix").unwrap_or_default())?;
            same("aws-region", &dynamo.region, &text("aws-region"))?;
            same(
                "aws-endpoint-url",
                &dynamo.endpoint.as_deref(),
                &text("aws-endpoint-url").as_deref(),
            )?;
            compare_access(&dynamo.access, dumped)?;
            compare_timeouts(dynamo.timeouts, dumped)
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours:?}, the server {theirs:?}")) }
}

fn texts(dumped: &Table) -> Vec<String> {
    let list = dumped.get("addresses").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|address| address.as_str().unwrap().to_owned()).collect()
}

/// Returns host and port of an address, without what stands around them.
fn split_place(address: &str) -> (&str, Option<&str>) {
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let authority = address[..end].rsplit('@').next().unwrap();
    match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, Some(port).filter(|port| port.parse::<u16>().is_ok())),
        None => (authority, None),
    }
}

/// Returns where the server's client of etcd connects to: seen for each form with a listener.
fn etcd_place(address: &str) -> String {
    let (host, port) = split_place(address.strip_prefix("http://").unwrap_or(address));
    port.map_or(host.to_owned(), |port| format!("{host}:{}", port.parse::<u16>().unwrap()))
}

/// Returns where the server connects to a node: seen for each form with a listener.
fn node_place(address: &str) -> String {
    if address.starts_with("unix:") {
        return address.to_owned();
    }
    let (scheme, authority) = address.split_once("://").unwrap_or(("", address));
    let (host, port) = split_place(authority);
    let (scheme, default) = match scheme {
        "" => ("http", "5122"),
        "https" => ("https", "443"),
        _ => ("http", "80"),
    };
    format!("{scheme}://{host}:{}", port.unwrap_or(default))
}

fn compare_access(ours: &AwsAccess, dumped: &Table) -> Result<(), String> {
    let text = |name: &str| dumped.get(name).and_then(Value::as_str);
    let same = match ours {
        AwsAccess::Profile(profile) => text("aws-profile") == Some(profile),
        AwsAccess::Keys { key_id, secret, token } => {
            text("aws-access-key-id") == Some(key_id)
                && text("aws-secret-access-key") == Some(secret.expose())
                && text("aws-session-token") == token.as_ref().map(|token| token.expose())
        }
        AwsAccess::DefaultChain => {
            text("aws-profile").is_none() && text("aws-access-key-id").is_none()
        }
    };
    if same { Ok(()) } else { Err(format!("{ours:?}, the server {dumped:?}")) }
}

fn compare_timeouts(ours: Timeouts, dumped: &Table) -> Result<(), String> {
    same("connect-timeout", &ours.connect, &duration(dumped, "connect-timeout"))?;
    same(
        "keep-alive-interval",
        &ours.keep_alive_interval,
        &duration(dumped, "keep-alive-interval"),
    )?;
    same("keep-alive-timeout", &ours.keep_alive, &duration(dumped, "keep-alive-timeout"))
}

fn compare_retries(ours: &RetryPolicy, dumped: &Table) -> Result<(), String> {
    let attempts = dumped.get("max-attempts").and_then(Value::as_integer);
    let max_attempts = attempts.map(|attempts| u64::try_from(attempts).unwrap());
    let theirs = match dumped["type"].as_str().unwrap() {
        "none" => RetryPolicy::None,
        "fixed-delay" => {
            RetryPolicy::FixedDelay { interval: duration(dumped, "interval"), max_attempts }
        }
        _ => RetryPolicy::Exponential {
            initial: duration(dumped, "initial-interval"),
            factor: dumped["factor"].as_float().unwrap(),
            max_attempts,
            max_interval: duration(dumped, "max-interval"),
        },
    };
    // Not a number equals nothing, and a dump has fewer digits than a number in our memory.
    let text = |policy: &RetryPolicy| match policy {
        RetryPolicy::Exponential { initial, factor, max_attempts, max_interval } => {
            format!("{initial:?} {} {max_attempts:?} {max_interval:?}", *factor as f32)
        }
        other => format!("{other:?}"),
    };
    same("object-store-retry-policy", &text(ours), &text(&theirs))
}

/// Reads a duration as the server shows it: `1d 2h 3m 4s 5ms 6µs 7ns`.
fn duration(dumped: &Table, name: &str) -> Duration {
    let shown = dumped[name].as_str().unwrap();
    humantime::parse_duration(&shown.replace('µ', "u"))
        .unwrap_or_else(|error| panic!("{name} {shown}: {error}"))
}
