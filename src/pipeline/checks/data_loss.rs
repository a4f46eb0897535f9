//! The check of what folders of stopped nodes, or a backup made from them, may lack.

use crate::model::{DataLoss, StoppedMember, StoppedMembers};
use crate::outcome::{Check, Code, Finding};

/// Checks that nothing that was acknowledged can be missing: the folders are those of a majority. `None` for a source that is
/// neither such folders nor made from them.
///
/// With `is_accepted` a loss is a warning; so is what the members are warned of, without a loss.
pub fn check_data_loss(
    stopped: Option<&StoppedMembers>,
    loss: Option<&DataLoss>,
    is_accepted: bool,
) -> Option<Finding> {
    let members = stopped.map(|stopped| stopped.members.as_slice()).unwrap_or_default();
    let items: Vec<_> = members.iter().map(StoppedMember::to_string).collect();
    let finding = match loss {
        None => {
            let warnings = &stopped?.warnings;
            let detail =
                "the folders are those of a majority: complete as of when the nodes were stopped";
            match warnings.is_empty() {
                true => Finding::ok(Check::DataLoss, detail),
                false => Finding::ok(Check::DataLoss, detail).into_warning(),
            }
        }
        Some(loss) if is_accepted => {
            Finding::failed(Check::DataLoss, Code::DataLoss, loss.to_string()).into_warning()
        }
        Some(loss) => {
            let finding = Finding::failed(Check::DataLoss, Code::DataLoss, loss.to_string());
            let (find, accept) = match loss.lacks_majority {
                true => (
                    "add the folders of the missing nodes to --from, also of nodes that no longer start",
                    "if they are permanently lost, add --accept-data-loss: writes that only they acknowledged are \
                     lost then",
                ),
                false => (
                    "name the folders of more members in --from, or better copies of these",
                    "if there are none, add --accept-data-loss: what may be missing is lost then",
                ),
            };
            finding.hint(find).hint(accept)
        }
    };
    let warnings = stopped.map(|stopped| stopped.warnings.clone()).unwrap_or_default();
    let items = finding.items.iter().cloned().chain(items).chain(warnings).collect();
    Some(finding.items(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodeLabel;
    use crate::outcome::CheckStatus;

    #[test]
    fn loss_refuses_unless_it_is_accepted() {
        assert!(check_data_loss(None, None, false).is_none());
        let complete = StoppedMembers { is_complete: true, ..StoppedMembers::default() };
        let status = |finding: Option<Finding>| finding.unwrap().status;
        assert_eq!(status(check_data_loss(Some(&complete), None, false)), CheckStatus::Ok);
        let warned = StoppedMembers { warnings: vec!["cut".to_owned()], ..complete };
        let finding = check_data_loss(Some(&warned), None, false).unwrap();
        assert_eq!(
            (finding.status, finding.items.as_slice()),
            (CheckStatus::Warning, &["cut".to_owned()][..])
        );
        let missing = vec![NodeLabel { id: 2, name: "b".to_owned() }];
        let loss = DataLoss { missing, lacks_majority: true, ..DataLoss::default() };
        let refused = check_data_loss(None, Some(&loss), false).unwrap();
        assert_eq!((refused.status, refused.code), (CheckStatus::Failed, Some(Code::DataLoss)));
        assert!(refused.detail.contains("N2 (b)"), "{}", refused.detail);
        assert_eq!(status(check_data_loss(None, Some(&loss), true)), CheckStatus::Warning);
    }
}
