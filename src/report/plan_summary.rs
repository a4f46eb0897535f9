//! A plan in one line.

use super::key_names::list_key_names;
use crate::model::{Action, Plan, Step};

/// Summarizes the plan in one line; `with_names` adds the names of the keys that it replaces and deletes.
pub(super) fn summarize_actions(plan: &Plan, with_names: bool) -> String {
    let actions = [Action::Create, Action::Skip, Action::Overwrite, Action::Delete];
    let counts: Vec<_> = actions
        .into_iter()
        .filter_map(|action| summarize_action(plan, action, with_names))
        .collect();
    if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") }
}

fn summarize_action(plan: &Plan, action: Action, with_names: bool) -> Option<String> {
    let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.action == action).collect();
    if steps.is_empty() {
        return None;
    }
    let names = match action {
        Action::Overwrite | Action::Delete if with_names => {
            format!(" ({})", list_key_names(steps.iter().map(|step| &step.key)))
        }
        _ => String::new(),
    };
    Some(format!("{} to {}{names}", steps.len(), action.name()))
}
