//! Records the store, commit by commit, and checks what no commit may do: change an ended run, lose a row, repeat
//! finished work, let one message overtake another.

use super::points::Points;
use crate::store::{Delivered, RunAgain, RunId, RunState, StepRecord, StepState, Store, StoreError};
use flowscript_lang::value::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A violation.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The kind of violation, in a word or two.
    pub kind: &'static str,
    pub text: String,
}

impl Finding {
    pub(super) fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// A row of a step, and how often the run had been retried when it came.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub record: StepRecord,
    pub retries: u32,
    /// The moment at which it was seen completed.
    pub done: Option<u64>,
}

/// The recorded facts of a run.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub id: RunId,
    /// Its lane, and whether a failure holds it.
    pub lane: Option<(String, bool)>,
    pub in_lane: bool,
    pub rows: Vec<Row>,
    pub retries: u32,
    pub ended: Option<RunState>,
    /// Bodies of events by name.
    pub delivered: BTreeMap<String, i64>,
}

#[derive(Default)]
struct State {
    /// In the order of acceptance.
    runs: Vec<Seen>,
    /// The runs of each lane, by key.
    lanes: BTreeMap<String, Vec<RunId>>,
    findings: Vec<Finding>,
    /// A lease has ended while runs were at work: their claims may be lost.
    expired: bool,
}

/// The witness of one history.
pub(super) struct Witness {
    pub points: Arc<Points>,
    state: Mutex<State>,
}

impl Witness {
    pub(super) fn new(points: Arc<Points>) -> Self {
        Self { points, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The first finding so far.
    pub(super) fn finding(&self) -> Option<Finding> {
        self.state().findings.first().cloned()
    }

    pub(super) fn find(&self, kind: &'static str, text: impl Into<String>) {
        self.state().findings.push(Finding::new(kind, text));
    }

    pub(super) fn runs(&self) -> Vec<Seen> {
        self.state().runs.clone()
    }

    pub(super) fn expired(&self) {
        self.state().expired = true;
    }

    /// The number of a run, for messages.
    pub(super) fn number(&self, run: RunId) -> usize {
        self.state().runs.iter().position(|seen| seen.id == run).unwrap_or(usize::MAX)
    }

    /// A run was accepted.
    pub(super) fn accepted(&self, id: RunId, lane: Option<(String, bool)>) {
        let mut state = self.state();
        if let Some((key, _)) = &lane {
            state.lanes.entry(key.clone()).or_default().push(id);
        }
        let in_lane = lane.is_some();
        let delivered = BTreeMap::new();
        state.runs.push(Seen { id, lane, in_lane, rows: Vec::new(), retries: 0, ended: None, delivered });
    }

    /// A run was handed to a worker: every run before it in its lane must be finished.
    pub(super) async fn started(&self, id: RunId, store: &dyn Store) {
        let before: Vec<RunId> = {
            let state = self.state();
            let seen = state.runs.iter().find(|seen| seen.id == id);
            let Some((key, _)) = seen.and_then(|seen| seen.lane.clone()) else { return };
            state.lanes.get(&key).into_iter().flatten().take_while(|other| **other != id).copied().collect()
        };
        for other in before {
            // The end of the other may be in the same commit, and seen after this.
            let left = store.summary(other).await.is_ok_and(|other| other.state.is_final() && !other.holds_lane);
            if !left {
                let (id, other) = (self.number(id), self.number(other));
                self.find("overtaken", format!("run {id} was started while run {other} stood before it in its lane"));
            }
        }
    }

    /// A run is in a final state.
    pub(super) fn ended(&self, id: RunId, end: RunState) {
        let mut state = self.state();
        let mut finding = None;
        if let Some(seen) = state.runs.iter_mut().find(|seen| seen.id == id) {
            if let Some(before) = seen.ended.filter(|before| *before != end) {
                finding = Some(format!("a run that was {before} became {end}"));
            }
            seen.ended = Some(end);
            let holds = seen.lane.as_ref().is_some_and(|(_, pause)| *pause) && end.is_retryable();
            if !holds {
                seen.in_lane = false;
                let lane = seen.lane.clone();
                leave(&mut state, id, lane.as_ref());
            }
        }
        state.findings.extend(finding.map(|text| Finding::new("end changed", text)));
    }

    /// A run is queued again.
    pub(super) fn retried(&self, id: RunId) {
        let mut state = self.state();
        let Some(seen) = state.runs.iter_mut().find(|seen| seen.id == id) else { return };
        seen.retries += 1;
        seen.ended = None;
        if let Some((key, _)) = seen.lane.clone().filter(|_| !seen.in_lane) {
            seen.in_lane = true;
            state.lanes.entry(key).or_default().push(id);
        }
    }

    /// A run replaces an earlier one.
    pub(super) fn again(&self, again: &RunAgain) {
        let mut state = self.state();
        let Some(source) = state.runs.iter_mut().find(|seen| seen.id == again.source) else { return };
        let lane = source.lane.clone();
        let holds = source.in_lane && source.ended.is_some();
        if holds {
            source.in_lane = false;
        }
        if let Some((key, _)) = &lane {
            let standing = state.lanes.entry(key.clone()).or_default();
            match standing.iter().position(|id| *id == again.source).filter(|_| holds) {
                Some(place) => standing[place] = again.id,
                None => standing.push(again.id),
            }
        }
        let in_lane = lane.is_some();
        let (rows, delivered) = (Vec::new(), BTreeMap::new());
        state.runs.push(Seen { id: again.id, lane, in_lane, rows, retries: 0, ended: None, delivered });
    }

    /// A queued run, or a head that holds its lane, was skipped.
    pub(super) fn skipped(&self, id: RunId) {
        if self.runs().iter().any(|seen| seen.id == id && seen.ended.is_none()) {
            return self.ended(id, RunState::Skipped);
        }
        let mut state = self.state();
        if let Some(seen) = state.runs.iter_mut().find(|seen| seen.id == id) {
            seen.in_lane = false;
            let lane = seen.lane.clone();
            leave(&mut state, id, lane.as_ref());
        }
    }

    /// An event was sent.
    pub(super) fn delivered(&self, id: RunId, name: &str, body: i64, became: Delivered) {
        let mut state = self.state();
        let Some(seen) = state.runs.iter_mut().find(|seen| seen.id == id) else { return };
        let wanted = match (seen.ended, seen.delivered.contains_key(name)) {
            (Some(_), _) => Delivered::Ended,
            (None, true) => Delivered::Already,
            (None, false) => Delivered::Kept,
        };
        if became == Delivered::Kept {
            seen.delivered.insert(name.to_owned(), body);
        }
        if became != wanted {
            let text = format!("the event {name} was {became:?} and should have been {wanted:?}");
            state.findings.push(Finding::new("event", text));
        }
    }

    /// A worker's write was refused.
    pub(super) fn refused(&self, id: RunId, what: &str, error: &StoreError) {
        let allowed = match error {
            StoreError::Stale { .. } => self.state().expired,
            StoreError::Conflict(_) => what == "respond",
            _ => false,
        };
        if !allowed {
            self.find("write refused", format!("run {}: {what}: {error}", self.number(id)));
        }
    }

    /// The rows of a run as they are now.
    pub(super) fn rows(&self, id: RunId, rows: Vec<StepRecord>) {
        let moment = self.points.moment();
        let number = self.number(id);
        let mut state = self.state();
        let Some(seen) = state.runs.iter_mut().find(|seen| seen.id == id) else { return };
        let mut findings = Vec::new();
        let mut find = |kind, text: String| findings.push(Finding::new(kind, format!("run {number}: {text}")));
        for old in &seen.rows {
            let StepRecord { position, attempt, .. } = &old.record;
            match rows.iter().find(|row| row.position == *position && row.attempt == *attempt) {
                None => find("row lost", format!("attempt {attempt} of {position} is gone")),
                Some(new) if old.record.state == StepState::Started => {
                    if (new.started_at, &new.kind) != (old.record.started_at, &old.record.kind) {
                        find("attempt overwritten", format!("attempt {attempt} of {position} started again"));
                    }
                }
                Some(new) if *new != old.record => {
                    let text = format!("attempt {attempt} of {position}, which was over, changed");
                    find("attempt overwritten", format!("{text}:\n{:?}\n{new:?}", old.record));
                }
                Some(_) => {}
            }
        }
        let mut next: Vec<Row> = Vec::with_capacity(rows.len());
        for record in rows {
            let is_same = |old: &&Row| old.record.position == record.position && old.record.attempt == record.attempt;
            let old = seen.rows.iter().find(is_same);
            if record.ended_at.is_some_and(|ended| ended < record.started_at) {
                find("times", format!("{} ends before it starts", record.position));
            }
            if old.is_none() {
                if let Some(end) = seen.ended {
                    find("acts after its end", format!("{} began after the run was {end}", record.position));
                }
                let earlier = seen.rows.iter().chain(&next).filter(|row| row.record.position == record.position);
                let last = earlier.clone().map(|row| row.record.attempt).max().unwrap_or(0);
                // A pass that was left out, by `when`, has a number and no row.
                if record.attempt <= last {
                    find(
                        "attempt number",
                        format!("attempt {} of {} came after {last}", record.attempt, record.position),
                    );
                }
                if earlier.clone().any(|row| row.record.state == StepState::Completed) {
                    find("step repeated", format!("{} began again after it was completed", record.position));
                }
                let open = earlier.filter(|row| row.record.state != StepState::Failed && row.retries == seen.retries);
                if is_once(&record.position) && open.count() > 0 {
                    find("once repeated", format!("{} may run once, and began again", record.position));
                }
            }
            let retries = old.map_or(seen.retries, |old| old.retries);
            let done = old.and_then(|old| old.done).or((record.state == StepState::Completed).then_some(moment));
            next.push(Row { record, retries, done });
        }
        seen.rows = next;
        state.findings.extend(findings);
    }
}

/// Ids of steps that may run only once have this ending.
pub(super) fn is_once(position: &str) -> bool {
    position.ends_with('o')
}

fn leave(state: &mut State, id: RunId, lane: Option<&(String, bool)>) {
    if let Some((key, _)) = lane
        && let Some(standing) = state.lanes.get_mut(key)
    {
        standing.retain(|other| *other != id);
    }
}

/// A whole number.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.to_i64(),
        _ => None,
    }
}
