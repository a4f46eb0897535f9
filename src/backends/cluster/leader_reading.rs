//! Reads from the replicated store's leader instead of the nodes. Whether it leads the nodes' store is found out at the
//! same time as the first values are read, and no value counts before it is known.

use std::sync::{Arc, PoisonError};

use tokio::join;
use tokio::time::timeout;

use super::Cluster;
use super::leader::{LEADER_SEARCH_LIMIT, Leader, LeaderReading, Proof};
use crate::codec;
use crate::model::{Key, UsesReplicatedStore};
use crate::proto::metadata::VersionedValue;

impl Cluster {
    pub(super) fn leader_reading(&self) -> Option<Arc<LeaderReading>> {
        self.leader.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_leader(&self, leader: Option<Arc<LeaderReading>>) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = leader;
    }

    /// Turns to the nodes, unless another call has done so.
    pub(super) fn forget_leader(&self, reading: &Arc<LeaderReading>, name: &str, reason: &str) {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if leader.as_ref().is_some_and(|current| Arc::ptr_eq(current, reading)) {
            tracing::debug!("{}: from {name} on, the nodes are asked: {reason}", self.name);
            *leader = None;
        }
    }

    /// Finds the leader that the next reading asks: the one of the reading before, or else the one that the members
    /// name. It is proved anew either way.
    pub(super) async fn prepare_leader(&self) {
        let next = match self.leader_reading().and_then(|reading| reading.next()) {
            Some(next) => Some(next),
            None => self.search_leader().await.map(|leader| LeaderReading::new(leader, false)),
        };
        self.set_leader(next);
    }

    async fn search_leader(&self) -> Option<Leader> {
        let found = Leader::find_leader(&self.peers, &self.known).await;
        if found.is_none() {
            tracing::debug!("{}: no leader is to be found: the nodes are asked", self.name);
        }
        found
    }

    /// Looks again for a leader that may be asked instead of the nodes.
    pub(super) async fn find_current_leader(&self) -> UsesReplicatedStore {
        let found = self.search_leader().await.map(|leader| LeaderReading::new(leader, false));
        self.set_leader(found.clone());
        match found {
            Some(reading) => self.prove(&reading).await.uses,
            None => UsesReplicatedStore::Unknown,
        }
    }

    /// Reads the value of the key from the leader.
    ///
    /// # Errors
    /// The reason why the nodes are to be asked instead, in words.
    pub(super) async fn get_from_leader(
        &self,
        reading: &LeaderReading,
        name: &str,
    ) -> Result<Option<VersionedValue>, String> {
        match reading.proof.get() {
            Some(proof) => proof.leader()?.get(&self.peers, name).await,
            None => Box::pin(self.get_while_proving(reading, name)).await,
        }
    }

    async fn get_while_proving(
        &self,
        reading: &LeaderReading,
        name: &str,
    ) -> Result<Option<VersionedValue>, String> {
        let presumed = &reading.presumed;
        // One that hangs is not waited for once it is known that another leads.
        let (answer, proof) = (presumed.get(&self.peers, name), self.prove(reading));
        tokio::pin!(answer, proof);
        let (early, proof) = tokio::select! {
            answer = &mut answer => (Some(answer), proof.await),
            proof = &mut proof => (None, proof),
        };
        let leader = proof.leader()?;
        match early {
            _ if !leader.is_same_server(presumed) => leader.get(&self.peers, name).await,
            Some(answer) => answer,
            None => answer.await,
        }
    }

    /// Finds out, once, whether the leader leads the nodes' store.
    async fn prove<'a>(&self, reading: &'a LeaderReading) -> &'a Proof {
        let prove = || async {
            let presumed = &reading.presumed;
            let proof = match reading.is_earlier {
                true => self.prove_earlier(presumed).await,
                false => Proof::new(self.is_nodes_store(presumed).await, presumed),
            };
            let found = match &proof.leader {
                Some(_) => "is asked",
                None => "is not to be found: the nodes are asked",
            };
            tracing::debug!("{}: the replicated store's leader {found}", self.name);
            proof
        };
        reading.proof.get_or_init(prove).await
    }

    /// Proves the leader of an earlier reading, and where that fails, the one that leads now.
    async fn prove_earlier(&self, presumed: &Leader) -> Proof {
        if let Ok(UsesReplicatedStore::Yes) =
            timeout(LEADER_SEARCH_LIMIT, self.is_nodes_store(presumed)).await
        {
            return Proof::new(UsesReplicatedStore::Yes, presumed);
        }
        match self.search_leader().await {
            Some(leader) => Proof::new(self.is_nodes_store(&leader).await, &leader),
            None => Proof { uses: UsesReplicatedStore::Unknown, leader: None },
        }
    }

    /// Checks whether the nodes' store is the one that this leader leads.
    async fn is_nodes_store(&self, leader: &Leader) -> UsesReplicatedStore {
        let key = Key::NodesConfig.to_string();
        let (cached, there) = join!(self.cached_nodes_config(), leader.get(&self.peers, &key));
        let there = match there {
            Ok(Some(there)) => there,
            Ok(None) => return UsesReplicatedStore::No,
            Err(_) => return UsesReplicatedStore::Unknown,
        };
        let led = codec::nodes_config_content(&there.bytes);
        let is_led = |bytes: &[u8]| led.is_some() && codec::nodes_config_content(bytes) == led;
        if cached.is_some_and(|cached| is_led(&cached)) {
            return UsesReplicatedStore::Yes;
        }
        // What a node has cached may be old; its store is asked only then, since that takes longer.
        match self.get_from_node(&key).await {
            Ok(Some(here)) if here == there || is_led(&here.bytes) => UsesReplicatedStore::Yes,
            Ok(_) => UsesReplicatedStore::No,
            Err(_) => UsesReplicatedStore::Unknown,
        }
    }
}
