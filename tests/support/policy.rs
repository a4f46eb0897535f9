//! The IAM policies that the documentation gives.

use serde_json::{Value as Json, json};

use super::project;

/// Returns the policy in a page of the documentation with its placeholders replaced.
pub fn documented_policy(page: &str, placeholders: &[(&str, &str)]) -> Json {
    let page = std::fs::read_to_string(project().join(page)).unwrap();
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (policy, _) = rest.split_once("```").unwrap();
    let replaced = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    let policy = placeholders.iter().fold(policy.to_owned(), replaced);
    serde_json::from_str(&policy).unwrap()
}

/// Returns the policy without these actions.
pub fn remove_actions(mut policy: Json, actions: &[&str]) -> Json {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let kept = statement["Action"].as_array().unwrap().iter();
        statement["Action"] =
            kept.filter(|action| !actions.contains(&action.as_str().unwrap())).cloned().collect();
    }
    policy["Statement"].as_array_mut().unwrap().retain(|s| s["Action"] != json!([]));
    policy
}
