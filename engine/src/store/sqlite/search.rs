//! The search for runs, newest first, in windows: an index gives the next candidates, the conditions choose among them.
//!
//! An index leads where a filter names what it is of: a text that few runs have, a label, a lane, states other than
//! `completed`, triggers other than the usual one, slow runs, workflows. Without any of them the search goes back through
//! all runs. A filter whose index has many candidates and few runs takes long: the search ends after a time, at an instant,
//! and the next page continues there.

use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::conditions::{self, Conditions, after, first_id, ids_with_prefix};
use super::statement;
use crate::store::filter::{Condition, Mark, Term};
use crate::store::{Result, RunId, RunQuery, RunState, StoreError, Trigger};

/// A text that matches no more runs than this is looked up in the indexes; a more common one is found by scanning the
/// runs, where it turns up soon.
const RARE: usize = 2000;
/// The most indexed lists that are merged.
const MOST_BRANCHES: usize = 256;
/// Only runs that took at least this, in milliseconds, have an index.
const SLOW: u64 = 1000;

/// How long a search may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// After this time it ends with what it has found.
    pub time: Duration,
    /// The candidates of a large window.
    pub window: u32,
}

impl Patience {
    /// For callers who wait.
    pub const USUAL: Self = Self { time: Duration::from_millis(40), window: 2000 };
}

/// A list of candidates in the order of their ids: an index, with conditions that it serves.
#[derive(Debug, Clone)]
struct Branch {
    index: &'static str,
    condition: String,
    values: Vec<Value>,
    done: bool,
}

/// A search in progress.
pub(super) struct Search {
    branches: Vec<Branch>,
    /// What holds of the runs that it finds.
    pub conditions: Conditions,
    /// It looks at ids below this one.
    pub before: RunId,
    from: RunId,
    started: Instant,
    patience: Patience,
}

impl Search {
    /// The search of a query.
    pub fn new(conn: &Connection, query: &RunQuery, patience: Patience) -> Result<Self> {
        let mut before = RunId::from_bytes([0xff; 16]);
        if let Some(after) = &query.after {
            before = after.run()?;
        }
        if let Some(end) = query.accepted_before {
            before = before.min(first_id(end));
        }
        let terms = query.terms();
        Ok(Self {
            branches: branches(conn, &terms)?,
            conditions: Conditions::of(conn, &terms)?,
            before,
            from: query.accepted_from.map_or(RunId::from_bytes([0; 16]), first_id),
            started: Instant::now(),
            patience,
        })
    }

    /// Whether every candidate has been given.
    pub fn is_through(&self) -> bool {
        self.branches.iter().all(|branch| branch.done)
    }

    /// Whether it has taken long enough.
    pub fn is_late(&self) -> bool {
        self.started.elapsed() >= self.patience.time
    }

    /// The `seq` of the next candidates, about `size` of them, as a list of JSON.
    pub fn window(&mut self, conn: &Connection, size: u32) -> Result<String> {
        let size = size.min(self.patience.window.max(1));
        let each = if self.branches.len() > 1 { (size / self.branches.len() as u32).max(64).min(size) } else { size };
        let mut candidates: Vec<(RunId, i64)> = Vec::new();
        // Below the last candidate of a full list there may be more of it.
        let mut horizon = self.from;
        for branch in self.branches.iter_mut().filter(|branch| !branch.done) {
            let mut values = branch.values.clone();
            values.extend([blob(self.before), blob(self.from), Value::from(i64::from(each))]);
            let found = statement::rows(conn, &branch.sql(), params_from_iter(values), |row| {
                Ok((row.get::<_, RunId>(1)?, row.get::<_, i64>(0)?))
            })?;
            branch.done = found.len() < each as usize;
            if let Some((last, _)) = found.last().filter(|_| !branch.done) {
                horizon = horizon.max(*last);
            }
            candidates.extend(found);
        }
        candidates.retain(|(id, _)| *id >= horizon);
        // A list that has ended above the horizon is looked at again only below it.
        for branch in &mut self.branches {
            branch.done &= horizon == self.from;
        }
        self.before = horizon;
        let numbers: Vec<String> = candidates.iter().map(|(_, seq)| seq.to_string()).collect();
        Ok(format!("[{}]", numbers.join(",")))
    }
}

impl Branch {
    fn new(index: &'static str, condition: impl Into<String>, values: Vec<Value>) -> Self {
        Self { index, condition: condition.into(), values, done: false }
    }

    fn sql(&self) -> String {
        let Self { index, condition, values, .. } = self;
        let [before, from, limit] = [1, 2, 3].map(|number| values.len() + number);
        format!(
            "select seq, id from runs {index} where {condition} and id < ?{before} and id >= ?{from}
             order by id desc limit ?{limit}"
        )
    }
}

fn blob(id: RunId) -> Value {
    Value::from(id.as_bytes().to_vec())
}

/// The candidates that the best index gives.
fn branches(conn: &Connection, terms: &[Term]) -> Result<Vec<Branch>> {
    let positive = || terms.iter().filter(|term| !term.negated).map(|term| &term.condition);
    for condition in positive() {
        if let Some(seqs) = rare(conn, condition)? {
            let list = serde_json::to_string(&seqs).map_err(|error| StoreError::Other(error.to_string()))?;
            let few = Branch::new("not indexed", "seq in (select value from json_each(?1))", vec![Value::from(list)]);
            return Ok(vec![few]);
        }
    }
    let states = states(terms);
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = None;
    let mut workflows: Option<Vec<i64>> = None;
    for condition in positive() {
        match condition {
            Condition::Label(labels) if found.is_none() => {
                let of = |label: &String| {
                    Branch::new("indexed by runs_label", "label = ?1", vec![Value::from(label.clone())])
                };
                found = Some(labels.iter().map(of).collect());
            }
            Condition::Lane(keys) if found.is_none() => found = Some(lanes(conn, keys)?),
            Condition::Workflow(names) => {
                let of = conditions::workflows(conn, names)?;
                workflows = Some(match workflows {
                    Some(known) => known.into_iter().filter(|key| of.contains(key)).collect(),
                    None => of,
                });
            }
            Condition::Label(_)
            | Condition::Lane(_)
            | Condition::State(_)
            | Condition::Is(_)
            | Condition::Trigger(_)
            | Condition::Version(_)
            | Condition::Error(_)
            | Condition::TookOver(_)
            | Condition::TookUnder(_)
            | Condition::Text(_) => {}
        }
    }
    if let Some(found) = found {
        return Ok(limited(found));
    }
    Ok(limited(of_rows(terms, &states, workflows.as_deref())))
}

/// More lists than can be merged are as good as none: the search goes through all runs.
fn limited(branches: Vec<Branch>) -> Vec<Branch> {
    if branches.len() <= MOST_BRANCHES { branches } else { vec![everything()] }
}

fn everything() -> Branch {
    Branch::new("indexed by runs_id", "1", Vec::new())
}

/// The candidates with a value in a column, one list for each workflow if they are given. The indexes of the column, alone
/// and after the workflow, leave out its usual value.
fn with_value(
    [alone, of_workflow]: [&'static str; 2],
    column: &str,
    value: &str,
    usual: &str,
    workflows: Option<&[i64]>,
) -> Vec<Branch> {
    let value = Value::from(value.to_owned());
    match workflows {
        Some(keys) => {
            let condition = format!("workflow = ?1 and {column} = ?2 and {column} <> '{usual}'");
            let of = |key: &i64| Branch::new(of_workflow, condition.clone(), vec![Value::from(*key), value.clone()]);
            keys.iter().map(of).collect()
        }
        None => vec![Branch::new(alone, format!("{column} = ?1 and {column} <> '{usual}'"), vec![value])],
    }
}

/// The candidates by columns of the run's row.
fn of_rows(terms: &[Term], states: &[RunState], workflows: Option<&[i64]>) -> Vec<Branch> {
    // A partial index is used only if its own condition is part of the query.
    if !states.contains(&RunState::Completed) {
        let index = ["indexed by runs_state", "indexed by runs_workflow_state"];
        let of = |state: &RunState| with_value(index, "state", state.as_str(), "completed", workflows);
        return states.iter().flat_map(of).collect();
    }
    let positive = || terms.iter().filter(|term| !term.negated).map(|term| &term.condition);
    let triggers = triggers(terms);
    if triggers.iter().all(|trigger| !trigger.facts().is_usual) {
        let index = ["indexed by runs_trigger", "indexed by runs_workflow_trigger"];
        let of = |trigger: &Trigger| with_value(index, "trigger", trigger.as_str(), "webhook", workflows);
        return triggers.iter().flat_map(of).collect();
    }
    if positive().any(|condition| *condition == Condition::Is(Mark::WithErrors)) {
        return vec![Branch::new("indexed by runs_with_errors", "with_errors = 1", Vec::new())];
    }
    if positive().any(|condition| matches!(condition, Condition::TookOver(millis) if *millis >= SLOW)) {
        return vec![Branch::new("indexed by runs_slow", "ended_at - started_at >= 1000", Vec::new())];
    }
    match workflows {
        Some(keys) => {
            let of = |key: &i64| Branch::new("indexed by runs_workflow", "workflow = ?1", vec![Value::from(*key)]);
            keys.iter().map(of).collect()
        }
        None => vec![everything()],
    }
}

/// The states that a run may be in.
fn states(terms: &[Term]) -> Vec<RunState> {
    let allows = |term: &Term, state: RunState| match &term.condition {
        Condition::State(states) => states.contains(&state) != term.negated,
        Condition::Is(Mark::Held) => term.negated || state.is_retryable(),
        Condition::Is(Mark::WithErrors) => term.negated || state == RunState::Completed,
        Condition::Workflow(_)
        | Condition::Trigger(_)
        | Condition::Label(_)
        | Condition::Lane(_)
        | Condition::Version(_)
        | Condition::Error(_)
        | Condition::TookOver(_)
        | Condition::TookUnder(_)
        | Condition::Text(_) => true,
    };
    let all = RunState::ALL.iter().copied();
    all.filter(|state| terms.iter().all(|term| allows(term, *state))).collect()
}

/// The triggers that it may have.
fn triggers(terms: &[Term]) -> Vec<Trigger> {
    let allows = |term: &Term, trigger: Trigger| match &term.condition {
        Condition::Trigger(triggers) => triggers.contains(&trigger) != term.negated,
        Condition::State(_)
        | Condition::Is(_)
        | Condition::Workflow(_)
        | Condition::Label(_)
        | Condition::Lane(_)
        | Condition::Version(_)
        | Condition::Error(_)
        | Condition::TookOver(_)
        | Condition::TookUnder(_)
        | Condition::Text(_) => true,
    };
    let all = Trigger::ALL.iter().copied();
    all.filter(|trigger| terms.iter().all(|term| allows(term, *trigger))).collect()
}

fn lanes(conn: &Connection, keys: &[String]) -> Result<Vec<Branch>> {
    let mut found = Vec::new();
    for key in keys {
        let sql = "select key from lanes where name = ?1 collate nocase and name = ?1 and kind = 'webhook' limit ?2";
        let lanes = statement::values::<i64>(conn, sql, (key, MOST_BRANCHES as i64 + 1))?;
        found.extend(lanes.into_iter().map(|lane| {
            Branch::new("indexed by runs_lane", "lane = ?1 and lane is not null", vec![Value::from(lane)])
        }));
    }
    Ok(found)
}

/// The `seq` of the runs that may meet a condition about the beginning of a text, if they are few.
fn rare(conn: &Connection, condition: &Condition) -> Result<Option<Vec<i64>>> {
    let (prefixes, everywhere) = match condition {
        Condition::Text(text) if !text.is_empty() => (std::slice::from_ref(text), true),
        Condition::Error(prefixes) => (prefixes.as_slice(), false),
        Condition::Text(_)
        | Condition::State(_)
        | Condition::Is(_)
        | Condition::Workflow(_)
        | Condition::Trigger(_)
        | Condition::Label(_)
        | Condition::Lane(_)
        | Condition::Version(_)
        | Condition::TookOver(_)
        | Condition::TookUnder(_) => return Ok(None),
    };
    let mut found = Vec::new();
    for prefix in prefixes {
        let mut places = vec!["select seq from runs where error_message >= ?1 and error_message < ?2"];
        let mut values = vec![Value::from(prefix.clone()), Value::from(after(prefix))];
        if everywhere {
            places.push("select seq from runs where label >= ?1 and label < ?2");
            places.push(
                "select r.seq from runs r join lanes l on l.key = r.lane where r.lane is not null
                     and l.kind = 'webhook' and l.name collate nocase >= ?1 and l.name collate nocase < ?2",
            );
            if let Some((first, last)) = ids_with_prefix(prefix) {
                places.push("select seq from runs where id >= ?3 and id <= ?4");
                values.extend([Value::from(first.to_vec()), Value::from(last.to_vec())]);
            }
        }
        let places = places.iter().map(|place| format!("select seq from ({place} limit {RARE})"));
        let sql = places.collect::<Vec<_>>().join(" union ");
        found.extend(statement::rows(conn, &sql, params_from_iter(values), statement::only::<i64>)?);
        if found.len() >= RARE {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
pub(super) fn plans(conn: &Connection, query: &RunQuery) -> Vec<String> {
    let search = Search::new(conn, query, Patience::USUAL).unwrap();
    search.branches.iter().map(Branch::sql).collect()
}
