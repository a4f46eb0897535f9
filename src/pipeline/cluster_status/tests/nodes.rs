//! Single nodes: which count as up, in which mode, as leaders, and as running on a store.

use super::*;
use crate::model::Key;

/// Returns the first node of a cluster, which reports what `change` makes of its report.
fn first(roles: &[&str], change: impl FnOnce(&mut NodeReport)) -> NodeFacts {
    let node = &nodes_in(&stored(4, &[3, 3])).nodes[0];
    let mut facts = facts(node, 3, roles, StoreReading::NotAsked);
    change(facts.report.as_mut().unwrap());
    facts
}

#[test]
fn node_that_is_not_up_is_starting_whatever_roles_it_knows() {
    for roles in [NORMAL, MIGRATION] {
        for starting in [
            first(roles, |report| report.ident.is_alive = false),
            first(roles, |report| report.ident.id = None),
        ] {
            assert!(starting.is_starting());
            assert_eq!(starting.observed().state, NodeState::Starting);
            let mut cluster = cluster(NORMAL);
            cluster.nodes[0] = starting;
            for condition in [Condition::Responding, Condition::MigrationMode, Condition::Running] {
                assert_eq!(
                    reasons(&cluster, condition)[0],
                    "N1 (n1, http://n1:1) is starting or stopping"
                );
            }
        }
        let up = first(roles, |_| {});
        assert!(!up.is_starting() && up.observed().state == up.state);
    }
}

#[test]
fn mode_is_named_where_it_is_known() {
    let mode = |facts: &ClusterFacts| judge_cluster(facts, Condition::Responding).nodes[0].mode;
    assert_eq!(mode(&cluster(NORMAL)), Some("normal"));
    assert_eq!(mode(&cluster(MIGRATION)), Some("migration"));
    let mut never = cluster(MIGRATION);
    never.nodes[0].node.has_served = false;
    assert_eq!(mode(&never), None);
    let mut gone = cluster(NORMAL);
    gone.nodes[0] = silent(&gone.nodes[0].node.clone());
    assert_eq!(mode(&gone), None);
}

#[test]
fn ids_that_no_node_has_are_found() {
    assert_eq!(find_unknown_ids(&cluster(NORMAL).nodes, &[7, 1, 9, 2]), [7, 9]);
}

#[test]
fn only_a_node_at_whose_address_nothing_listens_can_be_skipped() {
    let with_state = |state| {
        let mut cluster = cluster(NORMAL);
        cluster.ignored = vec![1];
        cluster.nodes[0] = NodeFacts { state, ..silent(&cluster.nodes[0].node.clone()) };
        reasons(&cluster, Condition::Responding)
    };
    assert!(with_state(NodeState::NoResponse("refused".to_owned())).is_empty());
    let listening = with_state(NodeState::Listening);
    assert!(listening[0].contains("accepts connections and does not respond"), "{listening:?}");
}

#[test]
fn generation_that_is_not_known_is_no_reason() {
    let mut fresh = cluster(NORMAL);
    fresh.nodes[0].node.generation = 0;
    assert!(reasons(&fresh, Condition::Running).is_empty());
    let mut untold = cluster(NORMAL);
    untold.nodes[0] = first(NORMAL, |report| report.generation = None);
    assert!(reasons(&untold, Condition::Responding).is_empty());
}

#[test]
fn leaders_and_followers_are_counted_by_node_and_generation() {
    let mut facts = cluster(NORMAL);
    let processor = |partition, node, mode| PartitionProcessor { partition, node, mode };
    let processors = vec![
        processor(0, (1, 3), ProcessorMode::ActiveLeader),
        processor(1, (1, 3), ProcessorMode::Follower),
        processor(2, (1, 3), ProcessorMode::Follower),
        processor(1, (2, 2), ProcessorMode::ActiveLeader),
    ];
    facts.partitions = Ok(PartitionsReport { ids: vec![0, 1, 2], processors });
    let judged = judge_cluster(&facts, Condition::Running);
    let counts: Vec<_> = judged.nodes.iter().map(|node| node.partitions).collect();
    assert_eq!(counts, [Some((1, 2)), Some((0, 0))]);
    let counted = judged.partitions.unwrap();
    assert_eq!((counted.total, counted.led, counted.not_led), (3, 1, vec![1, 2]));
    assert_eq!(judged.reasons, ["2 partitions have no active leader: 1, 2"]);
    // One that was not asked counts with the generation that it is known with.
    facts.nodes[0].report = None;
    facts.nodes[0].state = NodeState::NotAsked(vec!["worker".to_owned()]);
    assert_eq!(judge_cluster(&facts, Condition::Running).partitions.unwrap().led, 1);
    facts.nodes[0].state = NodeState::NoResponse("refused".to_owned());
    assert_eq!(judge_cluster(&facts, Condition::Running).partitions.unwrap().led, 0);
}

#[test]
fn frozen_leadership_is_known_by_its_policy() {
    for (document, expected) in [
        ("\x05{\"version\":1,\"leadership_policy\":{\"freeze\":{\"reason\":\"r\"}}}", true),
        ("\x05{\"version\":1,\"leadership_policy\":{\"freeze\":null}}", false),
        ("\x05{\"version\":1}", false),
        ("?", false),
    ] {
        let value = Value { version: Version(1), bytes: document.into() };
        assert_eq!(is_leadership_frozen(&Key::PartitionEpoch(0), &value), expected, "{document}");
    }
}

/// Judges whether both nodes run on the store, whose `nodes_config` they read, after `change`.
fn judge_changed(change: impl FnOnce(&mut [NodeFacts], &mut StoredNodes)) -> (StoreAnswer, String) {
    let entry = stored(6, &[4, 5]);
    let known = nodes_in(&entry);
    let read = || StoreReading::Read(Some(entry.clone()));
    let mut nodes: Vec<_> =
        known.nodes.iter().map(|node| facts(node, node.generation, NORMAL, read())).collect();
    let mut stored = StoredNodes { entry: Some(entry.clone()), nodes: Some(known.clone()) };
    change(&mut nodes, &mut stored);
    let refs: Vec<_> = nodes.iter().collect();
    let (answer, reason) = judge_store_use(&refs, &known, &stored);
    (answer, reason.unwrap_or_default())
}

#[test]
fn store_is_not_the_cluster_s_if_it_lacks_a_node_or_is_of_another() {
    assert_eq!(judge_changed(|_, _| {}).0, StoreAnswer::Yes);
    let undecodable = judge_changed(|_, stored| stored.nodes = None);
    assert_eq!(undecodable.0, StoreAnswer::CannotTell);
    let other = judge_changed(|_, stored| stored.nodes.as_mut().unwrap().fingerprint = Some(8));
    assert_eq!(other.0, StoreAnswer::No);
    let lacking = judge_changed(|_, stored| {
        let _ = stored.nodes.as_mut().unwrap().nodes.pop();
    });
    assert_eq!(lacking, (StoreAnswer::No, "it has no N2 (n2, http://n2:1), which runs".to_owned()));
}

#[test]
fn node_that_can_not_be_counted_leaves_the_answer_open() {
    type Change = fn(&mut NodeFacts);
    let changes: [Change; 8] = [
        |node| node.report.as_mut().unwrap().generation = Some(4),
        |node| *node = silent(&node.node.clone()),
        |node| node.report.as_mut().unwrap().ident.is_alive = false,
        |node| node.report.as_mut().unwrap().generation = None,
        |node| node.report.as_mut().unwrap().own_store = StoreReading::NotAsked,
        |node| node.report.as_mut().unwrap().own_store = StoreReading::Read(None),
        |node| node.report.as_mut().unwrap().own_store = StoreReading::Failed("no".to_owned()),
        |node| node.state = NodeState::Starting,
    ];
    for change in changes {
        let (answer, reason) = judge_changed(|nodes, _| change(&mut nodes[1]));
        assert_eq!(answer, StoreAnswer::CannotTell, "{reason}");
        assert!(reason.starts_with("N2 (n2, http://n2:1)"), "{reason}");
    }
    // A node that never served may run without roles that migration mode takes away.
    let never = judge_changed(|nodes, _| {
        let own = nodes[1].report.as_ref().unwrap().own_store.clone();
        let node = Node { has_served: false, ..nodes[1].node.clone() };
        nodes[1] = facts(&node, 5, MIGRATION, own);
    });
    assert_eq!(never.0, StoreAnswer::Yes, "{}", never.1);
}
