//! Restores a run from its stored state.

use super::attempts::Attempts;
use super::host::RunHost;
use super::ledger::{self, Ledger, Place};
use super::machine::Machine;
use super::sleep::woken;
use super::strand::{Next, Part, State, Strand, Variables, no_errors};
use super::trace::{decode_history, decode_trace};
use super::work::{Room, Work};
use crate::script::encoding;
use crate::script::slot::{ERRORS, FIRST_INPUT, RUN};
use crate::script::{Fault, INTERRUPTED};
use crate::steps::{Opens, SleepKind, Step, StepIndex};
use crate::store::{ClaimedRun, Failure, StepRecord, StepState};
use crate::trigger::callback;
use crate::workflow::model::Workflow;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The records of steps by position and attempt.
type Records<'c> = HashMap<(&'c str, u32), &'c StepRecord>;

impl Machine {
    /// A run from its stored state. The error says what cannot be read.
    pub fn resume(work: Work, room: Room, host: Arc<RunHost>, claimed: &ClaimedRun) -> Result<Self, String> {
        let mut machine = Self::new(work, room, host);
        restore(&mut machine, claimed)?;
        for strand in machine.strands.values() {
            machine.veil.learn(&strand.workflow, &strand.variables);
        }
        Ok(machine)
    }
}

/// Brings a new machine to the stored state. The error says what cannot be read.
fn restore(machine: &mut Machine, claimed: &ClaimedRun) -> Result<(), String> {
    for (name, body) in &claimed.events {
        machine.events.insert(name.clone(), callback::decode(body)?);
    }
    let mut places = Vec::new();
    let mut pieces = Vec::new();
    for (key, bytes) in &claimed.kept {
        if let Some(path) = key.strip_prefix(ledger::AT) {
            places.push((path.to_owned(), ledger::decode_place(bytes)?));
        } else if key.starts_with(ledger::TRACE) {
            pieces.extend(decode_trace(bytes)?);
        }
    }
    let history = claimed.run.trace.as_ref().map(|bytes| decode_history(bytes)).transpose()?.unwrap_or_default();
    let newest = places.iter().map(|(_, place): &(String, Place)| place.number).max();
    machine.remember(history, pieces, newest.unwrap_or_default());
    let traced = machine.host.trace().len();
    if !planted!(machine.host.clock(), OverwrittenAttempt) {
        machine.attempts = Attempts::of(&claimed.steps, &machine.host.trace());
    }
    machine.ledger = Ledger::of(claimed, traced);
    machine.spent = ledger::spent(claimed);
    let starts_over = planted!(machine.host.clock(), RetryFromStart) && claimed.run.summary.retries > 0;
    if places.is_empty() || starts_over {
        if let Some(root) = machine.strands.get_mut("") {
            root.retries = claimed.run.summary.retries;
        }
        return Ok(());
    }
    // Strands above come before those below.
    places.sort_by_key(|(path, _)| path.len());
    let mut restored: BTreeMap<String, Strand> = BTreeMap::new();
    // The variable `run` is computed for each machine; it is not stored.
    let run = machine.strands.get("").map(|root| root.variables.get(RUN).clone()).unwrap_or_default();
    for (path, place) in places {
        let mut strand = strand(&machine.work, claimed, &restored, &path, place)?;
        strand.variables.set_known(RUN, run.clone());
        restored.insert(path, strand);
    }
    let errors = |strand: &Strand| match strand.variables.get(ERRORS) {
        Value::Record(errors) => errors.iter().any(|(_, error)| !error.is_null()),
        _ => false,
    };
    machine.with_errors = machine.ledger.with_errors || restored.values().any(errors);
    machine.strands = restored;
    machine.has_input = true;
    if !claimed.set_back.is_zero() {
        machine.shorten_sleeps(claimed.set_back.as_millis() as i64);
    }
    let records = claimed.steps.iter().map(|step| ((step.position.as_str(), step.attempt), step)).collect();
    let paths: Vec<String> = machine.strands.keys().cloned().collect();
    for path in paths {
        wake(machine, &records, claimed.run.summary.retries, &path)?;
    }
    Ok(())
}

/// A strand with its variables; how it continues is decided once all are restored.
fn strand(
    work: &Work,
    claimed: &ClaimedRun,
    restored: &BTreeMap<String, Strand>,
    path: &str,
    place: Place,
) -> Result<Strand, String> {
    let damaged = || format!("its stored state of `{path}` does not fit its workflow");
    let (workflow, block, mut variables) = match place.parent.as_ref().map(|parent| restored.get(parent)) {
        None => {
            let mut variables = Variables::new(work.workflow.width());
            variables.set_known(ERRORS, no_errors(&work.workflow));
            inputs(work, claimed, &mut variables)?;
            (work.workflow.clone(), 0, variables)
        }
        Some(None) => return Err(damaged()),
        Some(Some(parent)) => below(parent, &place, path).ok_or_else(damaged)?,
    };
    // Results first: a variable that was changed later has its own entry.
    for step in claimed.steps.iter().filter(|step| step.state == StepState::Completed) {
        let position = step.position.strip_prefix(path);
        let index = position.and_then(|position| workflow.index_of(block, position));
        let slot = index.and_then(|index| workflow.step(index)?.slot);
        if let (Some(slot), Some(bytes)) = (slot, &step.result) {
            variables.set_known(slot, encoding::decode(bytes)?);
        }
    }
    let prefix = format!("{}{path}", ledger::VARIABLE);
    for (key, bytes) in &claimed.kept {
        let Some(name) = key.strip_prefix(&prefix).filter(|name| !name.contains('/')) else { continue };
        let slot = workflow.names.iter().position(|known| known == name).ok_or_else(damaged)?;
        variables.set_kept(slot, encoding::decode(bytes)?);
    }
    let step = match &place.position {
        Some(position) => Some(
            workflow.index_of(block, position).ok_or_else(|| format!("its workflow has no step `{path}{position}`"))?,
        ),
        None => None,
    };
    let mut strand = Strand::new(place.parent, place.part, workflow, block, variables, place.retries);
    (strand.step, strand.attempt, strand.failures) = (step, place.attempt, place.failures);
    (strand.begun, strand.number) = (place.begun, place.number);
    strand.moved = false;
    strand.state = match (place.open, place.sleep, &place.position) {
        (Some(begun), _, Some(position)) => {
            let mut open = ledger::open_step(claimed, path, position, begun)?;
            open.fault = place.fault;
            State::Open(Box::new(open))
        }
        (_, Some(sleep), _) => State::Asleep(sleep),
        (Some(_), None, None) | (None, None, _) => State::Ready(Next::Attempt),
    };
    Ok(strand)
}

/// Workflow, list of steps and first variables of a strand below another one.
fn below(parent: &Strand, place: &Place, path: &str) -> Option<(Arc<Workflow>, usize, Variables)> {
    let step = parent.workflow.step(parent.step?)?;
    let mut variables = parent.variables.below();
    match (step.opens(), &place.part) {
        (Opens::Passes(passes), Part::Pass(number)) => {
            if let State::Open(open) = &parent.state {
                variables.set_known(passes.item, open.items.as_ref()?.get(number.checked_sub(1)?));
            }
            Some((parent.workflow.clone(), passes.block, variables))
        }
        (Opens::Branches(branches), Part::Branch(name)) => {
            let (_, block) = branches.iter().find(|(known, _)| known == name)?;
            Some((parent.workflow.clone(), *block, variables))
        }
        (Opens::Workflow(id), Part::Called) => {
            let workflow = parent.workflow.callees.get(id)?.clone();
            let mut variables = Variables::new(workflow.width());
            variables.set_known(ERRORS, no_errors(&workflow));
            Some((workflow, 0, variables))
        }
        (Opens::Nothing | Opens::Passes(_) | Opens::Branches(_) | Opens::Workflow(_), _) => None,
    }
    .filter(|_| path.ends_with('/'))
}

/// The inputs as computed before; those changed since are stored as variables.
fn inputs(work: &Work, claimed: &ClaimedRun, variables: &mut Variables) -> Result<(), String> {
    let Some(bytes) = &claimed.run.input else { return Err("its input is gone".into()) };
    let Value::Record(input) = encoding::decode(bytes)? else { return Err("its input is damaged".into()) };
    for (number, declared) in work.workflow.inputs.iter().enumerate() {
        let name = &declared.name;
        let value = input.get(name).ok_or_else(|| format!("its input has no `{name}`"))?;
        variables.set_known(FIRST_INPUT + number, value);
    }
    Ok(())
}

/// Decides how a strand continues.
fn wake(machine: &mut Machine, records: &Records<'_>, retries: u32, path: &str) -> Result<(), String> {
    let Some(mut strand) = machine.strands.remove(path) else { return Ok(()) };
    let retried = retries > strand.retries;
    if retried {
        strand.retries = retries;
        strand.failures = 0;
        strand.moved = true;
    }
    if matches!(strand.state, State::Open(_)) {
        let running = machine.strands.values().filter(|below| below.parent.as_deref() == Some(path)).count();
        if let State::Open(open) = &mut strand.state {
            open.running = running;
            if planted!(machine.host.clock(), RepeatedPass) {
                open.next = 0;
            }
            if planted!(machine.host.clock(), LostBranch) {
                open.results.clear();
            }
        }
        let workflow = strand.workflow.clone();
        if let Some((_, position)) = step_of(path, &workflow, strand.step) {
            begin_again(machine, &position, &mut strand);
        }
        // A called workflow has its strand; passes and branches that have not begun may begin.
        machine.fill(path, &mut strand);
    } else if let Some(next) = next(machine, records, path, &mut strand, retried)? {
        strand.state = State::Ready(next);
        machine.ready.push_back(path.to_owned());
    }
    machine.strands.insert(path.to_owned(), strand);
    Ok(())
}

/// The current step, and its position in the run.
fn step_of<'w>(path: &str, workflow: &'w Workflow, index: Option<StepIndex>) -> Option<(&'w Step, String)> {
    let step = index.and_then(|index| workflow.step(index))?;
    Some((step, format!("{path}{}", step.position)))
}

/// The current attempt gets a number that no earlier one has.
fn begin_again(machine: &Machine, position: &str, strand: &mut Strand) {
    let next = machine.attempts.next(position);
    if next > strand.attempt {
        strand.attempt = next;
        strand.begun = machine.host.instant();
        strand.moved = true;
    }
}

/// How a strand continues; `None` if it still sleeps.
fn next(
    machine: &mut Machine,
    records: &Records<'_>,
    path: &str,
    strand: &mut Strand,
    retried: bool,
) -> Result<Option<Next>, String> {
    let workflow = strand.workflow.clone();
    let Some((step, position)) = step_of(path, &workflow, strand.step) else { return Ok(Some(Next::Begin)) };
    let of_attempt = |attempt: u32| records.get(&(position.as_str(), attempt)).copied();
    strand.repeated = (1..=strand.attempt).filter_map(of_attempt).any(may_have_done_it);
    // An end of the run stores results of attempts that the place of the strand does not know.
    let newer = strand.attempt.saturating_add(1)..machine.attempts.next(&position);
    let done = newer.filter_map(of_attempt).find(|record| record.state == StepState::Completed);
    let record = done.or_else(|| of_attempt(strand.attempt));
    let waking = strand.sleep().map(|sleep| (sleep.kind, woken(sleep, &machine.events, machine.host.instant())));
    match waking {
        None => {
            if let Some(result) = result_of(record, retried)? {
                return Ok(Some(Next::Done(Box::new(result))));
            }
            let interrupted = record.is_some_and(|record| record.state != StepState::Failed);
            if record.is_some_and(|record| record.state == StepState::Started) {
                let fault = Fault::of_kind(INTERRUPTED, "The engine ended while this attempt was at work.");
                machine.end_step(&position, strand.attempt, Err(&fault));
            }
            if interrupted && step.once && !retried && !planted!(machine.host.clock(), RepeatedOnce) {
                let message = "The step was interrupted and may run only once: it is not known whether it has run.";
                return Ok(Some(Next::Done(Box::new(Err(Fault::of_kind(INTERRUPTED, message))))));
            }
        }
        Some((SleepKind::BackOff, None)) if !retried && !planted!(machine.host.clock(), ForgottenBackOff) => {
            return Ok(None);
        }
        // The attempt that begins now may end before the strand's next commit: its place must not say that it sleeps.
        Some((SleepKind::BackOff, _)) => strand.moved |= !planted!(machine.host.clock(), StalePlace),
        Some((_, Some(next))) if planted!(machine.host.clock(), RetriedWait) => {
            machine.note_end(path, strand, &next);
            return Ok(Some(next));
        }
        Some((_, next)) => {
            let given_up = record.and_then(|record| record.error.as_ref()).is_some_and(Failure::is_given_up);
            let goes_on = given_up || record.is_none_or(|record| record.state == StepState::Started);
            if !goes_on && let Some(result) = result_of(record, retried)? {
                return Ok(Some(Next::Done(Box::new(result))));
            }
            if goes_on {
                return Ok(sleep_on(machine, step, path, strand, next, record));
            }
        }
    }
    begin_again(machine, &position, strand);
    Ok(Some(Next::Attempt))
}

/// Whether an attempt ended without a known result: it was interrupted, or was cancelled while it was running.
fn may_have_done_it(record: &StepRecord) -> bool {
    let own = [ErrorKind::Io.name(), ErrorKind::Value.name()];
    match record.state {
        StepState::Completed => false,
        StepState::Started | StepState::Interrupted => true,
        StepState::Failed => record.error.as_ref().is_none_or(|error| !own.contains(&error.kind.as_str())),
    }
}

/// A wait lasts until the instant set at its start, even if the process of the run ended meanwhile.
fn sleep_on(
    machine: &mut Machine,
    step: &Step,
    path: &str,
    strand: &mut Strand,
    next: Option<Next>,
    record: Option<&StepRecord>,
) -> Option<Next> {
    if record.is_none_or(|record| record.state != StepState::Started) {
        let position = format!("{path}{}", step.position);
        begin_again(machine, &position, strand);
        machine.start(step, &position, strand);
        machine.must_commit = true;
    }
    let next = next?;
    machine.note_end(path, strand, &next);
    Some(next)
}

/// The result of the current attempt, if it is known and final: a failure that is retried is not.
fn result_of(record: Option<&StepRecord>, retried: bool) -> Result<Option<Result<Value, Fault>>, String> {
    let Some(StepRecord { state, result, error, .. }) = record else { return Ok(None) };
    Ok(match state {
        StepState::Completed => {
            // A step without a result gives null.
            let result = result.as_ref().map(|bytes| encoding::decode(bytes)).transpose()?;
            Some(Ok(result.unwrap_or_default()))
        }
        StepState::Failed => error.as_ref().filter(|_| !retried).map(|failure| Err(Fault::of_failure(failure))),
        StepState::Started | StepState::Interrupted => None,
    })
}
