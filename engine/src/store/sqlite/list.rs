//! The list of runs: which index serves which query, and pages that do not shift.
//!
//! Pages go backwards through ids, which are in the order of acceptance. A run that is accepted during the paging has a
//! newer id than every page after the first.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::run_row;
use super::statement::only;
use crate::store::{Cursor, Result, RunPage, RunQuery, RunState, RunSummary, Timestamp, cut};

/// The default and the limit of the number of runs on a page.
pub(super) const PAGE: u32 = 50;
pub(super) const LARGEST_PAGE: u32 = 1000;

/// A text that matches no more runs than this is looked up in the indexes; a more common one is found by scanning the
/// runs, where it turns up soon.
const RARE: usize = 2000;

/// A page of runs.
pub(super) fn runs(conn: &Connection, query: &RunQuery) -> Result<RunPage> {
    let limit = page_size(query.limit);
    let mut states = query.states.clone();
    states.sort_unstable_by_key(|state| state.as_str());
    states.dedup();
    // One more than requested shows whether there is a next page.
    let mut found = match states.as_slice() {
        [] => Filter::new(conn, query, None)?.select(conn, limit + 1)?,
        states => {
            let mut found = Vec::new();
            for state in states {
                found.extend(Filter::new(conn, query, Some(*state))?.select(conn, limit + 1)?);
            }
            found.sort_unstable_by_key(|run| std::cmp::Reverse(run.origin.id));
            found
        }
    };
    let next = cut(&mut found, limit as usize, |last| Cursor::after_run(last.origin.id));
    Ok(RunPage { runs: found, next })
}

/// The size of a requested page.
pub(super) fn page_size(asked: u32) -> u32 {
    if asked == 0 { PAGE } else { asked.min(LARGEST_PAGE) }
}

/// The conditions of a query for one state or for all, as SQL with numbered parameters.
struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
    state: Option<RunState>,
    /// The index that fits best.
    index: &'static str,
    /// The runs are few and known: no index is forced.
    few: bool,
}

impl Filter {
    fn new(conn: &Connection, query: &RunQuery, state: Option<RunState>) -> Result<Self> {
        let mut filter =
            Self { conditions: Vec::new(), values: Vec::new(), state, index: "indexed by runs_id", few: false };
        if let Some(after) = &query.after {
            filter.add("r.id < ?", vec![blob(after.run()?.as_bytes())]);
        }
        if let Some(from) = query.accepted_from {
            filter.add("r.id >= ?", vec![blob(&first_id(from))]);
        }
        if let Some(before) = query.accepted_before {
            filter.add("r.id < ?", vec![blob(&first_id(before))]);
        }
        if let Some(trigger) = query.trigger {
            filter.add("r.trigger = ?", vec![Value::from(trigger.as_str().to_owned())]);
            if !trigger.facts().is_usual {
                // The partial index is used only if its own condition is part of the query.
                filter.add("r.trigger <> 'webhook'", vec![]);
                filter.index = "indexed by runs_trigger";
            }
        }
        if let Some(workflow) = &query.workflow {
            filter.add("r.workflow = (select key from workflows where id = ?)", vec![Value::from(workflow.clone())]);
            let rare = query.trigger.is_some_and(|trigger| !trigger.facts().is_usual);
            filter.index = if rare { "indexed by runs_workflow_trigger" } else { "indexed by runs_workflow" };
        }
        if let Some(label) = &query.label {
            // The index ignores case, the comparison does not.
            filter.add("r.label = ?", vec![Value::from(label.clone())]);
            filter.add("r.label = ? collate binary", vec![Value::from(label.clone())]);
            filter.index = "indexed by runs_label";
        }
        if let Some(text) = query.text.as_deref().filter(|text| !text.is_empty()) {
            filter.add_text(conn, text)?;
        }
        Ok(filter)
    }

    /// Adds a condition; each `?` is the next of the values.
    fn add(&mut self, condition: &str, values: Vec<Value>) {
        let mut numbered = String::new();
        let mut values = values.into_iter();
        for c in condition.chars() {
            numbered.push(c);
            if c == '?'
                && let Some(value) = values.next()
            {
                self.values.push(value);
                numbered.push_str(&self.values.len().to_string());
            }
        }
        self.conditions.push(numbered);
    }

    fn add_text(&mut self, conn: &Connection, text: &str) -> Result<()> {
        let (from, to) = (text.to_owned(), format!("{text}\u{10ffff}"));
        // A completed run has no error. Searching for one would scan all completed runs.
        let errors = self.state != Some(RunState::Completed);
        let mut places = vec![
            "select seq from runs where label >= ?1 and label < ?2",
            "select r.seq from runs r join lanes l on l.key = r.lane where r.lane is not null
                 and l.kind = 'webhook' and l.name collate nocase >= ?1 and l.name collate nocase < ?2",
        ];
        let mut values = vec![Value::from(from.clone()), Value::from(to.clone())];
        if errors {
            places.push("select seq from runs where error_message >= ?1 and error_message < ?2");
        }
        let ids = ids_with_prefix(text);
        if let Some((first, last)) = ids {
            places.push("select seq from runs where id >= ?3 and id <= ?4");
            values.extend([blob(&first), blob(&last)]);
        }
        let places = places.iter().map(|place| format!("select seq from ({place} limit {RARE})")).collect::<Vec<_>>();
        let mut statement = conn.prepare_cached(&places.join(" union "))?;
        let found = statement.query_map(params_from_iter(values), only)?;
        let found: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
        if found.len() < RARE {
            // Numbers from the database itself: nothing to escape.
            let list = found.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            self.conditions.push(format!("r.seq in ({list})"));
            self.few = true;
            return Ok(());
        }
        let range = |column: &str| format!("({column} >= ? and {column} < ?)");
        let mut columns = vec!["r.label", "l.name collate nocase"];
        columns.extend(errors.then_some("r.error_message"));
        let bounds = [from, to].into_iter().map(Value::from).cycle();
        let mut values: Vec<Value> = bounds.take(2 * columns.len()).collect();
        let mut condition = columns.into_iter().map(range).collect::<Vec<_>>().join(" or ");
        if let Some((first, last)) = ids {
            condition.push_str(" or (r.id >= ? and r.id <= ?)");
            values.extend([blob(&first), blob(&last)]);
        }
        self.add(&format!("({condition})"), values);
        Ok(())
    }

    fn select(&self, conn: &Connection, limit: u32) -> Result<Vec<RunSummary>> {
        let mut conditions = self.conditions.clone();
        let mut values = self.values.clone();
        let mut index = self.index;
        if let Some(state) = self.state {
            values.push(Value::from(state.as_str().to_owned()));
            conditions.push(format!("r.state = ?{}", values.len()));
            if state != RunState::Completed {
                // The partial index is used only if its own condition is part of the query.
                conditions.push("r.state <> 'completed'".to_owned());
                index = "indexed by runs_state";
            }
        }
        if self.few {
            index = "not indexed";
        }
        let condition = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" and ") };
        values.push(Value::from(i64::from(limit)));
        let rest = format!("where {condition} order by r.id desc limit ?{}", values.len());
        let mut statement = conn.prepare_cached(&run_row::select_list(index, &rest))?;
        let found = statement.query_map(params_from_iter(values), run_row::summary)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

fn blob(bytes: &[u8]) -> Value {
    Value::from(bytes.to_vec())
}

/// The smallest id of an instant.
fn first_id(at: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(at.0).unwrap_or(0).min(0xffff_ffff_ffff);
    (u128::from(millis) << 80).to_be_bytes()
}

/// The smallest and largest id whose text begins with this prefix, if it can begin an id.
fn ids_with_prefix(text: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let filled = |fill: &str| -> Option<[u8; 16]> {
        let missing = fill.repeat(32 - digits.len());
        hex::decode(format!("{digits}{missing}")).ok()?.try_into().ok()
    };
    Some((filled("0")?, filled("f")?))
}
