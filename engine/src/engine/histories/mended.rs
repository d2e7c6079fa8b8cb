//! Small histories that once had findings.

use super::drive;
use super::generate::{Deed, History, Outcome};
use super::tree::{Flow, Kind, Retry, Step, Test, Tree};
use std::collections::BTreeMap;

fn step(id: &str, kind: Kind) -> Step {
    Step { id: id.into(), kind, when: None, retry: None, once: false, may_fail: false, timed: false }
}

/// A history of one run of these workflows; deeds come by the number of the commit or request.
fn holds(flows: Vec<Vec<Step>>, outcomes: &[(&str, Outcome)], deeds: &[(u32, Deed)], idle: &[Deed]) {
    let flow = |(number, steps)| {
        let id = if number == 0 { "main".to_owned() } else { format!("called{number}") };
        Flow { id, lane: None, steps }
    };
    let history = History {
        tree: Tree { flows: flows.into_iter().enumerate().map(flow).collect() },
        outcomes: outcomes.iter().map(|(id, outcome)| ((*id).to_owned(), vec![*outcome])).collect(),
        runs: vec!["a"],
        deeds: deeds.iter().copied().collect::<BTreeMap<_, _>>(),
        idle: idle.to_vec(),
        patience: 3,
    };
    let drive::Outcome { finding, trace, .. } = drive::run(&history, None);
    assert!(finding.is_none(), "{finding:?}\n{}", trace.join("\n"));
}

#[test]
fn a_step_that_succeeded_at_its_second_attempt_is_not_repeated_after_a_crash() {
    let retry = Some(Retry { times: 1, delay: 2, exponential: false });
    let steps = vec![Step { retry, ..step("po1", Kind::Post) }, step("po2", Kind::Post)];
    // Start, request, sleep; start, request, result.
    holds(vec![steps], &[("po1", Outcome::Status(500, None))], &[(6, Deed::Kill)], &[]);
}

#[test]
fn a_failure_that_was_allowed_in_a_called_workflow_is_told_after_a_wait() {
    let main = vec![step("ca1", Kind::Call(1)), step("wa2", Kind::Span(3))];
    let called = vec![Step { may_fail: true, ..step("po3", Kind::Post) }];
    holds(vec![main, called], &[("po3", Outcome::Status(404, None))], &[], &[]);
}

#[test]
fn a_wait_that_ended_while_the_run_failed_is_not_repeated() {
    let refuse = Kind::Refuse(Test { divisor: 1, rest: 0 });
    let right = vec![step("ch1", Kind::Checkpoint), step("re2", refuse)];
    let steps = vec![step("pa3", Kind::Parallel(vec![step("wa4", Kind::Span(30))], right))];
    // At rest a time-out only lets a minute pass.
    holds(vec![steps], &[], &[], &[Deed::TimeOut, Deed::Retry(0), Deed::Retry(0)]);
}

#[test]
fn a_failure_that_is_allowed_beside_another_one_does_not_hide_its_place() {
    let refuse = |id| step(id, Kind::Refuse(Test { divisor: 1, rest: 0 }));
    let left = vec![Step { may_fail: true, ..step("ca1", Kind::Call(1)) }];
    let right = vec![step("fe2", Kind::Each(1, 2, vec![refuse("re3")]))];
    let main = vec![step("pa4", Kind::Parallel(left, right))];
    holds(vec![main, vec![refuse("re5")]], &[], &[], &[]);
}
