//! `status`, `nodes list` and `wait` as text.

use std::time::Duration;

use super::rendered::Rendered;
use super::style::Style;
use super::table::{EMPTY_CELL, add_row, draw_table, new_table};
use crate::model::NodeState;
use crate::outcome::{PartitionsStatus, StatusKind, StatusNode, StatusResult, StoreAnswer};
use crate::visible::escape_line;
use crate::wording::{format_ranges, plural};

/// Renders what was seen; why it is not enough is the command's failure.
pub(super) fn render_status(status: &StatusResult, style: Style) -> Rendered {
    let mut out = String::new();
    if let (Some((name, fingerprint)), false) = (&status.cluster, status.kind == StatusKind::Nodes)
    {
        let fingerprint = fingerprint.map_or("none".to_owned(), |number| number.to_string());
        out.push_str(&format!("cluster {}, fingerprint {fingerprint}\n", escape_line(name)));
    }
    match (status.nodes.is_empty(), status.kind) {
        (true, _) => {}
        (false, StatusKind::Nodes) => out.push_str(&nodes_table(status, style)),
        (false, _) => out.push_str(&status_table(status, style)),
    }
    if status.kind != StatusKind::Nodes {
        out.push_str(&describe_store(status));
        out.push_str(&status.partitions.as_ref().map(describe_partitions).unwrap_or_default());
    }
    if let (StatusKind::Wait(condition), true) = (status.kind, status.reasons.is_empty()) {
        out.push_str(&format!("✅ {condition}\n"));
    }
    Rendered { out: out.into_bytes(), err: String::new() }
}

/// Draws the nodes with the columns of the official tool first, in its order.
fn status_table(status: &StatusResult, style: Style) -> String {
    let header = [
        "NODE-ID", "NAME", "UPTIME", "METADATA", "LEADER", "FOLLOWER", "ROLES", "STATE", "ADDRESS",
    ];
    let mut table = new_table(style, &header, &[4, 5]);
    for node in &status.nodes {
        let id = node.observed.id;
        let id =
            node.generation.map_or(format!("N{id}"), |generation| format!("N{id}:{generation}"));
        let count = |count: Option<usize>| or_empty(count.map(|count| count.to_string()));
        add_row(
            &mut table,
            &[
                id,
                node.observed.name.clone(),
                or_empty(node.uptime.map(format_uptime)),
                or_empty(node.metadata_server.map(capitalize)),
                count(node.partitions.map(|(leads, _)| leads)),
                count(node.partitions.map(|(_, follows)| follows)),
                join_roles(node),
                name_state(node),
                node.observed.address.clone(),
            ],
        );
    }
    draw_table(&table)
}

/// Draws the nodes with the columns of the official `nodes list` first.
fn nodes_table(status: &StatusResult, style: Style) -> String {
    let mut table = new_table(style, &["NODE", "GEN", "NAME", "ADDRESS", "ROLES", "STATE"], &[]);
    for node in &status.nodes {
        let generation = node.generation.map(|generation| generation.to_string());
        let (id, name) = (format!("N{}", node.observed.id), node.observed.name.clone());
        let address = node.observed.address.clone();
        let cells = [id, or_empty(generation), name, address, join_roles(node), name_state(node)];
        add_row(&mut table, &cells);
    }
    draw_table(&table)
}

fn or_empty(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| EMPTY_CELL.to_owned())
}

fn join_roles(node: &StatusNode) -> String {
    or_empty(Some(node.roles.join(" | ")).filter(|roles| !roles.is_empty()))
}

/// Returns the mode of a node that is up, else its state.
fn name_state(node: &StatusNode) -> String {
    let is_starting = node.observed.state == NodeState::Starting;
    let mode = node.mode.filter(|_| !is_starting);
    mode.unwrap_or_else(|| node.observed.state.name()).to_owned()
}

/// Returns the state of a metadata server as the official tool writes it.
fn capitalize(state: &str) -> String {
    let mut chars = state.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// Returns the time in whole seconds, such as "1h 2m 5s".
fn format_uptime(uptime: Duration) -> String {
    humantime::format_duration(Duration::from_secs(uptime.as_secs())).to_string()
}

fn describe_store(status: &StatusResult) -> String {
    let mut text = match (&status.quorum, status.is_external) {
        (Some(count), _) => {
            format!("metadata store: {}\n", escape_line(&count.to_string()))
        }
        (None, true) => "metadata store: external; no node is a metadata server\n".to_owned(),
        (None, false) => String::new(),
    };
    if let Some(on) = &status.on {
        let answer = match on.answer {
            StoreAnswer::Yes => "yes",
            StoreAnswer::No => "no",
            StoreAnswer::CannotTell => "cannot tell",
        };
        text.push_str(&format!("runs on {}: {answer}\n", escape_line(&on.store.name)));
    }
    text
}

fn describe_partitions(partitions: &PartitionsStatus) -> String {
    let PartitionsStatus { total, led, frozen, .. } = partitions;
    let frozen = match frozen.len() {
        0 => String::new(),
        count => format!(", {count} frozen without a leader: {}", format_ranges(frozen)),
    };
    format!("{}: {led} with an active leader{frozen}\n", plural(*total, "partition"))
}
