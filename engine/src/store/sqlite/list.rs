//! The list of runs, and counts over it: pages that do not shift.
//!
//! Pages go backwards through ids, which are in the order of acceptance. A run that is accepted during the paging has a
//! newer id than every page after the first.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::run_row;
use super::search::{Patience, Search};
use super::statement;
use crate::store::filter::{Found, Stretch};
use crate::store::{Cursor, Result, RunId, RunPage, RunQuery, RunState, RunSummary, StoreError, Timestamp, cut};

/// The default and the limit of the number of runs on a page.
pub(super) const PAGE: u32 = 50;
pub(super) const LARGEST_PAGE: u32 = 1000;

/// The most stretches of time that are counted apart.
const MOST_STRETCHES: usize = 1000;

/// A page of runs.
pub(super) fn runs(conn: &Connection, query: &RunQuery, patience: Patience) -> Result<RunPage> {
    let limit = page_size(query.limit);
    let mut search = Search::new(conn, query, patience)?;
    let mut found = Vec::new();
    // One more than requested shows whether there is a next page.
    let mut size = limit + 1;
    while found.len() <= limit as usize && !search.is_through() {
        let window = search.window(conn, size)?;
        found.extend(chosen(conn, &search, window, limit + 1)?);
        if found.len() <= limit as usize && !search.is_through() && search.is_late() {
            let (next, searched_to) = (Cursor::after_run(search.before), search.before.accepted_at());
            return Ok(RunPage { runs: found, next: Some(next), searched_to: Some(searched_to) });
        }
        size = size.saturating_mul(4);
    }
    let next = cut(&mut found, limit as usize, |last| Cursor::after_run(last.origin.id));
    Ok(RunPage { runs: found, next, searched_to: None })
}

/// The runs of a window that meet the conditions, newest first.
fn chosen(conn: &Connection, search: &Search, window: String, limit: u32) -> Result<Vec<RunSummary>> {
    let (window, mut values) = in_window(search, window);
    values.push(Value::from(i64::from(limit)));
    let rest = format!("where {window} order by r.id desc limit ?{}", values.len());
    statement::rows(conn, &run_row::select_list("not indexed", &rest), params_from_iter(values), run_row::summary)
}

/// The conditions of a search for the runs of a window, with the values of their parameters.
fn in_window(search: &Search, window: String) -> (String, Vec<Value>) {
    let mut values = search.conditions.values().to_vec();
    values.push(Value::from(window));
    let condition = search.conditions.sql();
    (format!("r.seq in (select value from json_each(?{})) and {condition}", values.len()), values)
}

/// The size of a requested page.
pub(super) fn page_size(asked: u32) -> u32 {
    if asked == 0 { PAGE } else { asked.min(LARGEST_PAGE) }
}

/// How many runs meet the conditions, by state, and in stretches of `length` milliseconds.
pub(super) fn found(conn: &Connection, query: &RunQuery, length: i64, patience: Patience) -> Result<Found> {
    if length <= 0 {
        return Err(StoreError::Conflict("a stretch of time must last".to_owned()));
    }
    let mut search = Search::new(conn, query, patience)?;
    let mut stretches: BTreeMap<i64, States> = BTreeMap::new();
    let mut searched_to = None;
    while !search.is_through() {
        let window = search.window(conn, patience.window)?;
        let (condition, values) = in_window(&search, window);
        let sql = format!(
            "select r.state, r.id from runs r not indexed left join lanes l on l.key = r.lane where {condition}"
        );
        let runs = statement::rows(conn, &sql, params_from_iter(values), |row| {
            Ok((row.get::<_, RunState>(0)?, row.get::<_, RunId>(1)?))
        })?;
        for (state, id) in runs {
            let at = id.accepted_at().0;
            add(stretches.entry(at - at.rem_euclid(length)).or_default(), state, 1);
        }
        if stretches.len() > MOST_STRETCHES {
            return Err(StoreError::Conflict(format!(
                "more than {MOST_STRETCHES} stretches of time have runs; choose longer ones, or a shorter time"
            )));
        }
        if !search.is_through() && search.is_late() {
            searched_to = Some(search.before.accepted_at());
            break;
        }
    }
    let mut states = States::new();
    for (state, number) in stretches.values().flatten() {
        add(&mut states, *state, *number);
    }
    let stretch = |(start, states)| Stretch { start: Timestamp(start), states };
    Ok(Found { states, stretches: stretches.into_iter().map(stretch).collect(), searched_to })
}

/// Numbers by state.
type States = Vec<(RunState, u64)>;

fn add(states: &mut States, state: RunState, number: u64) {
    match states.iter_mut().find(|(known, _)| *known == state) {
        Some((_, count)) => *count += number,
        None => {
            states.push((state, number));
            // In the order of all states, so that equal counts are equal.
            states.sort_by_key(|(state, _)| RunState::ALL.iter().position(|other| other == state));
        }
    }
}
