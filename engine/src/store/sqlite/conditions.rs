//! The conditions of a filter as SQL over a run `r` with its lane `l`.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::statement;
use crate::store::filter::{Condition, Mark, Term};
use crate::store::{Result, RunId, RunState, Timestamp, Trigger};

/// Conditions with numbered parameters, joined by `and`.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// All of these terms.
    pub fn of(conn: &Connection, terms: &[Term]) -> Result<Self> {
        let mut all = Self::default();
        for Term { negated, condition } in terms {
            let sql = all.condition(conn, condition)?;
            // A column without a value makes a comparison null, which is neither true nor false.
            all.sql.push(if *negated { format!("not coalesce(({sql}), 0)") } else { format!("({sql})") });
        }
        Ok(all)
    }

    /// The text; true without conditions.
    pub fn sql(&self) -> String {
        if self.sql.is_empty() { "1".to_owned() } else { self.sql.join(" and ") }
    }

    /// The values of its parameters, from the first on.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The parameter for a value.
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// One of several conditions; false without any.
    fn any<T>(&mut self, of: &[T], mut one: impl FnMut(&mut Self, &T) -> String) -> String {
        let all: Vec<String> = of.iter().map(|value| one(self, value)).collect();
        if all.is_empty() { "0".to_owned() } else { all.join(" or ") }
    }

    fn condition(&mut self, conn: &Connection, condition: &Condition) -> Result<String> {
        Ok(match condition {
            Condition::State(states) => self.any(states, |all, state| format!("r.state = {}", all.value(name(*state)))),
            Condition::Is(Mark::WithErrors) => "r.with_errors = 1".to_owned(),
            Condition::Is(Mark::Held) => "r.in_lane is not null and r.ended_at is not null".to_owned(),
            Condition::Workflow(names) => format!("r.workflow in ({})", list(&workflows(conn, names)?)),
            Condition::Trigger(triggers) => {
                self.any(triggers, |all, trigger| format!("r.trigger = {}", all.value(trigger_name(*trigger))))
            }
            // The column ignores case, the comparison does not.
            Condition::Label(labels) => {
                self.any(labels, |all, label| format!("r.label = {} collate binary", all.value(label.clone())))
            }
            Condition::Lane(keys) => {
                let keys = self.any(keys, |all, key| format!("l.name = {}", all.value(key.clone())));
                format!("l.kind = 'webhook' and ({keys})")
            }
            Condition::Version(prefixes) => format!("r.version in ({})", list(&versions(conn, prefixes)?)),
            Condition::Error(prefixes) => self.any(prefixes, |all, prefix| all.begins("r.error_message", prefix)),
            Condition::TookOver(millis) => format!("r.ended_at - r.started_at > {}", self.value(span(*millis))),
            Condition::TookUnder(millis) => format!("r.ended_at - r.started_at < {}", self.value(span(*millis))),
            Condition::Text(text) if text.is_empty() => "1".to_owned(),
            Condition::Text(text) => {
                // A comparison that is null does not spoil the others.
                let mut places: Vec<String> = ["r.label", "r.error_message"]
                    .into_iter()
                    .map(|column| format!("coalesce({}, 0)", self.begins(column, text)))
                    .collect();
                let lane = self.begins("l.name collate nocase", text);
                places.push(format!("coalesce(l.kind = 'webhook' and {lane}, 0)"));
                if let Some((first, last)) = ids_with_prefix(text) {
                    let (first, last) = (self.value(first.to_vec()), self.value(last.to_vec()));
                    places.push(format!("(r.id >= {first} and r.id <= {last})"));
                }
                places.join(" or ")
            }
        })
    }

    fn begins(&mut self, column: &str, prefix: &str) -> String {
        let (from, to) = (self.value(prefix.to_owned()), self.value(after(prefix)));
        format!("({column} >= {from} and {column} < {to})")
    }
}

fn name(state: RunState) -> String {
    state.as_str().to_owned()
}

fn trigger_name(trigger: Trigger) -> String {
    trigger.as_str().to_owned()
}

fn span(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// Numbers from the database itself: nothing to escape.
fn list(keys: &[i64]) -> String {
    keys.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// A text after all that begin with `prefix`.
pub(super) fn after(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// The keys of workflows with these ids; a `*` at the end stands for any rest.
pub(super) fn workflows(conn: &Connection, names: &[String]) -> Result<Vec<i64>> {
    let mut keys = Vec::new();
    for name in names {
        keys.extend(match name.strip_suffix('*') {
            Some(prefix) => {
                let sql = "select key from workflows where id >= ?1 and id < ?2";
                statement::values::<i64>(conn, sql, (prefix, after(prefix)))?
            }
            None => statement::values::<i64>(conn, "select key from workflows where id = ?1", [name])?,
        });
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// The keys of versions whose hash begins with one of these.
fn versions(conn: &Connection, prefixes: &[String]) -> Result<Vec<i64>> {
    let mut keys = Vec::new();
    for prefix in prefixes {
        if let (Some(first), Some(last)) = (filled(prefix, "0", 64), filled(prefix, "f", 64)) {
            let sql = "select key from versions where hash >= ?1 and hash <= ?2";
            keys.extend(statement::values::<i64>(conn, sql, (first, last))?);
        }
    }
    Ok(keys)
}

/// The smallest id of an instant.
pub(super) fn first_id(at: Timestamp) -> RunId {
    let millis = u64::try_from(at.0).unwrap_or(0).min(0xffff_ffff_ffff);
    RunId::from_bytes((u128::from(millis) << 80).to_be_bytes())
}

/// The smallest and largest id whose text begins with this prefix, if it can begin an id.
pub(super) fn ids_with_prefix(text: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let id = |fill: &str| filled(&digits, fill, 32)?.try_into().ok();
    Some((id("0")?, id("f")?))
}

/// The bytes of hexadecimal digits with the missing ones filled in.
fn filled(digits: &str, fill: &str, length: usize) -> Option<Vec<u8>> {
    let missing = length.checked_sub(digits.len()).filter(|_| !digits.is_empty())?;
    hex::decode(format!("{digits}{}", fill.repeat(missing))).ok()
}
