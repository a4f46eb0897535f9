//! The state of an etcd as one endpoint tells it: what shows that another endpoint leads elsewhere.

use etcd_client::{GetResponse, ResponseHeader};

/// The state of an etcd as one endpoint tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EtcdState {
    /// The id of the etcd cluster: the same for all that were started with the default name and peer address.
    pub(super) cluster_id: u64,
    /// The revision of the store, which only grows.
    pub(super) revision: i64,
    /// The revision at which `nodes_config` was last written; 0 where it is absent.
    pub(super) nodes_config: i64,
}

impl EtcdState {
    /// Reads the answer to a get of `nodes_config`.
    pub(super) fn from_answer(answer: &GetResponse) -> EtcdState {
        let header = answer.header();
        EtcdState {
            cluster_id: header.map(ResponseHeader::cluster_id).unwrap_or_default(),
            revision: header.map(ResponseHeader::revision).unwrap_or_default(),
            nodes_config: answer.kvs().first().map(|pair| pair.mod_revision()).unwrap_or_default(),
        }
    }

    /// Returns whether this may be the state of the etcd that had the state `before` before, and `after` after.
    pub(super) fn is_between(&self, before: &EtcdState, after: &EtcdState) -> bool {
        self.cluster_id == before.cluster_id
            && (before.revision..=after.revision).contains(&self.revision)
            && (before.nodes_config..=after.nodes_config).contains(&self.nodes_config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_one_etcd_lies_between_those_before_and_after_it() {
        let state =
            |cluster_id, revision, nodes_config| EtcdState { cluster_id, revision, nodes_config };
        let (before, after) = (state(1, 10, 4), state(1, 12, 11));
        for (found, is_one) in [
            (state(1, 10, 4), true),
            (state(1, 11, 11), true),
            (state(1, 12, 11), true),
            (state(1, 9, 4), false),
            (state(1, 13, 4), false),
            (state(1, 11, 0), false),
            (state(2, 11, 4), false),
        ] {
            assert_eq!(found.is_between(&before, &after), is_one, "{found:?}");
        }
    }
}
