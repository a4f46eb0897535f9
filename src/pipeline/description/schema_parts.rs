//! Deployments, subscriptions and rules. What may be a credential is hidden before it comes here.

use serde_json::Value as Json;

use super::fields::{elements, number, text};
use crate::outcome::{DescribedDeployment, DescribedRule, DescribedService, DescribedSubscription};

pub(super) fn describe_deployments(schema: &Json) -> Vec<DescribedDeployment> {
    elements(schema, "/deployments_v2").iter().map(describe_deployment).collect()
}

fn describe_deployment(deployment: &Json) -> DescribedDeployment {
    let headers = deployment.pointer("/delivery_options/additional_headers");
    let headers = headers.and_then(Json::as_object);
    DescribedDeployment {
        id: text(deployment, "/id").unwrap_or_default(),
        endpoint: text(deployment, "/ty/Http/address")
            .or_else(|| text(deployment, "/ty/Lambda/arn")),
        created_at: number(deployment, "/created_at"),
        headers: headers
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        services: elements(deployment, "/services").iter().map(describe_service).collect(),
    }
}

fn describe_service(service: &Json) -> DescribedService {
    let handlers = elements(service, "/handlers").iter();
    DescribedService {
        name: text(service, "/name").unwrap_or_default(),
        kind: text(service, "/ty"),
        revision: number(service, "/revision"),
        public: service.get("public").and_then(Json::as_bool),
        handlers: handlers.filter_map(|handler| text(handler, "/name")).collect(),
    }
}

pub(super) fn describe_subscriptions(schema: &Json) -> Vec<DescribedSubscription> {
    let describe = |pair: &Json| {
        let subscription = pair.get(1)?;
        let field = |name: &str| subscription.get(name).cloned().unwrap_or_default();
        Some(DescribedSubscription {
            id: text(pair, "/0")?,
            source: field("source"),
            sink: field("sink"),
            options: field("metadata"),
        })
    };
    elements(schema, "/subscriptions").iter().filter_map(describe).collect()
}

pub(super) fn describe_rules(rule_book: &Json) -> Vec<DescribedRule> {
    let rules = rule_book.get("rules").and_then(Json::as_object);
    let described = rules.into_iter().flatten().map(|(pattern, rule)| DescribedRule {
        pattern: pattern.clone(),
        concurrency: number(rule, "/limits/concurrency"),
        disabled: rule.get("disabled").and_then(Json::as_bool).unwrap_or_default(),
        description: text(rule, "/description"),
        version: number(rule, "/version"),
        last_modified: number(rule, "/last_modified_millis_since_epoch"),
    });
    described.collect()
}
