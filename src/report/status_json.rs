//! The documents of `status`, `nodes list` and `wait`.

use serde_json::{Map, Value as Json, json};

use crate::model::MemberCount;
use crate::outcome::{PartitionsStatus, StatusKind, StatusNode, StatusResult, StoreVerdict};

/// Returns the fields of the document.
pub(super) fn status_to_json(status: &StatusResult) -> Json {
    let cluster = status.cluster.as_ref();
    let cluster =
        cluster.map(|(name, fingerprint)| json!({"name": name, "fingerprint": fingerprint}));
    let mut fields = Map::from_iter([("cluster".to_owned(), cluster.into())]);
    if let StatusKind::Wait(condition) = status.kind {
        fields.insert("condition".to_owned(), condition.into());
    }
    fields.insert("holds".to_owned(), status.reasons.is_empty().into());
    fields.insert("nodes".to_owned(), status.nodes.iter().map(node_to_json).collect());
    if status.kind != StatusKind::Nodes {
        let is_known = status.quorum.is_some() || status.is_external || status.on.is_some();
        let store = is_known.then(|| store_to_json(status));
        fields.insert("metadata_store".to_owned(), store.into());
        fields.insert(
            "partitions".to_owned(),
            status.partitions.as_ref().map(partitions_to_json).into(),
        );
    }
    fields.insert("reasons".to_owned(), status.reasons.clone().into());
    Json::Object(fields)
}

fn node_to_json(node: &StatusNode) -> Json {
    json!({
        "id": node.observed.id,
        "name": node.observed.name,
        "address": node.observed.address,
        "state": node.observed.state.name(),
        "mode": node.mode,
        "roles": node.roles,
        "generation": node.generation,
        "metadata_server": node.metadata_server,
    })
}

fn store_to_json(status: &StatusResult) -> Json {
    json!({
        "external": status.is_external,
        "quorum": status.quorum.as_ref().map(quorum_to_json),
        "on": status.on.as_ref().map(verdict_to_json),
    })
}

fn verdict_to_json(verdict: &StoreVerdict) -> Json {
    json!({
        "store": verdict.store,
        "answer": verdict.answer.name(),
        "reason": verdict.reason,
    })
}

/// Returns the counted members of a replicated store.
pub(super) fn quorum_to_json(count: &MemberCount) -> Json {
    json!({
        "responding": count.responding,
        "members": count.members,
        "needed": count.needed,
        "leader": count.leader,
    })
}

fn partitions_to_json(partitions: &PartitionsStatus) -> Json {
    json!({
        "total": partitions.total,
        "led": partitions.led,
        "not_led": partitions.not_led,
        "frozen": partitions.frozen,
    })
}
