//! `metadata describe` for people: one table for each part, none wider than 100 columns.

mod cluster_tables;
mod part_table;
mod ranges;
mod schema_tables;

use super::color::warning_lines;
use super::rendered::Rendered;
use super::style::Style;
use crate::outcome::{DescriptionPart, DescriptionResult};
use crate::visible::escape_line;
use cluster_tables::{log_table, node_table, partition_table};
use part_table::PartTable;
use schema_tables::{deployment_table, rule_table, subscription_table};

/// Renders each part that is asked for.
pub(super) fn render_description(result: &DescriptionResult, style: Style) -> Rendered {
    let is_asked = |part| result.part.is_none_or(|only| only == part);
    let mut out = match result.part {
        None => describe_cluster(result),
        Some(_) => String::new(),
    };
    let parts = [
        DescriptionPart::Nodes,
        DescriptionPart::Partitions,
        DescriptionPart::Logs,
        DescriptionPart::Deployments,
        DescriptionPart::Rules,
    ];
    for table in parts.into_iter().filter(|part| is_asked(*part)).flat_map(|p| tables(result, p)) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&table.draw(style));
    }
    Rendered { out: out.into_bytes(), err: warning_lines(&result.warnings, style) }
}

fn describe_cluster(result: &DescriptionResult) -> String {
    let cluster = match &result.cluster {
        Some((name, Some(fingerprint))) => format!("Cluster {name}, fingerprint {fingerprint}"),
        Some((name, None)) => format!("Cluster {name}, without a fingerprint"),
        None => "No readable nodes_config".to_owned(),
    };
    format!("{}\n", escape_line(&format!("{cluster}, in {}", result.store)))
}

/// Returns the tables of a part; that of an absent key has a title only.
fn tables(result: &DescriptionResult, part: DescriptionPart) -> Vec<PartTable> {
    let (all, every) = (&result.description, result.shows_every_row);
    let absent = |key: &str| PartTable::new(format!("No readable {key}"), &[], Vec::new());
    let or_absent = |table: Option<PartTable>, key| vec![table.unwrap_or_else(|| absent(key))];
    match part {
        DescriptionPart::Nodes => or_absent(all.nodes.as_deref().map(node_table), "nodes_config"),
        DescriptionPart::Partitions => {
            let table = all.partitions.as_deref().map(|rows| partition_table(rows, every));
            or_absent(table, "partition_table")
        }
        DescriptionPart::Logs => {
            or_absent(all.logs.as_deref().map(|rows| log_table(rows, every)), "bifrost_config")
        }
        DescriptionPart::Deployments => {
            let Some(deployments) = all.deployments.as_deref() else {
                return vec![PartTable::new("No deployments".to_owned(), &[], Vec::new())];
            };
            let subscriptions = all.subscriptions.iter().filter(|rows| !rows.is_empty());
            let subscriptions = subscriptions.map(|rows| subscription_table(rows));
            let deployments = deployment_table(deployments, every);
            let tables = [deployments].into_iter().chain(subscriptions);
            tables.map(|table| table.shortened(every)).collect()
        }
        DescriptionPart::Rules => match all.rules.as_deref() {
            Some(rules) => vec![rule_table(rules).shortened(every)],
            None => vec![PartTable::new("No rules".to_owned(), &[], Vec::new())],
        },
    }
}

#[cfg(test)]
mod tests;
