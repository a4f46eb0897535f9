//! `nodes_config` without what a change of the replicated store's members alters in it.
//!
//! Each member then writes its own time, and the nodes in its own order, without raising the version
//! (seen with 1.7.12): two values of one version differ in their bytes, and say the same.

use serde_json::Value as Json;

use super::decode::decode;
use super::encoding::encoding;
use crate::model::{Key, Value};

/// The field with the time of the last write.
const CLOCK_FIELD: &str = "modified_at";

/// Decodes a `nodes_config` without its clock, its nodes in the order of their ids; `None` if it can't be
/// decoded.
pub fn nodes_config_content(bytes: &[u8]) -> Option<Json> {
    let mut content = decode(&Key::NodesConfig, bytes).ok()?;
    let fields = content.as_object_mut()?;
    fields.shift_remove(CLOCK_FIELD);
    if let Some(Json::Array(nodes)) = fields.get_mut("nodes") {
        nodes.sort_by_key(|pair| pair.get(0).and_then(Json::as_u64));
    }
    Some(content)
}

/// Returns whether two values of `nodes_config` have other bytes, and differ only in the clock and in
/// the order of their nodes.
pub fn differs_only_in_clock(one: &Value, other: &Value) -> bool {
    one.version == other.version
        && one.bytes != other.bytes
        && encoding(&one.bytes).ok() == encoding(&other.bytes).ok()
        && nodes_config_content(&one.bytes)
            .is_some_and(|content| nodes_config_content(&other.bytes) == Some(content))
}

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::model::Version;

    fn value(version: u32, document: &str) -> Value {
        Value { version: Version(version), bytes: Bytes::from(format!("\x05{document}")) }
    }

    #[test]
    fn only_clock_and_order_of_nodes_may_differ() {
        let one = value(
            3,
            r#"{"version":3,"modified_at":1,"nodes":[[1,"Tombstone"],[2,{"a":1,"b":[1,2]}]]}"#,
        );
        let same = [
            r#"{"version":3,"modified_at":2,"nodes":[[2,{"b":[1,2],"a":1}],[1,"Tombstone"]]}"#,
            r#"{"version":3,"nodes":[[1,"Tombstone"],[2,{"a":1,"b":[1,2]}]]}"#,
        ];
        for other in same {
            assert!(differs_only_in_clock(&one, &value(3, other)), "{other}");
            assert!(!differs_only_in_clock(&one, &value(4, other)), "{other}");
        }
        assert!(!differs_only_in_clock(&one, &one));
        for other in [
            r#"{"version":3,"modified_at":1,"nodes":[[1,"Tombstone"],[2,{"a":1,"b":[2,1]}]]}"#,
            r#"{"version":3,"modified_at":1,"nodes":[[1,"Tombstone"],[2,{"a":1,"modified_at":1}]]}"#,
            r#"{"version":3,"modified_at":1,"nodes":[[1,"Tombstone"]]}"#,
            r#"{"version":3,"modified_at":1,"nodes":[]"#,
            "",
        ] {
            assert!(!differs_only_in_clock(&one, &value(3, other)), "{other}");
            assert!(!differs_only_in_clock(&value(3, other), &one), "{other}");
        }
    }
}
