//! The weight of a value: its size with its shared parts counted as often as they occur in it.
//!
//! In memory parts are shared: twenty-five lists may represent a tree of millions. Code that walks a value, to store
//! it, to mask it, to compare it or to send it, meets such a part each time. So no variable, result or output of a
//! workflow weighs more than a script may hold, and all these walks are bounded at once.

use super::context::Context;
use super::fault::Fault;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Column, Record, Table, Value, live_size};
use std::collections::HashMap;
use std::sync::Arc;

/// The stack that a walk of the deepest value may need, in bytes, and the size of a new segment if the stack is too
/// small.
const DEEP: usize = 2 << 20;
const STACK: usize = 4 << 20;
/// Values that are less nested are walked on any stack.
const FLAT: u16 = 32;

/// Values of more bytes are measured, not weighed, where only their memory counts.
const WRITTEN_OUT: usize = 16 << 20;

/// The findings of the walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Its weight in bytes.
    pub bytes: usize,
    /// It contains a function.
    pub holds_function: bool,
}

/// Weighs a value of at most `most` bytes; `None` for a heavier one. The walk ends there; it meets most shared parts
/// once.
pub fn weigh(value: &Value, most: usize) -> Option<Weighed> {
    let mut scales = Scales { left: most, found: Weighed::default(), shared: HashMap::new() };
    if value.depth() <= FLAT {
        scales.put(value)?;
    } else {
        stacker::maybe_grow(DEEP, STACK, || scales.put(value))?;
    }
    Some(Weighed { bytes: most - scales.left, ..scales.found })
}

/// The approximate memory of a value, in bytes. Up to [`WRITTEN_OUT`] it is the result of [`weigh`], which is quick; in
/// a value that is larger, or shares much, shared parts count once, so that the walk always ends soon.
pub fn weight(value: &Value) -> usize {
    if let Some(weighed) = weigh(value, WRITTEN_OUT) {
        return weighed.bytes;
    }
    if value.depth() <= FLAT { live_size([value]) } else { stacker::maybe_grow(DEEP, STACK, || live_size([value])) }
}

impl Context<'_> {
    /// Refuses a value that weighs more than a script may hold, see [`weigh`].
    pub fn weighed(&self, value: &Value) -> Result<Weighed, Fault> {
        let most = self.settings.limits.memory;
        weigh(value, most).ok_or_else(|| Fault::new(ErrorKind::Limit, too_heavy(most)))
    }
}

/// The message for a value that weighs more than `most` bytes.
fn too_heavy(most: usize) -> String {
    format!(
        "The value takes more than {} MiB when the parts that it shares are written out, the limit of a script.",
        most >> 20
    )
}

struct Scales {
    left: usize,
    found: Weighed,
    /// The weights of shared lists and tables, by their address: the value keeps them alive.
    shared: HashMap<*const (), usize>,
}

impl Scales {
    fn bytes(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    fn put(&mut self, value: &Value) -> Option<()> {
        self.bytes(size_of::<Value>())?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => Some(()),
            Value::Text(text) => self.bytes(text.len()),
            Value::Binary(bytes) => self.bytes(bytes.len()),
            Value::Function(_) => {
                self.found.holds_function = true;
                Some(())
            }
            Value::Record(record) => self.record(record),
            Value::List(list) => {
                let address = (Arc::strong_count(list) > 1).then(|| Arc::as_ptr(list).cast());
                self.once(address, |scales| list.items().iter().try_for_each(|item| scales.put(item)))
            }
            Value::Table(table) => {
                let address = (Arc::strong_count(table) > 1).then(|| Arc::as_ptr(table).cast());
                self.once(address, |scales| scales.table(table))
            }
        }
    }

    /// Adds the weight of the part at this address if it is shared: walked once, counted each time.
    fn once(&mut self, shared: Option<*const ()>, put: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let Some(address) = shared else { return put(self) };
        if let Some(known) = self.shared.get(&address) {
            return self.bytes(*known);
        }
        let before = self.left;
        put(self)?;
        self.shared.insert(address, before - self.left);
        Some(())
    }

    fn record(&mut self, record: &Record) -> Option<()> {
        record.iter().try_for_each(|(_, cell)| self.put(&cell))
    }

    fn table(&mut self, table: &Arc<Table>) -> Option<()> {
        let Some(columns) = table.columns() else {
            return (0..table.len()).filter_map(|row| table.row(row)).try_for_each(|row| self.record(&row));
        };
        columns.iter().try_for_each(|column| match &**column {
            Column::Any(cells) => cells.iter().try_for_each(|cell| self.put(cell)),
            Column::Text(cells) => {
                self.bytes(size_of_val(cells.as_slice()))?;
                cells.iter().flatten().try_for_each(|text| self.bytes(text.len()))
            }
            Column::Number(cells) => self.bytes(size_of_val(cells.as_slice())),
            Column::DateTime(cells) => self.bytes(size_of_val(cells.as_slice())),
            Column::Bool(cells) => self.bytes(cells.len()),
            Column::Null(cells) => self.bytes(*cells),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(value: Value, times: usize) -> Value {
        (0..times).fold(value, |value, _| Value::list(vec![value.clone(), value]))
    }

    #[test]
    fn shared_parts_take_their_memory_once() {
        let row = |value: Value| Value::record([("a", value.clone()), ("b", value)]);
        let rows = (0..200).fold(Value::from(1), |value, _| row(value));
        assert!(weight(&rows) < 1 << 20);
        assert!(weight(&Value::list(vec![rows.clone(), rows])) < 1 << 20);
    }

    #[test]
    fn shared_parts_weigh_each_time() {
        let most = 1 << 20;
        assert!(weigh(&Value::text("x".repeat(1 << 19)), most).is_some_and(|weighed| weighed.bytes >> 19 == 1));
        assert!(weigh(&doubled(Value::text("x".repeat(1 << 19)), 1), most).is_none());
        assert!(weigh(&doubled(Value::from(1), 14), most).is_some());
        for times in [16, 60, 900] {
            assert!(weigh(&doubled(Value::from(1), times), most).is_none(), "{times}");
        }
        let row = |value: Value| Value::record([("a", value.clone()), ("b", value)]);
        let rows = (0..30).fold(Value::from(1), |value, _| Value::list(vec![row(value.clone()), row(value)]));
        assert!(weigh(&rows, most).is_none());
        let ragged = Value::list(vec![Value::record([("a", rows.clone())]), Value::record([("b", rows)])]);
        assert!(weigh(&ragged, most).is_none());
    }

    #[test]
    fn every_odd_value_has_a_weight() {
        for (shown, value) in crate::odd::values(&flowscript_stdlib::registry()) {
            let weighed = weigh(&value, usize::MAX).unwrap_or_default();
            assert_eq!(weighed.holds_function, value.to_literal(99_999).contains("function"), "{shown}");
        }
    }
}
