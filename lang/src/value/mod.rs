//! The values of the language (lang/README.md, Values). Of the rest of the crate it uses only the budget.
//!
//! A value is 24 bytes; cloning one copies or counts a reference. All values are immutable; unshared parts are changed
//! in place.

mod checked;
mod column;
mod compare;
mod convert;
mod datetime;
mod display;
mod fold;
mod keys;
mod like;
mod number;
mod record;
mod rows;
mod scalar;
mod shape;
mod size;
mod table;
mod zone;

pub(crate) use checked::{Checked, Unchecked};
pub use column::Column;
pub use compare::{Conversion, compare, contains, equal, is_in, sort_order};
pub use convert::{
    ConvertError, parse_boolean, parse_datetime, parse_number, to_boolean, to_datetime, to_number, to_text, truth,
};
pub use datetime::{DateTime, days_between};
pub use display::{Literal, write_text};
pub use fold::{fold_char, fold_text};
pub use keys::Keys;
pub(crate) use keys::hash_of;
pub(crate) use like::LikePattern;
pub use like::like;
pub use number::{MAX_SCALE, Number};
pub use record::Record;
pub use rows::{Rows, RowsBuilder};
pub(crate) use scalar::Compared;
pub use scalar::Scalar;
pub use shape::Shape;
pub(crate) use size::fresh_size;
pub use size::live_size;
pub(crate) use table::TableCells;
pub use table::{ColumnType, RowType, SimpleKind, Table, TableBuilder};
pub use zone::{LocalTime, Zone, local_time, offset_at};

use ecow::EcoString;
use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

/// The limit on nesting of values. Deeper ones are a `limit` error of the run, so that all code that walks a value, or
/// drops it, may recurse.
pub const MAX_DEPTH: u16 = 1_000;

/// A value of the language.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An exact decimal.
    Number(Number),
    /// Unicode text.
    Text(EcoString),
    /// An instant with an offset.
    DateTime(DateTime),
    /// Bytes.
    Binary(Arc<[u8]>),
    /// Ordered values that are not all records; the empty list, too.
    List(Arc<List>),
    /// Named values.
    Record(Record),
    /// A list of records.
    Table(Arc<Table>),
    /// A closure.
    Function(Arc<dyn Callable>),
}

const _: () = assert!(size_of::<Value>() == 24);

/// The interpreter's part of a function value.
pub trait Callable: Any + Debug + Send + Sync {
    /// The least and the most number of parameters.
    fn arity(&self) -> (usize, usize);
    /// Its name for messages, if it has one.
    fn name(&self) -> Option<&str>;
    /// The depth of the values it captured.
    fn depth(&self) -> u16;
    /// The values it captured, for the estimate of memory.
    fn captured(&self) -> Vec<&Value> {
        Vec::new()
    }
    /// For the interpreter to recover its own type.
    fn as_any(&self) -> &dyn Any;
}

/// The elements of a list, with their depth.
#[derive(Clone, Debug, Default)]
pub struct List {
    items: Vec<Value>,
    depth: u16,
    checked: Checked,
}

impl List {
    /// The elements.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Which elements fit which types.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// Appends an element.
    pub fn push(&mut self, value: Value) {
        self.depth = self.depth.max(value.depth().saturating_add(1));
        self.items.push(value);
    }

    /// Replaces the element at `position` and returns the old one; outside nothing is replaced.
    /// The depth stays that of the deepest element the list ever had.
    pub(crate) fn replace(&mut self, position: usize, value: Value) -> Option<Value> {
        let depth = value.depth().saturating_add(1);
        let old = std::mem::replace(self.items.get_mut(position)?, value);
        self.checked.touch(position);
        self.depth = self.depth.max(depth);
        Some(old)
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<EcoString>) -> Self {
        Self::Text(text.into())
    }

    /// The list of `items`, which is a table if all of them are records.
    pub fn list(items: Vec<Value>) -> Self {
        if !items.is_empty() && items.iter().all(|item| matches!(item, Self::Record(_))) {
            let mut builder = TableBuilder::default();
            for item in items {
                if let Self::Record(record) = item {
                    builder.push(&record);
                }
            }
            return Self::Table(Arc::new(builder.finish()));
        }
        if items.is_empty() {
            return Self::empty_list();
        }
        let mut items = items;
        packed(&mut items);
        let depth = depth_of(&items);
        Self::List(Arc::new(List { items, depth, checked: Checked::default() }))
    }

    /// The record of these fields.
    pub fn record<N: Into<EcoString>>(fields: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::Record(Record::from_fields(fields.into_iter().map(|(name, value)| (name.into(), value))))
    }

    /// The empty list, which is the empty table too.
    pub fn empty_list() -> Self {
        // There may be one for each two bytes of a text.
        static EMPTY: LazyLock<Arc<List>> = LazyLock::new(Arc::default);
        Self::List(EMPTY.clone())
    }

    /// The table.
    pub fn table(table: Table) -> Self {
        Self::Table(Arc::new(table))
    }

    /// The bytes.
    pub fn binary(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Is it `null`?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Is it `[]`, the empty list that has every column?
    pub fn is_empty_list(&self) -> bool {
        matches!(self, Self::List(list) if list.items.is_empty())
    }

    /// The name of its type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::DateTime(_) => "datetime",
            Self::Binary(_) => "binary",
            Self::List(_) => "list",
            Self::Record(_) => "record",
            Self::Table(_) => "table",
            Self::Function(_) => "function",
        }
    }

    /// Its depth: 0 for simple values, 1 for a list of them.
    #[inline]
    pub fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth.max(1),
            Self::Record(record) => record.depth().max(1),
            Self::Table(table) => table.depth(),
            Self::Function(function) => function.depth(),
            _ => 0,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<EcoString> for Value {
    fn from(value: EcoString) -> Self {
        Self::Text(value)
    }
}

impl From<DateTime> for Value {
    fn from(value: DateTime) -> Self {
        Self::DateTime(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Gives back memory reserved for more cells than there are: a few cells gathered one by one would otherwise keep
/// several times their size.
fn packed<T>(cells: &mut Vec<T>) {
    if cells.capacity() > cells.len() + cells.len() / 2 {
        cells.shrink_to_fit();
    }
}

fn depth_of(items: &[Value]) -> u16 {
    items.iter().map(Value::depth).max().unwrap_or(0).saturating_add(1)
}
