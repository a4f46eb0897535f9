//! Deployments, subscriptions and rules as tables.

use super::part_table::PartTable;
use crate::outcome::{DescribedDeployment, DescribedRule, DescribedService, DescribedSubscription};
use crate::report::table::EMPTY_CELL;
use crate::wording::plural;

fn or_empty(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| EMPTY_CELL.to_owned())
}

/// Returns a row for each deployment, or for each of their services if every row is asked for.
pub(super) fn deployment_table(deployments: &[DescribedDeployment], every: bool) -> PartTable {
    let services: usize = deployments.iter().map(|deployment| deployment.services.len()).sum();
    let title = format!(
        "{} with {}:",
        plural(deployments.len(), "deployment"),
        plural(services, "service")
    );
    let rows = deployments.iter().flat_map(|deployment| match every {
        true => service_rows(deployment),
        false => vec![deployment_row(deployment)],
    });
    let header: &'static [&'static str] = match every {
        true => &["DEPLOYMENT", "ENDPOINT", "SERVICE", "TYPE", "REVISION", "HANDLERS"],
        false => &["DEPLOYMENT", "ENDPOINT", "SERVICES", "HEADERS"],
    };
    PartTable::new(title, header, rows.collect())
}

fn deployment_row(deployment: &DescribedDeployment) -> Vec<String> {
    const SHOWN_SERVICES: usize = 8;
    let services = deployment.services.iter().take(SHOWN_SERVICES);
    let mut services: Vec<_> = services.map(|service| service.name.clone()).collect();
    let left_out = deployment.services.len().saturating_sub(SHOWN_SERVICES);
    if left_out > 0 {
        services.push(format!("and {}", plural(left_out, "other")));
    }
    let headers: Vec<_> = deployment.headers.keys().cloned().collect();
    let list = |names: Vec<String>| match names.is_empty() {
        true => EMPTY_CELL.to_owned(),
        false => names.join(", "),
    };
    let (id, endpoint) = (deployment.id.clone(), or_empty(deployment.endpoint.as_ref()));
    vec![id, endpoint, list(services), list(headers)]
}

fn service_rows(deployment: &DescribedDeployment) -> Vec<Vec<String>> {
    let nothing = DescribedService { name: EMPTY_CELL.to_owned(), ..DescribedService::default() };
    let nothing = [nothing];
    let services = match deployment.services.as_slice() {
        [] => &nothing[..],
        services => services,
    };
    let row = |service: &DescribedService| {
        let is_private = service.public == Some(false);
        let access = if is_private { " (private)" } else { "" };
        vec![
            deployment.id.clone(),
            or_empty(deployment.endpoint.as_ref()),
            format!("{}{access}", service.name),
            or_empty(service.kind.as_ref()),
            service.revision.map_or_else(|| EMPTY_CELL.to_owned(), |number| number.to_string()),
            service.handlers.join(", "),
        ]
    };
    services.iter().map(row).collect()
}

pub(super) fn subscription_table(subscriptions: &[DescribedSubscription]) -> PartTable {
    let row = |subscription: &DescribedSubscription| {
        let options = subscription.options.as_object();
        let names: Vec<_> =
            options.into_iter().flat_map(|options| options.keys().cloned()).collect();
        let options = if names.is_empty() { EMPTY_CELL.to_owned() } else { names.join(", ") };
        let (source, sink) = (subscription.source.to_string(), subscription.sink.to_string());
        vec![subscription.id.clone(), source, sink, options]
    };
    let title = format!("{}:", plural(subscriptions.len(), "subscription"));
    let header = &["SUBSCRIPTION", "SOURCE", "SINK", "OPTIONS"];
    PartTable::new(title, header, subscriptions.iter().map(row).collect())
}

pub(super) fn rule_table(rules: &[DescribedRule]) -> PartTable {
    let row = |rule: &DescribedRule| {
        let limit = rule.concurrency.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
        let state = if rule.disabled { "disabled" } else { "enabled" };
        vec![rule.pattern.clone(), limit, state.to_owned(), or_empty(rule.description.as_ref())]
    };
    let title = format!("{}:", plural(rules.len(), "rule"));
    let header = &["PATTERN", "CONCURRENCY", "STATE", "DESCRIPTION"];
    PartTable::new(title, header, rules.iter().map(row).collect())
}
