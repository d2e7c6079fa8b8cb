//! What must hold at the end of a history: a naive walk explains the end of every run, and every lane is empty.

use super::tree::{Kind, Step};
use super::walk::{Flow, Walk};
use super::watched::Watched;
use super::witness::{Finding, Seen, number};
use super::world::World;
use crate::dispatch::{Answer, Verdict};
use crate::run::step_key;
use crate::script::encoding;
use crate::store::{LaneQuery, Run, RunState, Store, StoreError};
use flowscript_lang::value::Value;
use std::collections::BTreeSet;

/// Checks everything.
pub(super) async fn all(world: &World, store: &Watched) -> Result<(), Finding> {
    let told = |error: StoreError| Finding::new("store", error.to_string());
    for (number, seen) in world.witness.runs().iter().enumerate() {
        let run = store.inner.run(seen.id).await.map_err(told)?;
        one(world, seen, &run)
            .map_err(|finding| Finding::new(finding.kind, format!("run {number}: {}", finding.text)))?;
    }
    let lanes = store.inner.lanes(LaneQuery::default()).await.map_err(told)?;
    match lanes.lanes.first() {
        None => Ok(()),
        Some(lane) => Err(Finding::new("hangs", format!("a lane is not empty: {lane:?}"))),
    }
}

fn one(world: &World, seen: &Seen, run: &Run) -> Result<(), Finding> {
    let summary = &run.summary;
    let state = summary.state;
    if !state.is_final() {
        let text = format!("it is {state}, and nothing more will happen");
        return Err(Finding::new("hangs", text));
    }
    if summary.started_at.zip(summary.ended_at).is_some_and(|(start, end)| end < start) {
        return Err(Finding::new("times", "it ended before it started"));
    }
    let asked = world.desk.asked();
    let id = seen.id.to_string();
    let marks = marks(world, &id);
    let mut walk = Walk {
        tree: &world.history.tree,
        seen,
        asked: asked.iter().filter(|asked| asked.run == id).collect(),
        marks: &marks,
        error: summary.error.as_ref(),
        leapt: world.leapt as i64,
        expired: world.expired,
        findings: Vec::new(),
        visited: BTreeSet::new(),
        with_errors: false,
        response: None,
        files: Vec::new(),
    };
    let flow = walk.run(input(run));
    if let Some(finding) = walk.findings.first() {
        return Err(finding.clone());
    }
    keys(&walk, seen, &world.history.tree)?;
    match state {
        RunState::Cancelled if world.cancelled.contains(&seen.id) => return Ok(()),
        RunState::TimedOut if world.late.contains(&seen.id) => return Ok(()),
        // One that was retried and is queued again may have rows.
        RunState::Skipped if seen.rows.is_empty() || seen.retries > 0 => return Ok(()),
        RunState::Completed | RunState::Failed => {}
        other => return Err(Finding::new("end", format!("the end {other} was not requested"))),
    }
    explained(&flow, run)?;
    if let (RunState::Failed, Flow::Failed(positions)) = (state, &flow) {
        recovers(world, seen, positions)?;
    }
    strays(&walk, seen)?;
    if state == RunState::Completed {
        if walk.with_errors != summary.with_errors {
            return Err(Finding::new("withErrors", format!("withErrors is {}", summary.with_errors)));
        }
        files(world, &walk, &id)?;
    }
    answer(&walk, run)
}

/// Does the end follow from what the steps did?
fn explained(flow: &Flow, run: &Run) -> Result<(), Finding> {
    let state = run.summary.state;
    let error = run.summary.error.as_ref();
    match (flow, state) {
        (Flow::Goes(acc) | Flow::Ended(acc), RunState::Completed) => {
            let output = run.output.as_ref().and_then(|bytes| encoding::decode(bytes).ok());
            if output.as_ref().and_then(number) != Some(*acc) {
                return Err(Finding::new("output", format!("it gave {output:?} instead of {acc}")));
            }
            Ok(())
        }
        (Flow::Failed(positions), RunState::Failed) => {
            let at = error.and_then(|error| error.position.as_ref());
            if at.is_some_and(|at| positions.contains(at)) {
                return Ok(());
            }
            Err(Finding::new("error", format!("it failed at {at:?} instead of one of {positions:?}")))
        }
        (flow, state) => Err(Finding::new("end", format!("it is {state} ({error:?}), but its steps say {flow:?}"))),
    }
}

/// With enough retries and healthy peers, only steps that always fail may have failed.
fn recovers(world: &World, seen: &Seen, positions: &[String]) -> Result<(), Finding> {
    if world.history.patience == 0 {
        return Ok(());
    }
    let mut helpless = BTreeSet::new();
    world.history.tree.every(&mut |step| {
        // A short timeout may pass on a busy machine.
        if matches!(step.kind, Kind::Refuse(_) | Kind::Event(_) | Kind::Respond) || step.timed {
            helpless.insert(step.id.as_str());
        }
    });
    let id = |position: &str| position.rsplit('/').next().unwrap_or_default().to_owned();
    if positions.iter().any(|position| helpless.contains(id(position).as_str())) {
        return Ok(());
    }
    let text = format!("after {} retries it still fails at {positions:?}", seen.retries);
    Err(Finding::new("does not recover", text))
}

/// Steps that were begun although the run never reached them.
fn strays(walk: &Walk<'_>, seen: &Seen) -> Result<(), Finding> {
    let latest = seen.rows.iter().filter(|row| row.retries == seen.retries);
    match latest.map(|row| &row.record.position).find(|position| !walk.visited.contains(*position)) {
        None => Ok(()),
        Some(position) => Err(Finding::new("stray step", format!("{position} began, and no way leads there"))),
    }
}

/// Each request carries the key of its position.
fn keys(walk: &Walk<'_>, seen: &Seen, tree: &super::tree::Tree) -> Result<(), Finding> {
    let mut acting = BTreeSet::new();
    tree.every(&mut |step: &Step| {
        if matches!(step.kind, Kind::Post) {
            acting.insert(step.id.as_str());
        }
    });
    let positions = seen.rows.iter().map(|row| row.record.position.as_str());
    let keys: BTreeSet<String> = positions.map(|position| step_key(seen.id, position)).collect();
    match walk.asked.iter().find(|asked| acting.contains(asked.step.as_str()) && !keys.contains(&asked.key)) {
        None => Ok(()),
        Some(asked) => Err(Finding::new("key", format!("a request of {} has a key of no position", asked.step))),
    }
}

fn files(world: &World, walk: &Walk<'_>, id: &str) -> Result<(), Finding> {
    if world.expired {
        return Ok(());
    }
    for (base, acc, suffix, there) in &walk.files {
        let name = format!("{base}-{id}-{acc}.{suffix}");
        if world.folder.path().join("files").join(&name).exists() != *there {
            let text = if *there { "is not there" } else { "is there" };
            return Err(Finding::new("file", format!("{name} {text}")));
        }
    }
    Ok(())
}

/// Callers get the answer of `respond`.
fn answer(walk: &Walk<'_>, run: &Run) -> Result<(), Finding> {
    let wanted = walk.response;
    match Answer::of(run).verdict {
        Verdict::Reply(reply)
            if wanted.is_some() && reply.body.as_ref().and_then(number) == wanted && reply.status == 201 =>
        {
            Ok(())
        }
        Verdict::Reply(reply) if wanted.is_some() => {
            Err(Finding::new("answer", format!("its caller got {:?} instead of {wanted:?}", reply.body)))
        }
        // An earlier try may have answered on a path that was not taken again.
        Verdict::Reply(_) if run.summary.retries > 0 => Ok(()),
        _ if wanted.is_none() => Ok(()),
        other => Err(Finding::new("answer", format!("its caller got {other:?} instead of {wanted:?}"))),
    }
}

fn marks(world: &World, run: &str) -> Vec<(String, i64)> {
    let mut query = world.shop.prepare_cached("select step, acc from marks where run = ?1").unwrap();
    let rows = query.query_map([run], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The input `n`.
fn input(run: &Run) -> i64 {
    let input = run.input.as_ref().and_then(|bytes| encoding::decode(bytes).ok());
    match input {
        Some(Value::Record(fields)) => fields.get("n").as_ref().and_then(number).unwrap_or_default(),
        _ => 0,
    }
}
