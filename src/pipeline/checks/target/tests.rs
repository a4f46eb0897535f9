//! What a target's answers mean: refused, warned of, or good; and which hints they get.

use prost::bytes::Bytes;

use super::*;
use crate::model::{CasToken, Value, Version};

fn refused(error: fn(String, String) -> StoreError) -> StoreError {
    error("etcd a:1".to_owned(), "no".to_owned())
}

fn unavailable() -> StoreError {
    refused(|store, reason| StoreError::Unavailable { store, reason })
}

fn unconditional() -> StoreError {
    refused(|store, reason| StoreError::Unconditional { store, reason })
}

/// Returns a snapshot with one value of so many bytes.
fn snapshot_of(bytes: usize) -> Snapshot {
    let value = Value { version: Version(1), bytes: Bytes::from(vec![1; bytes]) };
    Snapshot::from([(Key::RuleBook, Entry::Intact(value, CasToken::Version(Version(1))))])
}

#[test]
fn variables_of_the_environment_are_warned_of() {
    assert!(check_environment(Vec::new()).is_none());
    let finding = check_environment(vec!["RESTATE_X".to_owned()]).unwrap();
    assert_eq!((finding.status, finding.items.len()), (CheckStatus::Warning, 1));
}

#[test]
fn hint_of_a_target_depends_on_its_error() {
    let hints = |error: &StoreError| check_target("t", Err(error), "access").hints;
    let no_quorum = refused(|store, reason| StoreError::NoQuorum { store, reason });
    assert!(hints(&no_quorum).iter().all(|hint| hint != CHECK_TARGET_HINT && hint != "access"));
    let denied = refused(|store, reason| StoreError::Denied { store, reason });
    assert!(hints(&denied).contains(&"access".to_owned()));
    assert!(hints(&unavailable()).contains(&CHECK_TARGET_HINT.to_owned()));
    let detail = |snapshot: &Snapshot| check_target("t", Ok(snapshot), "access").detail;
    assert_eq!(detail(&Snapshot::new()), "t, no Restate keys");
    assert_eq!(detail(&snapshot_of(1)), "t, 1 Restate key");
}

#[test]
fn endpoints_are_warned_of_and_those_of_another_store_refuse() {
    use EndpointFaultKind::{Learner, MemberNoResponse, NeverStarted, NoResponse, OtherStore};
    let add = |kinds: &[EndpointFaultKind], code: Option<Code>| {
        let fault = |kind: &EndpointFaultKind| EndpointFault {
            address: "a:1".to_owned(),
            kind: kind.clone(),
        };
        let faults: Vec<_> = kinds.iter().map(fault).collect();
        let finding = Finding { code, ..Finding::ok(Check::Target, "t") };
        add_endpoint_faults(finding, &faults)
    };
    let silent = || NoResponse("refused".to_owned());
    let member = || MemberNoResponse("refused".to_owned());
    let (named, majority) = ("restart these endpoints", "make sure that a majority");
    for (kinds, expected) in [
        (vec![silent()], vec![named]),
        (vec![Learner], vec![named]),
        (vec![member()], vec![majority]),
        (vec![NeverStarted], vec![majority]),
        (vec![silent(), member()], vec![named, majority]),
    ] {
        let finding = add(&kinds, None);
        assert_eq!((finding.status, finding.code), (CheckStatus::Warning, None), "{kinds:?}");
        assert_eq!(finding.items.len(), kinds.len());
        assert_eq!(finding.hints.len(), expected.len(), "{:?}", finding.hints);
        assert!(finding.hints.iter().zip(expected).all(|(hint, start)| hint.starts_with(start)));
    }
    for kinds in [vec![OtherStore], vec![silent(), OtherStore]] {
        assert_eq!(add(&kinds, None).code, Some(Code::ConfigInvalid));
    }
    let nothing = add(&[], None);
    assert_eq!((nothing.status, nothing.hints.len()), (CheckStatus::Ok, 0));
    // A target that has failed keeps its own finding.
    let failed = add(&[OtherStore], Some(Code::TargetUnavailable));
    assert_eq!((failed.code, failed.items.len()), (Some(Code::TargetUnavailable), 0));
}

#[test]
fn probe_of_a_write_is_judged_by_its_answer() {
    let check = |probe: Result<(), StoreError>, untried| check_target_writable(&probe, untried);
    assert_eq!(check(Ok(()), None).detail, "accepts conditional writes");
    assert!(check(Ok(()), Some("not tried")).detail.ends_with("not tried"));
    assert_eq!(check(Err(unconditional()), None).hints, [UNCONDITIONAL_HINT]);
    let failed = check(Err(unavailable()), None);
    assert_eq!(failed.code, Some(Code::TargetUnavailable));
    assert!(!failed.hints.contains(&UNCONDITIONAL_HINT.to_owned()));
}

#[test]
fn values_that_do_not_fit_refuse_with_each_hint_once() {
    let violation = |hint: &str| LimitViolation {
        key: Key::RuleBook,
        reason: "is large".to_owned(),
        hint: hint.to_owned(),
    };
    let check = |violations| check_limits(&violations, &snapshot_of(10), Some(10));
    let finding = check(Ok(vec![violation("raise"), violation("raise"), violation("move")]));
    assert_eq!(finding.code, Some(Code::ValueTooLarge));
    assert_eq!(
        (finding.items.len(), finding.hints),
        (3, vec!["raise".to_owned(), "move".to_owned()])
    );
    assert_eq!(check(Err(unavailable())).code, Some(Code::TargetUnavailable));
    assert_eq!(check(Ok(Vec::new())).status, CheckStatus::Ok);
    let one_less = check_limits(&Ok(Vec::new()), &snapshot_of(10), Some(9));
    assert_eq!(one_less.status, CheckStatus::Warning);
}

#[test]
fn capacity_is_told_where_the_limits_do_not_fail() {
    let fits = || Finding::ok(Check::Limits, "fits");
    assert_eq!(add_capacity(fits(), Some("room for 2")).detail, "fits; room for 2");
    assert_eq!(add_capacity(fits(), None).detail, "fits");
    let failed = Finding::failed(Check::Limits, Code::ValueTooLarge, "fails");
    assert_eq!(add_capacity(failed, Some("room for 2")).detail, "fails");
}

#[test]
fn target_that_is_the_source_is_refused_in_either_form() {
    assert_eq!(refuse_source_as_target().code, Some(Code::SameStore));
    assert_eq!(refuse_store_in_use("so").code, Some(Code::SameStore));
}

#[test]
fn probe_of_the_store_decides_by_what_it_saw() {
    let code = |probed| check_store_probe(&probed).code;
    assert_eq!(code(Ok(ConditionalWrites::Honoured)), None);
    let violated = Ok(ConditionalWrites::Violated("replaced".to_owned()));
    assert_eq!(code(violated), Some(Code::StoreProbeFailed));
    assert_eq!(code(Err(unavailable())), Some(Code::TargetUnavailable));
}
