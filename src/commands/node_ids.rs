//! The ids of nodes on the command line.

use crate::commands::Context;
use crate::outcome::{Code, Failure};

/// Nodes that are skipped.
#[derive(clap::Args)]
pub struct IgnoredNodes {
    /// Skip a node that is permanently removed, such as N3
    ///
    /// Accepted only if nothing, or another node, responds at its address.
    #[arg(long, value_name = "NODE", value_parser = parse_node_id)]
    pub ignore_node: Vec<u32>,
}

impl IgnoredNodes {
    /// Refuses nodes to skip where only one node is asked.
    ///
    /// # Errors
    /// [`Code::Usage`].
    pub fn check_options(&self, context: &Context<'_>) -> Result<(), Failure> {
        if context.options.single_address.is_none() || self.ignore_node.is_empty() {
            return Ok(());
        }
        let reason = "--ignore-node does not apply with --single-address: only that node is asked";
        Err(Failure::new(Code::Usage, reason))
    }
}

/// Reads the id of a node.
///
/// # Errors
/// What is expected, in words.
pub fn parse_node_id(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix(['N', 'n']).unwrap_or(text);
    digits.parse().map_err(|_| "expected a node id, such as N3".to_owned())
}
