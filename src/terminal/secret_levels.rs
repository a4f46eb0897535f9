//! The highest levels at which the libraries log: above them their lines would hold secrets or stored values.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The libraries' modules that log a secret at `debug`: an endpoint with its user name and password (seen).
const UP_TO_INFO: [&str; 4] = [
    "hyper_util::client::legacy",
    "aws_smithy_runtime::client::orchestrator::endpoints",
    "aws_sdk_s3::endpoint_auth",
    "aws_sigv4",
];

/// Returns the filter that applies whatever `RUST_LOG` says.
///
/// The libraries do not log at `trace`. Seen there: whole answers of the services that hand out keys (roles,
/// containers, instances, SSO), the tokens sent to these, endpoints with a password in every request, and the
/// values of DynamoDB items with the headers of deployments in them. Some of them are printed by
/// `aws_smithy_http_client`, others by `aws_smithy_runtime`, `aws_smithy_runtime_api`, `aws_sigv4`, `hyper_util` and
/// the generated code of each service: a limit for all holds for those of later versions, too.
pub(super) fn levels_without_secrets() -> Targets {
    let targets = UP_TO_INFO.iter().map(|target| (*target, LevelFilter::INFO));
    Targets::new()
        .with_default(LevelFilter::DEBUG)
        .with_target(env!("CARGO_PKG_NAME"), LevelFilter::TRACE)
        .with_targets(targets)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn only_this_program_logs_at_trace() {
        let levels = levels_without_secrets();
        let endpoints = "aws_smithy_runtime::client::orchestrator::endpoints";
        for (target, level, enabled) in [
            ("restatectl::backends::etcd", Level::TRACE, true),
            ("aws_smithy_http_client::client::connect", Level::TRACE, false),
            ("h2::codec", Level::TRACE, false),
            ("h2::codec", Level::DEBUG, true),
            (endpoints, Level::DEBUG, false),
            (endpoints, Level::INFO, true),
        ] {
            assert_eq!(levels.would_enable(target, &level), enabled, "{target} {level}");
        }
    }
}
