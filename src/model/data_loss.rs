//! What may be missing from metadata that was read from the folders of stopped nodes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::node_label::NodeLabel;

/// Why something that was acknowledged may be missing: at least one of the last three is so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct DataLoss {
    /// The voters whose folders were not read.
    pub missing: Vec<NodeLabel>,
    /// `true` if the folders that were read are not those of a majority of the voters.
    pub lacks_majority: bool,
    /// The members whose log has a damaged end, and without which the others are no majority.
    pub damaged: Vec<NodeLabel>,
    /// The number of writes of `nodes_config` that the folders do not suffice to judge.
    pub uncertain_writes: usize,
}

impl DataLoss {
    /// Returns the loss, if there is any.
    pub fn if_any(self) -> Option<DataLoss> {
        let is_any = self.lacks_majority || !self.damaged.is_empty() || self.uncertain_writes > 0;
        is_any.then_some(self)
    }

    /// Lists the voters whose folders were not read; empty if there are none.
    pub fn list_missing(&self) -> String {
        list(&self.missing)
    }
}

fn list(nodes: &[NodeLabel]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = Vec::new();
        if self.lacks_majority {
            reasons.push(format!(
                "not read: {}; without them there is no majority. Writes that only others acknowledged may be missing, \
                 and nothing shows which",
                self.list_missing()
            ));
        }
        if !self.damaged.is_empty() {
            reasons.push(format!(
                "the log of {} has a damaged end, and the others are no majority. Writes that were in that end may be \
                 missing, and nothing shows which",
                list(&self.damaged)
            ));
        }
        if self.uncertain_writes > 0 {
            reasons.push(format!(
                "writes of nodes_config that cannot be judged from these folders: {}; nodes_config may not be the \
                 current one",
                self.uncertain_writes
            ));
        }
        f.write_str(&reasons.join(". "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_by_itself() {
        let node = |id| NodeLabel { id, name: String::new() };
        let missing = vec![node(3)];
        let none = DataLoss { missing, ..DataLoss::default() };
        assert_eq!(none.clone().if_any(), None);
        let no_majority = DataLoss { lacks_majority: true, ..none.clone() };
        assert!(no_majority.to_string().starts_with("not read: N3; without them"));
        let damaged = DataLoss { damaged: vec![node(1)], ..none.clone() };
        let text = damaged.to_string();
        assert!(text.starts_with("the log of N1 has a damaged end") && !text.contains("N3"));
        let uncertain = DataLoss { uncertain_writes: 1, ..none };
        let text = uncertain.to_string();
        assert!(text.starts_with("writes of nodes_config") && !text.contains("majority"));
        for loss in [no_majority, damaged, uncertain] {
            assert_eq!(loss.clone().if_any(), Some(loss));
        }
    }
}
